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

/// What a removal that goes on is marked with.
pub(crate) const REMOVAL: &str = "removal";

/// The removals of a data directory that have not ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OpenRemovals {
    /// When each began, oldest first.
    pub(crate) begun: Vec<DateTime<Utc>>,
    /// The process that is at it.
    pub(crate) process: Option<Process>,
}

impl OpenRemovals {
    pub(crate) fn is_empty(&self) -> bool {
        self.begun.is_empty()
    }

    /// Whether there are some, and no process goes on with them.
    pub(crate) fn are_interrupted(&self) -> bool {
        !self.is_empty() && self.process.is_none()
    }

    /// Each of them in words: since when, and by which process or that there is none.
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

/// Looks for them; needs no key, and writes nothing where that is forbidden.
///
/// # Errors
/// The vault that would say so is lost, damaged, or of a newer version.
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
    // Asked again: where no process goes on with them, they may have ended a moment before.
    Ok(OpenRemovals {
        begun: begun()?,
        process,
    })
}
