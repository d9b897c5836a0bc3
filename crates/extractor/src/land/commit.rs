//! What becomes durable of a person at once: frames, counts, state, what is held, checkpoint.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use claimlake_contract::{
    ApiVersion, Frame, GrantHandle, LandingPatient, PatientId, PatientState, ResourceType, RunId,
};
use claimlake_landing::{KeptFrame, KeptPatient};
use claimlake_vault::{ExtractState, Held, StateChange};
use serde::{Deserialize, Serialize};

use super::gone::{self, Asked};
use super::landed_before::LandedResource;
use super::round::{ReadId, Round};
use crate::extract::ServerAnomalies;

/// A person who has been read, in all resource types.
#[derive(Debug, Clone)]
pub(crate) struct PersonCommit {
    pub(crate) grant: GrantHandle,
    pub(crate) patient: PatientId,
    pub(crate) resources: Vec<ResourceCommit>,
}

/// One resource type of that person.
#[derive(Debug, Clone)]
pub(crate) struct ResourceCommit {
    pub(crate) resource: ResourceType,
    /// The readings that count; the first is the one that tells the watermark.
    pub(crate) reads: Vec<ReadId>,
    pub(crate) state: PatientState,
    pub(crate) reason: Option<String>,
    /// Whether everything was asked for, not only what is new.
    pub(crate) whole: bool,
    pub(crate) total: Option<u64>,
    pub(crate) previous: Option<ExtractState>,
    /// None where nothing was asked.
    pub(crate) asked: Option<Asked>,
    /// Whether the server may not have given what it has: what was not found is not gone.
    pub(crate) is_odd: bool,
}

impl ResourceCommit {
    /// Whether everything was asked for and came.
    pub(super) fn is_full(&self) -> bool {
        self.whole && self.state == PatientState::Complete
    }
}

/// What a commit came to, for the report.
#[derive(Debug, Clone)]
pub(crate) struct ResourceLanded {
    pub(crate) state: ExtractState,
    /// Resources that the server no longer has.
    pub(crate) gone: u64,
    /// Resources that were not found, too many to be believed at once.
    pub(crate) doubted: u64,
    /// Resources that were not found and may only be withheld.
    pub(crate) withheld: u64,
    /// Resources that were not found in an answer with something odd in it.
    pub(crate) unproven: u64,
    pub(crate) anomalies: ServerAnomalies,
}

/// A checkpoint as it lies sealed in the vault.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointDetail {
    pub(crate) api: ApiVersion,
    pub(crate) patient: LandingPatient,
    pub(crate) frames: Vec<(u32, Frame)>,
}

impl CheckpointDetail {
    pub(crate) fn into_kept(self) -> KeptPatient {
        KeptPatient {
            patient: self.patient,
            frames: self
                .frames
                .into_iter()
                .map(|(part, frame)| KeptFrame { part, frame })
                .collect(),
        }
    }
}

/// Everything there is to write of one resource type.
pub(super) struct Prepared {
    pub(super) change: StateChange,
    pub(super) kept: KeptPatient,
    pub(super) landed: ResourceLanded,
}

pub(super) struct Frames<'a> {
    pub(super) api: ApiVersion,
    pub(super) run: &'a RunId,
    pub(super) now: DateTime<Utc>,
}

impl Frames<'_> {
    pub(super) fn prepare(
        &self,
        person: &PersonCommit,
        commit: &ResourceCommit,
        rounds: &[Round],
        before: Held,
        landed_before: &[LandedResource],
    ) -> Prepared {
        let ids = rounds.iter().flat_map(|round| round.seen.keys());
        let served = ids.collect::<HashSet<_>>().len() as u64;
        let landed: u64 = rounds.iter().map(|round| round.landed).sum();
        let pages: u64 = rounds.iter().map(|round| round.pages).sum();
        let is_complete = commit.state == PatientState::Complete;
        let compared = commit
            .is_full()
            .then(|| gone::compare(commit, rounds, &before, landed_before));
        let full_read = gone::remember(commit, rounds, compared.as_ref(), self.now);
        let vanished = compared.as_ref().map_or(0, gone::Missing::count);
        let unproven = compared.as_ref().map_or(0, |missing| missing.unproven);
        let missing = compared.filter(|missing| !missing.proves_nothing);
        let mut held = match missing {
            Some(_) => Held::default(),
            None => before,
        };
        let missing = missing.unwrap_or_default();
        for one in &missing.withheld {
            held.hold(one.0.0, one.1);
        }
        for id in &missing.doubted {
            held.doubt(id.0);
        }
        for round in rounds {
            for (id, served) in &round.seen {
                held.hold(*id, served.content);
            }
        }
        let newest = rounds.first().and_then(|round| round.newest.clone());
        let previous = commit.previous.as_ref();
        let known = previous.and_then(|state| crate::watermark::usable(state, self.now));
        // A smaller answer than before proves nothing about what is new.
        let watermark = match is_complete && vanished == 0 {
            true => known.max(newest.as_ref().map(|(instant, _)| *instant)),
            false => known,
        };
        let state = ExtractState {
            grant: person.grant.clone(),
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
            held_count: held.len() as u64,
        };
        let patient = LandingPatient {
            grant: person.grant.clone(),
            patient: person.patient.clone(),
            // Two bodies of one id are two lines: then the total says nothing of the lines.
            total: commit.total.filter(|total| *total >= landed),
            pages,
            resources: landed,
            last_updated: newest.map(|(_, text)| text),
            state: commit.state,
            frames: Vec::new(),
            gone: missing.gone,
        };
        let frames: Vec<KeptFrame> = rounds
            .iter()
            .flat_map(|round| round.frames.iter().copied())
            .collect();
        let detail = CheckpointDetail {
            api: self.api,
            patient: patient.clone(),
            frames: frames.iter().map(|kept| (kept.part, kept.frame)).collect(),
        };
        Prepared {
            change: StateChange {
                state: state.clone(),
                held: Some(held),
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
                    later_than_clock: rounds.iter().map(|round| round.ahead).sum(),
                    without_id: rounds.iter().map(|round| round.nameless).sum(),
                    two_bodies: rounds.iter().map(|round| round.conflicts).sum(),
                    watermarks_dropped: previous
                        .is_some_and(|state| crate::watermark::is_ahead(state, self.now))
                        .into(),
                },
            },
            kept: KeptPatient { patient, frames },
        }
    }
}
