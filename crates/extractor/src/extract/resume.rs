//! Continues a killed or interrupted run: patients who landed in it are not read again.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientState, ResourceType, RunId};
use claimlake_vault::{ExtractState, Grant, RunEnd, Vault};

use super::by_grant::{ByGrant, Shared};
use super::options::ExtractOptions;
use crate::error::ExtractError;

/// After a longer interruption, changes are requested for all patients again.
const MEMORY: TimeDelta = TimeDelta::hours(12);
const RUNS_LOOKED_AT: u32 = 1000;

pub(super) struct Resume {
    /// Patients complete since then count as read.
    since: Option<DateTime<Utc>>,
    full: bool,
    resources: Vec<ResourceType>,
    states: ByGrant<KnownState>,
    shared: SharedWords,
}

/// A state; what many states share by its number.
struct KnownState {
    api: ApiVersion,
    resource: u32,
    run: u32,
    as_of: DateTime<Utc>,
    state: PatientState,
    reason: Option<u32>,
    served: u64,
    landed: u64,
    complete_at: Option<DateTime<Utc>>,
    full_at: Option<DateTime<Utc>>,
    watermark: Option<DateTime<Utc>>,
    known_count: u64,
}

#[derive(Default)]
struct SharedWords {
    resources: Shared<ResourceType>,
    runs: Shared<RunId>,
    reasons: Shared<String>,
}

impl SharedWords {
    fn shorten(&mut self, state: ExtractState) -> (GrantHandle, KnownState) {
        let known = KnownState {
            api: state.api,
            resource: self.resources.number(state.resource),
            run: self.runs.number(state.run),
            as_of: state.as_of,
            state: state.state,
            reason: state.reason.map(|reason| self.reasons.number(reason)),
            served: state.served,
            landed: state.landed,
            complete_at: state.complete_at,
            full_at: state.full_at,
            watermark: state.watermark,
            known_count: state.known_count,
        };
        (state.grant, known)
    }

    fn state(&self, grant: &GrantHandle, known: &KnownState) -> Option<ExtractState> {
        let reason = known.reason.and_then(|reason| self.reasons.value(reason));
        Some(ExtractState {
            grant: grant.clone(),
            api: known.api,
            resource: self.resources.value(known.resource)?.clone(),
            run: self.runs.value(known.run)?.clone(),
            as_of: known.as_of,
            state: known.state,
            reason: reason.cloned(),
            served: known.served,
            landed: known.landed,
            complete_at: known.complete_at,
            full_at: known.full_at,
            watermark: known.watermark,
            known_count: known.known_count,
        })
    }
}

impl Resume {
    pub(super) fn of(
        vault: &Vault,
        options: &ExtractOptions,
        now: DateTime<Utc>,
    ) -> Result<Self, ExtractError> {
        let mut since = None;
        for run in vault.runs("extract", RUNS_LOOKED_AT)? {
            if run.end == Some(RunEnd::Finished) || now - run.started_at > MEMORY {
                break;
            }
            since = Some(run.started_at);
        }
        let (mut states, mut shared) = (ByGrant::default(), SharedWords::default());
        vault.each_extract_state(|state| {
            let (grant, known) = shared.shorten(state);
            states.push(grant, known);
        })?;
        Ok(Self {
            since,
            full: options.full,
            resources: options.resources.clone(),
            states,
            shared,
        })
    }

    pub(super) fn states_of(&self, grant: &GrantHandle) -> Vec<ExtractState> {
        let states = self.states.of(grant).iter();
        states
            .filter_map(|known| self.shared.state(grant, known))
            .collect()
    }

    /// Whether the interrupted run had everything of this patient.
    pub(super) fn has(&self, grant: &Grant) -> bool {
        let Some(since) = self.since else {
            return false;
        };
        let states = self.states.of(&grant.handle);
        let is_read = |state: &KnownState| match state.state {
            PatientState::Complete if self.full => state.full_at >= Some(since),
            PatientState::Complete => state.as_of >= since,
            PatientState::Refused => state.as_of >= since,
            _ => false,
        };
        self.resources.iter().all(|resource| {
            states.iter().any(|state| {
                self.shared.resources.value(state.resource) == Some(resource) && is_read(state)
            })
        })
    }
}
