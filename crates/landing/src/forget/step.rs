//! The steps of a removal, for callers that must follow what it moves.

use std::collections::BTreeSet;

use claimlake_contract::RunId;

/// Where the lines of a part are after it is replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedPart {
    /// The part, relative to the data directory.
    pub from: String,
    /// The part that replaces it.
    pub to: String,
    /// The lines that are removed, from 1.
    pub(super) removed: BTreeSet<u64>,
}

impl MovedPart {
    /// The line's number in the new part; `None` if it is removed.
    #[must_use]
    pub fn line(&self, line: u64) -> Option<u64> {
        if self.removed.contains(&line) {
            return None;
        }
        Some(line - self.removed.range(..line).count() as u64)
    }
}

/// A step of [`crate::forget`], reported before or after it as it says.
#[derive(Debug)]
pub enum ForgetStep<'a> {
    /// The parts of a run are about to be replaced: where their lines go.
    Moving(&'a [MovedPart]),
    /// The new parts of a run are written, its manifest is not.
    PartsWritten(&'a RunId),
    /// The new manifest is in place, the old parts are not gone.
    ManifestWritten(&'a RunId),
    /// Rejected texts are about to be cleared.
    Rejected,
}
