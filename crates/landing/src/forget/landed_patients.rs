//! All ids and identifiers of a person, from any one of them, and how each Patient was found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use claimlake_contract::{
    ApiVersion, Identifier, LandingLayout, PatientId, Person, ReferenceRecord, ResourceType,
};
use claimlake_fhir::{PatientNames, is_personal, patient_names};

use super::same_person::{PatientKey, PersonGroups};
use crate::run_lines::each_line;
use crate::{LandingError, landing_runs};

/// What was found of a person.
#[derive(Debug, Clone, Default)]
pub struct PersonSearch {
    /// The Patients that are them, and why.
    pub reached: Vec<PatientReached>,
    /// Identifiers of theirs that other Patients have, too: nothing was concluded from them.
    pub shared: Vec<SharedIdentifier>,
    /// All patients that the name matches, if these are several people; `reached` is empty then.
    pub candidates: Vec<PatientReached>,
}

/// A Patient, and how it was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientReached {
    /// The API version of its id.
    pub api: ApiVersion,
    /// Its id.
    pub id: PatientId,
    /// How.
    pub by: ReachedBy,
}

/// How a Patient was reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReachedBy {
    /// By its id, which was given or is that of a grant.
    Id,
    /// It has the same identifier of this system, and no other Patient of its API version has.
    Identifier(String),
    /// By an identifier that several Patients share, and shared ones were requested.
    Shared(String),
    /// It is linked to, or links to, a Patient that is the person.
    Link,
}

/// An identifier that several Patients have who may be several people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedIdentifier {
    /// Its system.
    pub system: String,
    /// The other Patients who have it.
    pub others: Vec<(ApiVersion, PatientId)>,
}

/// All landed Patients, each under all names that any of its bodies has.
pub struct LandedPatients {
    by_key: BTreeMap<PatientKey, PatientNames>,
    groups: PersonGroups,
    /// Personal identifiers that several people have.
    shared: BTreeSet<Identifier>,
}

impl LandedPatients {
    /// Reads them.
    ///
    /// # Errors
    /// When the raw zone cannot be listed.
    pub fn read(layout: &LandingLayout) -> Result<Self, LandingError> {
        let mut by_key: BTreeMap<PatientKey, PatientNames> = BTreeMap::new();
        for run in landing_runs(layout)?.sealed {
            if run.manifest.resource.as_str() != ResourceType::PATIENT {
                continue;
            }
            each_line(&run, |line, records| {
                let Some(mut names) = patient_names(line) else {
                    return;
                };
                // Links by uuid: a Patient refers to no other patient but for being the same.
                let linked = records.iter().filter_map(ReferenceRecord::patient);
                names.links.extend(linked.map(PatientId::new));
                let key = (run.manifest.api, names.id.clone());
                match by_key.get_mut(&key) {
                    None => {
                        by_key.insert(key, names);
                    }
                    Some(known) => known.add(names),
                }
            });
        }
        let mut groups = PersonGroups::linked(&by_key);
        let shared = shared(&by_key, &groups);
        groups.unite_by_identifiers(&by_key, &shared);
        Ok(Self {
            by_key,
            groups,
            shared,
        })
    }

    /// Adds to `person` the ids and identifiers of landed Patients that are the same person: Patients
    /// with one of their ids, with a personal identifier of theirs, or linked to one of these.
    ///
    /// An identifier names one person by its exact system and value, and only where one Patient of an
    /// API version has it and the dates of birth agree; with `include_shared`, shared ones count, too.
    /// `wanted` is what somebody typed: an id (`v2:` or `v3:` before it names the API version), the
    /// value of an identifier, or `system|value`.
    pub fn find(
        &self,
        wanted: Option<&str>,
        include_shared: bool,
        person: &mut Person,
    ) -> PersonSearch {
        let mut search = PersonSearch::default();
        if let Some(wanted) = wanted {
            let asked = self.named(wanted);
            let people: BTreeSet<&PatientKey> =
                asked.keys().map(|key| self.groups.of(key)).collect();
            if people.len() > 1 && !include_shared {
                search.candidates = asked.into_iter().map(reached).collect();
                return search;
            }
            for (key, by) in asked {
                person.ids.insert(key.clone());
                search.reached.push(reached((key, by)));
            }
        }
        for (api, id) in &person.ids {
            let is_known = |one: &PatientReached| one.api == *api && one.id == *id;
            if !search.reached.iter().any(is_known) {
                search
                    .reached
                    .push(reached(((*api, id.clone()), ReachedBy::Id)));
            }
        }
        loop {
            let before = person.names().count();
            for (key, names) in &self.by_key {
                let Some(by) = self.is_theirs(person, key, names, include_shared) else {
                    continue;
                };
                if person.ids.insert(key.clone()) {
                    search.reached.push(reached((key.clone(), by)));
                }
                let own = names.identifiers.iter().filter(|one| is_personal(one));
                person.identifiers.extend(
                    own.filter(|one| include_shared || !self.shared.contains(*one))
                        .cloned(),
                );
                for link in &names.links {
                    if person.ids.insert((key.0, link.clone())) {
                        let link = (key.0, link.clone());
                        search.reached.push(reached((link, ReachedBy::Link)));
                    }
                }
            }
            if person.names().count() == before {
                break;
            }
        }
        search.shared = self.shared_with_others(person);
        search
    }

    /// The Patients that a typed name names.
    fn named(&self, wanted: &str) -> BTreeMap<PatientKey, ReachedBy> {
        let (of_api, wanted) = match wanted.split_once(':') {
            Some((api, id)) if let Ok(api) = api.parse::<ApiVersion>() => (Some(api), id),
            _ => (None, wanted),
        };
        let in_api = |key: &&PatientKey| of_api.is_none_or(|api| api == key.0);
        let mut named = BTreeMap::new();
        for (key, names) in self.by_key.iter().filter(|(key, _)| in_api(key)) {
            if key.1.expose() == wanted {
                named.insert(key.clone(), ReachedBy::Id);
                continue;
            }
            let mut identifiers = names.identifiers.iter();
            let own = identifiers.find(|one| one.value() == wanted || one.to_string() == wanted);
            if let Some(own) = own {
                let system = own.system().unwrap_or_default().to_owned();
                named.insert(key.clone(), ReachedBy::Identifier(system));
            }
        }
        named
    }

    fn is_theirs(
        &self,
        person: &Person,
        (api, id): &PatientKey,
        names: &PatientNames,
        include_shared: bool,
    ) -> Option<ReachedBy> {
        if person.has_id(*api, id.expose()) {
            return Some(ReachedBy::Id);
        }
        let mut links = names.links.iter();
        if links.any(|link| person.has_id(*api, link.expose())) {
            return Some(ReachedBy::Link);
        }
        let own = names.identifiers.iter().find(|one| {
            person.identifiers.contains(*one) && (include_shared || !self.shared.contains(*one))
        })?;
        let system = own.system().unwrap_or_default().to_owned();
        Some(match self.shared.contains(own) {
            true => ReachedBy::Shared(system),
            false => ReachedBy::Identifier(system),
        })
    }

    /// The person's identifiers that other people have, too.
    fn shared_with_others(&self, person: &Person) -> Vec<SharedIdentifier> {
        let is_own = |key: &PatientKey| person.has_id(key.0, key.1.expose());
        let has = |names: &PatientNames, one: &Identifier| names.identifiers.contains(one);
        let mut found = Vec::new();
        for identifier in &self.shared {
            let with_it = self
                .by_key
                .iter()
                .filter(|(_, names)| has(names, identifier));
            let (own, others): (Vec<_>, Vec<_>) =
                with_it.map(|(key, _)| key).partition(|key| is_own(key));
            if !own.is_empty() && !others.is_empty() {
                found.push(SharedIdentifier {
                    system: identifier.system().unwrap_or_default().to_owned(),
                    others: others.into_iter().cloned().collect(),
                });
            }
        }
        found
    }
}

impl fmt::Debug for LandedPatients {
    /// Without names of the person.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LandedPatients({}, redacted)", self.by_key.len())
    }
}

fn reached(((api, id), by): (PatientKey, ReachedBy)) -> PatientReached {
    PatientReached { api, id, by }
}

/// Identifiers that several Patients of one API version have who are not linked, or Patients who
/// were born on different days.
fn shared(
    by_key: &BTreeMap<PatientKey, PatientNames>,
    groups: &PersonGroups,
) -> BTreeSet<Identifier> {
    let mut patients_of: BTreeMap<&Identifier, Vec<(&PatientKey, &PatientNames)>> = BTreeMap::new();
    for (key, names) in by_key {
        for identifier in names.identifiers.iter().filter(|one| is_personal(one)) {
            patients_of
                .entry(identifier)
                .or_default()
                .push((key, names));
        }
    }
    let is_shared = |patients: &[(&PatientKey, &PatientNames)]| {
        let keys = patients.iter().map(|(key, _)| groups.of(key));
        let people: BTreeSet<&PatientKey> = keys.collect();
        let apis: BTreeSet<ApiVersion> = people.iter().map(|(api, _)| *api).collect();
        let born = patients
            .iter()
            .filter_map(|(_, names)| names.birth_date.as_ref());
        let born: BTreeSet<&String> = born.collect();
        people.len() > apis.len() || (people.len() > 1 && born.len() > 1)
    };
    patients_of
        .into_iter()
        .filter(|(_, patients)| is_shared(patients))
        .map(|(identifier, _)| identifier.clone())
        .collect()
}
