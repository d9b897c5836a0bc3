//! The sandbox without its socket: its state, and what every route may use.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;

use crate::account::Account;
use crate::clock::MovableClock;
use crate::fault::{ActiveFaults, FaultContext, FaultKind, Stage};
use crate::oauth::ledger::{Ledger, PatientIndex};
use crate::serve::changed_ids::RecordsWithChangedIds;
use crate::serve::throttle::Throttle;

/// A version in the URL: 1, 2 or 3. Version 1 is served as version 2 under its own links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Api(pub(crate) u8);

impl Api {
    /// The id space of the version.
    pub(crate) fn space(self) -> ApiVersion {
        if self.0 == 3 {
            ApiVersion::V3
        } else {
            ApiVersion::V2
        }
    }

    pub(crate) fn is_v3(self) -> bool {
        self.0 == 3
    }
}

/// What changes while the sandbox runs.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) ledger: Ledger,
    pub(crate) account: Account,
    pub(crate) faults: ActiveFaults,
    pub(crate) throttle: Throttle,
    /// Which patient consents next if the request names none.
    pub(crate) next_patient: PatientIndex,
    /// Whether v3 is open only to apps on a list this app is not on.
    pub(crate) v3_gate: V3Gate,
}

/// Who may use v3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum V3Gate {
    /// Everybody.
    #[default]
    Open,
    /// Early adopters, of which there are none: 403.
    EarlyAdopters,
    /// Nobody: the routes do not exist.
    Off,
}

/// The sandbox without its socket.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: MovableClock,
    pub(crate) records: RecordsWithChangedIds,
    pub(crate) auto_consent: bool,
    pub(crate) gzip: bool,
    pub(crate) latency: std::time::Duration,
    pub(crate) log_requests: bool,
    /// How long access tokens live while no fault says otherwise.
    pub(crate) token_seconds: u32,
    /// `http://host:port` of the foreign origin, a second listener that counts what leaks to it.
    pub(crate) foreign: String,
    pub(crate) state: Mutex<State>,
}

impl Service {
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Every fault of `stage` that the request gets.
    pub(crate) fn injected(&self, stage: Stage, context: &FaultContext) -> Vec<FaultKind> {
        let now = self.now();
        self.state().faults.inject_all(stage, context, now)
    }

    /// The state; a panic of another request does not end the sandbox.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
