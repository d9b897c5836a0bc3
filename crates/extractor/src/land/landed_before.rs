//! What earlier runs landed of a person, looked up in landing itself.

use std::collections::HashMap;
use std::ops::ControlFlow;

use claimlake_contract::{
    ApiVersion, IdHash, LandingLayout, LandingOrigin, PatientId, ResourceType,
};
use claimlake_landing::{
    Gone, LandingError, SealedRun, content_hash, id_hash, landing_runs, lines_of_patient, quoted_id,
};

use super::kind::Kinds;

/// A resource that landed before.
#[derive(Debug, Clone, Copy)]
pub(super) struct LandedResource {
    pub(super) id: IdHash,
    pub(super) content: [u8; 16],
    pub(super) kinds: Kinds,
}

/// Landing, by person. Read on first use: most runs never need it.
#[derive(Debug, Default)]
pub(super) struct LandedBefore(Option<Index>);

#[derive(Debug)]
struct Index {
    api: ApiVersion,
    runs: Vec<SealedRun>,
    gone: Gone,
    /// Positions in `runs`, and of the person in its manifest.
    by_person: HashMap<(ResourceType, PatientId), Vec<(u32, u32)>>,
}

impl LandedBefore {
    /// The newest body of every resource of a person that counts: one that was gone before is none.
    pub(super) fn of_person(
        &mut self,
        layout: &LandingLayout,
        api: ApiVersion,
        resource: &ResourceType,
        patient: &PatientId,
    ) -> Result<Vec<LandedResource>, LandingError> {
        let index = match &mut self.0 {
            Some(index) => index,
            none => none.insert(Index::read(layout, api)?),
        };
        Ok(index.of_person(resource, patient))
    }
}

impl Index {
    fn read(layout: &LandingLayout, api: ApiVersion) -> Result<Self, LandingError> {
        let runs = landing_runs(layout)?.sealed;
        let gone = Gone::of(&runs, |run| run.manifest.api == api);
        let mut by_person: HashMap<_, Vec<_>> = HashMap::new();
        for (number, run) in (0..).zip(&runs) {
            let manifest = &run.manifest;
            if manifest.api != api || manifest.origin != LandingOrigin::Extract {
                continue;
            }
            for (place, patient) in (0..).zip(&manifest.patients) {
                if !patient.frames.is_empty() {
                    let key = (manifest.resource.clone(), patient.patient.clone());
                    by_person.entry(key).or_default().push((number, place));
                }
            }
        }
        Ok(Self {
            api,
            runs,
            gone,
            by_person,
        })
    }

    fn of_person(&self, resource: &ResourceType, patient: &PatientId) -> Vec<LandedResource> {
        let key = (resource.clone(), patient.clone());
        let places = self.by_person.get(&key).map_or(&[][..], Vec::as_slice);
        let mut newest: HashMap<IdHash, LandedResource> = HashMap::new();
        for (run, place) in places {
            let Some(run) = self.runs.get(*run as usize) else {
                continue;
            };
            let Some(patient) = run.manifest.patients.get(*place as usize) else {
                continue;
            };
            // Later lines are later bodies.
            let _ = lines_of_patient(run, patient, |line| {
                if let Some(id) = quoted_id(line).map(id_hash)
                    && !self
                        .gone
                        .leaves_out(self.api, resource, id, &run.manifest.run)
                {
                    let landed = LandedResource {
                        id,
                        content: content_hash(self.api, line, &[]),
                        kinds: Kinds::of(line),
                    };
                    newest.insert(id, landed);
                }
                ControlFlow::Continue(())
            });
        }
        newest.into_values().collect()
    }
}
