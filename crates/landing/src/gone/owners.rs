//! Whose a resource is: the patient for whom its newest body landed. One that moved to another
//! patient is no longer found with the first, and is not gone.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use claimlake_contract::{IdHash, LandingOrigin, LandingPatient, PatientId};
use claimlake_fhir::{id_hash, quoted_id};

use super::listed::{Listed, OfType, entries_of};
use crate::SealedRun;
use crate::patient_lines::lines_of_patient;

/// For one resource and patient: the runs that landed it, and the runs that no longer found it.
#[derive(Default)]
struct History {
    landed: Vec<u32>,
    missed: Vec<u32>,
}

/// For each listed resource, the patients for whom it landed, as far as that decides whose it is.
pub(super) struct Owners<'r>(HashMap<IdHash, HashMap<&'r PatientId, History>>);

impl<'r> Owners<'r> {
    pub(super) fn of(runs: &'r [SealedRun], of_type: &OfType, listed: &Listed<'r>) -> Self {
        let mut owners = Self(HashMap::new());
        if listed.ids.is_empty() {
            return owners;
        }
        let of_type = |(_, run): &(u32, &SealedRun)| {
            run.of_type() == *of_type && run.manifest.origin == LandingOrigin::Extract
        };
        let numbered = || (0..).zip(runs).filter(of_type);
        for (number, patient, id) in entries_of(numbered()) {
            if listed.ids.contains(&id) {
                owners.history(id, patient).missed.push(number);
            }
        }
        let listing: HashSet<&PatientId> = listed.entries.iter().map(|entry| entry.1).collect();
        let before = || numbered().filter(|(number, _)| *number < listed.newest);
        for (number, run) in before() {
            owners.note(number, run, listed, |one| listing.contains(&one.patient));
        }
        // Of other patients only landings count that are later than the last one for the patient who
        // no longer has the resource.
        let own = listed.entries.iter().map(|(number, patient, id)| {
            let history = owners.0.get(id).and_then(|of_id| of_id.get(patient));
            history.and_then(|history| last_before(&history.landed, *number))
        });
        let from = own.min().flatten().unwrap_or(0);
        for (number, run) in before().filter(|(number, _)| *number >= from) {
            owners.note(number, run, listed, |one| !listing.contains(&one.patient));
        }
        owners
    }

    fn note(
        &mut self,
        number: u32,
        run: &'r SealedRun,
        listed: &Listed<'_>,
        is_wanted: impl Fn(&LandingPatient) -> bool,
    ) {
        for patient in run.manifest.patients.iter().filter(|one| is_wanted(one)) {
            let _ = lines_of_patient(run, patient, |line| {
                if let Some(id) = quoted_id(line).map(id_hash)
                    && listed.ids.contains(&id)
                {
                    self.history(id, &patient.patient).landed.push(number);
                }
                ControlFlow::Continue(())
            });
        }
    }

    fn history(&mut self, id: IdHash, patient: &'r PatientId) -> &mut History {
        self.0.entry(id).or_default().entry(patient).or_default()
    }

    /// Whether what a run no longer found with a patient is gone: no other patient has had it since.
    pub(super) fn gave_up(&self, number: u32, patient: &PatientId, id: IdHash) -> bool {
        let Some(of_id) = self.0.get(&id) else {
            return true;
        };
        let own = of_id
            .get(patient)
            .and_then(|history| last_before(&history.landed, number));
        !of_id.iter().any(|(other, history)| {
            let landed = last_before(&history.landed, number);
            let has_it = landed.is_some_and(|landed| {
                let mut missed = history.missed.iter();
                !missed.any(|missed| landed < *missed && *missed <= number)
            });
            *other != patient && has_it && landed >= own
        })
    }
}

fn last_before(runs: &[u32], number: u32) -> Option<u32> {
    runs.iter().copied().filter(|run| *run < number).max()
}
