//! Prepares everything that is written of a patient in one transaction: frames, counts, state, known
//! resources, checkpoint.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, LandingPatient, PatientState, RunId};
use claimlake_landing::{KeptFrame, KeptPatient};
use claimlake_vault::{ExtractState, KnownResources, StateChange};

use super::gone;
use super::landed_before::LandedResource;
use super::patient_commit::{CheckpointDetail, PatientCommit, ResourceCommit, ResourceLanded};
use super::search_pass::SearchPass;
use crate::anomalies::ServerAnomalies;

/// Everything there is to write of one resource type.
pub(super) struct Prepared {
    pub(super) change: StateChange,
    pub(super) kept: KeptPatient,
    pub(super) landed: ResourceLanded,
}

pub(super) struct CommitBuilder<'a> {
    pub(super) api: ApiVersion,
    pub(super) run: &'a RunId,
    pub(super) now: DateTime<Utc>,
}

impl CommitBuilder<'_> {
    pub(super) fn prepare(
        &self,
        patient: &PatientCommit,
        commit: &ResourceCommit,
        passes: &[SearchPass],
        before: KnownResources,
        landed_before: &[LandedResource],
    ) -> Prepared {
        let ids = passes.iter().flat_map(|pass| pass.seen.keys());
        let served = ids.collect::<HashSet<_>>().len() as u64;
        let landed: u64 = passes.iter().map(|pass| pass.landed).sum();
        let pages: u64 = passes.iter().map(|pass| pass.pages).sum();
        let is_complete = commit.state == PatientState::Complete;
        let compared = commit
            .is_full()
            .then(|| gone::compare(commit, passes, &before, landed_before));
        let full_read = gone::remember(commit, passes, compared.as_ref(), self.now);
        let vanished = compared.as_ref().map_or(0, gone::Missing::count);
        let unproven = compared.as_ref().map_or(0, |missing| missing.unproven);
        let missing = compared.filter(|missing| !missing.proves_nothing);
        let mut known_resources = match missing {
            Some(_) => KnownResources::default(),
            None => before,
        };
        let missing = missing.unwrap_or_default();
        for one in &missing.withheld {
            known_resources.insert(one.0.0, one.1);
        }
        for id in &missing.doubted {
            known_resources.doubt(id.0);
        }
        for pass in passes {
            for (id, served) in &pass.seen {
                known_resources.insert(*id, served.content);
            }
        }
        let newest = passes.first().and_then(|pass| pass.newest.clone());
        let previous = commit.previous.as_ref();
        let known = previous.and_then(|state| crate::watermark::usable(state, self.now));
        // A smaller answer than before proves nothing about what is new.
        let watermark = match is_complete && vanished == 0 {
            true => known.max(newest.as_ref().map(|(instant, _)| *instant)),
            false => known,
        };
        let state = ExtractState {
            grant: patient.grant.clone(),
            api: self.api,
            resource: commit.resource.clone(),
            run: self.run.clone(),
            as_of: self.now,
            state: commit.state,
            reason: commit.reason.clone(),
            served,
            landed,
            complete_at: match is_complete {
                true => Some(self.now),
                false => previous.and_then(|state| state.complete_at),
            },
            full_at: match commit.is_full() && missing.doubted.is_empty() && unproven == 0 {
                true => Some(self.now),
                false => previous.and_then(|state| state.full_at),
            },
            watermark,
            known_count: known_resources.len() as u64,
        };
        let patient = LandingPatient {
            grant: patient.grant.clone(),
            patient: patient.patient.clone(),
            // Two bodies of one id are two lines: then the total is not the number of lines.
            total: commit.total.filter(|total| *total >= landed),
            pages,
            resources: landed,
            last_updated: newest.map(|(_, text)| text),
            state: commit.state,
            frames: Vec::new(),
            gone: missing.gone,
        };
        let frames: Vec<KeptFrame> = passes
            .iter()
            .flat_map(|pass| pass.frames.iter().copied())
            .collect();
        let detail = CheckpointDetail {
            api: self.api,
            patient: patient.clone(),
            frames: frames.iter().map(|kept| (kept.part, kept.frame)).collect(),
        };
        Prepared {
            change: StateChange {
                state: state.clone(),
                known: Some(known_resources),
                full_read,
                checkpoint: serde_json::to_string(&detail).ok(),
            },
            landed: ResourceLanded {
                state,
                gone: patient.gone.len() as u64,
                doubted: missing.doubted.len() as u64,
                withheld: missing.withheld.len() as u64,
                unproven,
                anomalies: ServerAnomalies {
                    later_than_clock: passes.iter().map(|pass| pass.ahead).sum(),
                    without_id: passes.iter().map(|pass| pass.nameless).sum(),
                    two_bodies: passes.iter().map(|pass| pass.conflicts).sum(),
                    watermarks_dropped: previous
                        .is_some_and(|state| crate::watermark::is_ahead(state, self.now))
                        .into(),
                },
            },
            kept: KeptPatient { patient, frames },
        }
    }
}
