//! Bodies of a person's resources that do not name the patient themselves, such as a claim that was
//! imported before its Patient and again together with it.

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::{ApiVersion, LandingOrigin, Person, ReferenceRecord, ResourceType};
use claimlake_fhir::{is_about, names_another_patient, resource_id, subject_member, text_member};

use crate::SealedRun;
use crate::run_lines::each_line;

/// The resources of a person that have a patient: claims and coverages.
#[derive(Default)]
pub(super) struct OwnResources(BTreeMap<(ApiVersion, ResourceType), BTreeSet<String>>);

impl OwnResources {
    /// The resources of which lines of the person are bodies.
    pub(super) fn of(runs: &[SealedRun], person: &Person) -> Self {
        let mut own = Self::default();
        for run in runs.iter().filter(|run| has_patient(run)) {
            let (api, resource) = (run.manifest.api, &run.manifest.resource);
            each_line(run, |line, references| {
                if is_about(person, api, resource, line, references) {
                    own.add(api, resource, resource_id(line));
                }
            });
        }
        own
    }

    pub(super) fn add(&mut self, api: ApiVersion, resource: &ResourceType, id: Option<String>) {
        if subject_member(resource.as_str()).is_some() {
            let ids = self.0.entry((api, resource.clone())).or_default();
            ids.extend(id);
        }
    }

    /// Whether a run may have other bodies of these resources: lines from an extraction are in the
    /// frames of their patient and name the patient.
    pub(super) fn may_be_in(&self, run: &SealedRun) -> bool {
        is_import(run) && self.0.contains_key(&run.of_type())
    }

    /// Whether a line is another body of one of these, and nothing in it names another patient.
    pub(super) fn has_body(
        &self,
        person: &Person,
        api: ApiVersion,
        resource: &ResourceType,
        line: &[u8],
        references: &[ReferenceRecord],
    ) -> bool {
        let Some(ids) = self.0.get(&(api, resource.clone())) else {
            return false;
        };
        resource_id(line).is_some_and(|id| ids.contains(&id))
            && !is_about(person, api, resource, line, references)
            && !names_another_patient(person, resource, line, references)
    }

    /// Whether a rejected text, of any version where none is known, is such a body.
    pub(super) fn has_text(&self, person: &Person, api: Option<ApiVersion>, text: &[u8]) -> bool {
        let Some(resource) = text_member(text, "resourceType") else {
            return false;
        };
        let Ok(resource) = resource.parse::<ResourceType>() else {
            return false;
        };
        let mut apis = ApiVersion::ALL.into_iter();
        apis.any(|of| {
            api.is_none_or(|api| api == of) && self.has_body(person, of, &resource, text, &[])
        })
    }
}

/// Whether any run may have bodies that do not state whose they are.
pub(super) fn may_be_anywhere(runs: &[SealedRun]) -> bool {
    runs.iter().any(|run| is_import(run) && has_patient(run))
}

fn is_import(run: &SealedRun) -> bool {
    run.manifest.origin == LandingOrigin::Import
}

fn has_patient(run: &SealedRun) -> bool {
    subject_member(run.manifest.resource.as_str()).is_some()
}
