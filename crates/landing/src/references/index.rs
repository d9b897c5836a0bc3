//! The resources that references may name, by `fullUrl`, id and identifier.
//!
//! In memory while an import runs: for each Patient, Coverage, Practitioner and so on of the
//! inputs (and of landing, once a reference asks for it) its id, identifiers and `fullUrl`, a few
//! hundred bytes. Claims are not among them.

use std::collections::HashMap;

use claimlake_contract::{ApiVersion, LandingLayout, Unresolved};
use claimlake_fhir::{ReferenceQuery, TARGET_TYPES, identifiers_of, normalized_url, target_type};

use crate::run_lines::each_line;
use crate::{LandingError, landing_runs};

/// A resource that a reference may name.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Target {
    pub(crate) api: ApiVersion,
    pub(crate) resource: &'static str,
    pub(crate) id: String,
}

/// The target, or why there is none.
pub(crate) type Resolved<'i> = Result<&'i Target, Unresolved>;

#[derive(Default)]
pub(crate) struct TargetIndex {
    targets: Vec<Target>,
    by_id: HashMap<Target, usize>,
    /// The Bundle in which the `fullUrl` is, and what it is of; none of a resource without an id.
    by_url: HashMap<String, Vec<(u64, Option<usize>)>>,
    by_value: HashMap<String, Vec<(Option<String>, usize)>>,
    /// Whether some `fullUrl` ends in another id than its resource has.
    has_renamed: bool,
}

impl TargetIndex {
    /// Takes note of a resource of one of the types, and of its `fullUrl` in a Bundle.
    pub(crate) fn add(
        &mut self,
        api: ApiVersion,
        resource: &'static str,
        bundle: u64,
        full_url: Option<&str>,
        text: &[u8],
    ) {
        let Some(value) = claimlake_json::tree(text) else {
            return;
        };
        let id = value["id"].as_str().filter(|id| !id.is_empty());
        let target = id.map(|id| {
            self.number_of(Target {
                api,
                resource,
                id: id.to_owned(),
            })
        });
        if let Some(url) = full_url {
            let ends_so = id.is_some_and(|id| url.ends_with(&format!("/{resource}/{id}")));
            self.has_renamed |= !ends_so && !url.starts_with("urn:");
            self.add_url(url, bundle, target);
        }
        let Some(target) = target else {
            return;
        };
        for identifier in identifiers_of(&value) {
            let system = identifier.system().map(str::to_owned);
            let known = self
                .by_value
                .entry(identifier.value().to_owned())
                .or_default();
            if !known.contains(&(system.clone(), target)) {
                known.push((system, target));
            }
        }
    }

    fn number_of(&mut self, target: Target) -> usize {
        if let Some(number) = self.by_id.get(&target) {
            return *number;
        }
        let number = self.targets.len();
        self.targets.push(target.clone());
        self.by_id.insert(target, number);
        number
    }

    fn add_url(&mut self, url: &str, bundle: u64, target: Option<usize>) {
        let known = self.by_url.entry(normalized_url(url)).or_default();
        if !known.contains(&(bundle, target)) {
            known.push((bundle, target));
        }
    }

    /// Everything of landing that references may name.
    ///
    /// # Errors
    /// When landing cannot be listed.
    pub(crate) fn of_landing(layout: &LandingLayout) -> Result<Self, LandingError> {
        let mut index = Self::default();
        for run in landing_runs(layout)?.sealed {
            let of_run = run.manifest.resource.as_str();
            let Some(resource) = target_type(of_run) else {
                continue;
            };
            each_line(&run, |line, records| {
                let url = records.iter().find_map(|record| record.full_url.as_deref());
                index.add(run.manifest.api, resource, 0, url, line);
            });
        }
        Ok(index)
    }

    pub(crate) fn has_renamed(&self) -> bool {
        self.has_renamed
    }

    pub(crate) fn has(&self, api: ApiVersion, resource: &str, id: &str) -> bool {
        self.by_its_id(api, resource, id).is_some()
    }

    pub(crate) fn by_its_id(&self, api: ApiVersion, resource: &str, id: &str) -> Option<&Target> {
        let target = Target {
            api,
            resource: target_type(resource)?,
            id: id.to_owned(),
        };
        self.targets.get(*self.by_id.get(&target)?)
    }

    /// The resource with this `fullUrl`: within the Bundle if it is there, otherwise anywhere. A
    /// UUID that is no resource's `fullUrl` is taken as the id of a resource.
    pub(crate) fn by_url(&self, api: ApiVersion, bundle: u64, url: &str) -> Resolved<'_> {
        if let Some(known) = self.by_url.get(url) {
            let own: Vec<_> = known.iter().filter(|(of, _)| *of == bundle).collect();
            let asked = match own.is_empty() {
                true => known.iter().collect(),
                false => own,
            };
            let mut found: Vec<Option<usize>> = asked.iter().map(|(_, target)| *target).collect();
            found.sort_unstable();
            found.dedup();
            return match found.as_slice() {
                [Some(target)] => self.in_api(api, *target),
                [None] => Err(Unresolved::NoId),
                _ => Err(Unresolved::Ambiguous),
            };
        }
        let Some(uuid) = url.strip_prefix("urn:uuid:") else {
            return Err(Unresolved::NotFound);
        };
        let mut found = TARGET_TYPES
            .iter()
            .filter_map(|resource| self.by_its_id(api, resource, uuid));
        match (found.next(), found.next()) {
            (Some(target), None) => Ok(target),
            (Some(_), Some(_)) => Err(Unresolved::Ambiguous),
            (None, _) => Err(Unresolved::NotFound),
        }
    }

    fn in_api(&self, api: ApiVersion, target: usize) -> Resolved<'_> {
        let target = self.targets.get(target).filter(|target| target.api == api);
        target.ok_or(Unresolved::NotFound)
    }

    /// The resources of a type that every query fits.
    pub(crate) fn fitting(
        &self,
        api: ApiVersion,
        resource: &str,
        queries: &[ReferenceQuery],
    ) -> Vec<&Target> {
        let mut fitting: Option<Vec<usize>> = None;
        for query in queries {
            let mut found = self.fitting_one(api, resource, query);
            if let Some(before) = &fitting {
                found.retain(|target| before.contains(target));
            }
            fitting = Some(found);
        }
        let fitting = fitting.unwrap_or_default().into_iter();
        fitting
            .filter_map(|number| self.targets.get(number))
            .collect()
    }

    fn fitting_one(&self, api: ApiVersion, resource: &str, query: &ReferenceQuery) -> Vec<usize> {
        let mut found: Vec<usize> = match query {
            ReferenceQuery::Id(id) => {
                let target = target_type(resource).and_then(|resource| {
                    let id = id.clone();
                    self.by_id.get(&Target { api, resource, id })
                });
                target.copied().into_iter().collect()
            }
            ReferenceQuery::Identifier {
                any_system,
                identifier,
            } => {
                let known = self.by_value.get(identifier.value()).into_iter().flatten();
                known
                    .filter(|(system, _)| *any_system || system.as_deref() == identifier.system())
                    .map(|(_, target)| *target)
                    .collect()
            }
        };
        found.retain(|number| {
            let target = self.targets.get(*number);
            target.is_some_and(|target| target.api == api && target.resource == resource)
        });
        found.sort_unstable();
        found.dedup();
        found
    }
}
