//! A line of landing, as a thread reads it.

use claimlake_contract::ReferenceRecord;

/// A line of landing.
pub(super) struct Line<'l> {
    pub(super) buffer: &'l [u8],
    pub(super) ends: (usize, usize),
    pub(super) number: u64,
    pub(super) order: u64,
    /// What its references were resolved to.
    pub(super) references: &'l [ReferenceRecord],
}

impl<'l> Line<'l> {
    pub(super) fn text(&self) -> &'l [u8] {
        self.buffer
            .get(self.ends.0..self.ends.1)
            .unwrap_or_default()
    }
}
