//! Removals of patients that were begun and have not ended. Whether there are any can be seen
//! without the vault's key.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use claimlake_contract::SystemClock;
use claimlake_vault::{RunHistory, VAULT_FILE, Vault};

use crate::access;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::instant;
use crate::running::{Process, process_at};

/// The name by which the mark of a running removal calls the command.
pub(crate) const REMOVAL: &str = "removal";

/// The removals of a data directory that have not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OpenRemovals {
    /// When each began, oldest first.
    pub(crate) begun: Vec<DateTime<Utc>>,
    /// The process that is working on it.
    pub(crate) process: Option<Process>,
}

impl OpenRemovals {
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// Whether there are any, and no process is working on them.
    pub(crate) fn are_interrupted(&self) -> bool {
        !self.is_empty() && self.process.is_none()
    }

    /// Each of them as text: since when it is open, and which process is working on it, if any.
    pub(crate) fn words(&self) -> impl Iterator<Item = String> {
        self.begun.iter().map(|begun| {
            let begun = instant(*begun);
            match &self.process {
                Some(Process { id, .. }) => {
                    format!("of a patient, begun {begun}, under way (process {id})")
                }
                None => format!("of a patient, begun {begun}, interrupted"),
            }
        })
    }
}

/// Looks for them. Needs no key, and does not write if it may not.
///
/// # Errors
/// The vault, which lists them, is lost, damaged, or of a newer version.
pub(crate) fn open_in(invocation: &Invocation) -> Outcome<OpenRemovals> {
    let data = invocation.data()?;
    let failed = |error| access::opening_failure(error, invocation);
    if !data.root().join(VAULT_FILE).is_file() {
        return match Vault::lost_beside(data.root()) {
            Some(lost) => Err(failed(lost)),
            None => Ok(OpenRemovals::default()),
        };
    }
    let history = RunHistory::open_to_read(data.root(), Arc::new(SystemClock)).map_err(failed)?;
    let begun = || history.open_removals().map_err(access::vault_failure);
    if begun()?.is_empty() {
        return Ok(OpenRemovals::default());
    }
    let process = process_at(data.root(), REMOVAL);
    // Read again: if no process is working on them, they may have ended a moment ago.
    Ok(OpenRemovals {
        begun: begun()?,
        process,
    })
}
