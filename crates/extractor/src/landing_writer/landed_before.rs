//! What earlier runs landed of a patient, looked up in landing itself.

use std::collections::HashMap;
use std::ops::ControlFlow;

use claimlake_contract::{
    ApiVersion, IdHash, LandingLayout, LandingOrigin, PatientId, ResourceType,
};
use claimlake_fhir::{content_hash, id_hash, quoted_id};
use claimlake_landing::{LandingError, SealedRun, lines_of_patient, listed_runs};

use super::claim_kinds::ClaimKinds;

/// A resource that landed before.
#[derive(Debug, Clone)]
pub(super) struct LandedResource {
    pub(super) id: IdHash,
    pub(super) content: [u8; 16],
    pub(super) kinds: ClaimKinds,
}

/// Landing, by patient. Read on first use: most runs never need it.
#[derive(Debug, Default)]
pub(super) struct LandedBefore(Option<Index>);

#[cfg(test)]
mod tests;

#[derive(Debug)]
struct Index {
    api: ApiVersion,
    runs: Vec<SealedRun>,
    /// Positions in `runs`, and of the patient in its manifest.
    by_patient: HashMap<(ResourceType, PatientId), Vec<(u32, u32)>>,
    /// The last run that no longer found a resource, and the patient that it read in full.
    missed: HashMap<(ResourceType, IdHash), Vec<(u32, PatientId)>>,
}

impl LandedBefore {
    /// The newest body of every resource of a patient, without those that were gone later.
    pub(super) fn of_patient(
        &mut self,
        layout: &LandingLayout,
        api: ApiVersion,
        resource: &ResourceType,
        patient: &PatientId,
    ) -> Result<Vec<LandedResource>, LandingError> {
        Ok(self.index(layout, api)?.of_patient(resource, patient))
    }

    /// Which of `known` the full read of another patient no longer found after they had landed for
    /// this one: they moved here, and a lake may have taken them out. They are to land again.
    pub(super) fn moved_here<'h>(
        &mut self,
        layout: &LandingLayout,
        api: ApiVersion,
        (resource, patient): (&ResourceType, &PatientId),
        known: impl Iterator<Item = &'h [u8; 16]>,
    ) -> Result<Vec<IdHash>, LandingError> {
        let index = self.index(layout, api)?;
        Ok(index.moved_here(resource, patient, known))
    }

    fn index(&mut self, layout: &LandingLayout, api: ApiVersion) -> Result<&Index, LandingError> {
        Ok(match &mut self.0 {
            Some(index) => index,
            none => none.insert(Index::read(layout, api)?),
        })
    }
}

impl Index {
    fn read(layout: &LandingLayout, api: ApiVersion) -> Result<Self, LandingError> {
        let runs = listed_runs(layout)?.read(|run| run.api == api).sealed;
        let mut by_patient: HashMap<_, Vec<_>> = HashMap::new();
        let mut missed: HashMap<_, Vec<_>> = HashMap::new();
        for (number, run) in (0..).zip(&runs) {
            let manifest = &run.manifest;
            if manifest.api != api || manifest.origin != LandingOrigin::Extract {
                continue;
            }
            for (place, patient) in (0..).zip(&manifest.patients) {
                for id in &patient.gone {
                    let key = (manifest.resource.clone(), *id);
                    let of_id: &mut Vec<_> = missed.entry(key).or_default();
                    of_id.push((number, patient.patient.clone()));
                }
                if !patient.frames.is_empty() {
                    let key = (manifest.resource.clone(), patient.patient.clone());
                    by_patient.entry(key).or_default().push((number, place));
                }
            }
        }
        Ok(Self {
            api,
            runs,
            by_patient,
            missed,
        })
    }

    /// The last full read that no longer found a resource, of patients who are chosen.
    fn missed(
        &self,
        resource: &ResourceType,
        id: IdHash,
        is_chosen: impl Fn(&PatientId) -> bool,
    ) -> Option<u32> {
        let of_id = self.missed.get(&(resource.clone(), id))?.iter();
        let chosen = of_id.filter(|(_, patient)| is_chosen(patient));
        chosen.map(|(run, _)| *run).max()
    }

    fn moved_here<'h>(
        &self,
        resource: &ResourceType,
        patient: &PatientId,
        known: impl Iterator<Item = &'h [u8; 16]>,
    ) -> Vec<IdHash> {
        if self.missed.is_empty() {
            return Vec::new();
        }
        let missed = |id: &[u8; 16]| {
            let run = self.missed(resource, IdHash(*id), |other| other != patient)?;
            Some((IdHash(*id), run))
        };
        let mut moved: HashMap<IdHash, u32> = known.filter_map(missed).collect();
        if !moved.is_empty() {
            self.lines(resource, patient, |run, line| {
                if let Some(id) = quoted_id(line).map(id_hash)
                    && moved.get(&id).is_some_and(|missed| *missed <= run)
                {
                    moved.remove(&id);
                }
            });
        }
        moved.into_keys().collect()
    }

    fn of_patient(&self, resource: &ResourceType, patient: &PatientId) -> Vec<LandedResource> {
        let mut newest: HashMap<IdHash, LandedResource> = HashMap::new();
        // Later lines are later bodies.
        self.lines(resource, patient, |run, line| {
            if let Some(id) = quoted_id(line).map(id_hash) {
                let missed = self.missed(resource, id, |one| one == patient);
                if missed.is_none_or(|missed| missed <= run) {
                    let landed = LandedResource {
                        id,
                        content: content_hash(self.api, line, &[]),
                        kinds: ClaimKinds::of(line),
                    };
                    newest.insert(id, landed);
                }
            }
        });
        newest.into_values().collect()
    }

    /// Visits every line of the patient with the position of its run.
    fn lines(
        &self,
        resource: &ResourceType,
        patient: &PatientId,
        mut visit: impl FnMut(u32, &[u8]),
    ) {
        let key = (resource.clone(), patient.clone());
        let places = self.by_patient.get(&key).map_or(&[][..], Vec::as_slice);
        for (number, place) in places {
            if let Some(run) = self.runs.get(*number as usize)
                && let Some(patient) = run.manifest.patients.get(*place as usize)
            {
                let _ = lines_of_patient(run, patient, |line| {
                    visit(*number, line);
                    ControlFlow::Continue(())
                });
            }
        }
    }
}
