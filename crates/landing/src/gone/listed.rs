//! What the manifests of full reads list as no longer found.

use std::collections::HashSet;

use claimlake_contract::{ApiVersion, IdHash, PatientId, ResourceType};

use crate::SealedRun;

/// API version and resource type.
pub(super) type OfType = (ApiVersion, ResourceType);

/// The entries of one resource type.
pub(super) struct Listed<'r> {
    /// The position of the run, the patient whose full read it was, and what it did not find.
    pub(super) entries: Vec<(u32, &'r PatientId, IdHash)>,
    pub(super) ids: HashSet<IdHash>,
    /// The last run that lists anything.
    pub(super) newest: u32,
}

impl<'r> Listed<'r> {
    pub(super) fn of(runs: &'r [SealedRun], of_type: &OfType, chosen: &[u32]) -> Self {
        let numbered = chosen.iter().filter_map(|number| {
            let run = runs.get(*number as usize)?;
            (run.of_type() == *of_type).then_some((*number, run))
        });
        let entries = entries_of(numbered);
        Self {
            ids: entries.iter().map(|(.., id)| *id).collect(),
            newest: chosen.iter().copied().max().unwrap_or(0),
            entries,
        }
    }
}

pub(super) fn entries_of<'r>(
    runs: impl Iterator<Item = (u32, &'r SealedRun)>,
) -> Vec<(u32, &'r PatientId, IdHash)> {
    let mut entries = Vec::new();
    for (number, run) in runs {
        for patient in &run.manifest.patients {
            let ids = patient.gone.iter();
            entries.extend(ids.map(|id| (number, &patient.patient, *id)));
        }
    }
    entries
}
