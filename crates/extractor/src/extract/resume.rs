//! Continues a killed or interrupted run: patients who landed in it are not read again.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{GrantHandle, PatientState, ResourceType};
use claimlake_vault::{ExtractState, Grant, RunEnd, Vault};

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
    states: HashMap<GrantHandle, Vec<ExtractState>>,
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
        let mut states: HashMap<GrantHandle, Vec<ExtractState>> = HashMap::new();
        for state in vault.extract_states()? {
            states.entry(state.grant.clone()).or_default().push(state);
        }
        Ok(Self {
            since,
            full: options.full,
            resources: options.resources.clone(),
            states,
        })
    }

    pub(super) fn states_of(&self, grant: &GrantHandle) -> Vec<ExtractState> {
        self.states.get(grant).cloned().unwrap_or_default()
    }

    /// Whether the interrupted run had everything of this patient.
    pub(super) fn has(&self, grant: &Grant) -> bool {
        let Some(since) = self.since else {
            return false;
        };
        let Some(states) = self.states.get(&grant.handle) else {
            return false;
        };
        let is_read = |state: &ExtractState| match state.state {
            PatientState::Complete if self.full => state.full_at >= Some(since),
            PatientState::Complete => state.as_of >= since,
            PatientState::Refused => state.as_of >= since,
            _ => false,
        };
        self.resources.iter().all(|resource| {
            states
                .iter()
                .any(|state| state.resource == *resource && is_read(state))
        })
    }
}
