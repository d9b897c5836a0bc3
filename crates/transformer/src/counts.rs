//! What is counted of the resources of a chunk, and of all chunks together.

use std::collections::BTreeMap;

use claimlake_contract::{Reject, RejectReason};

/// Counts of resources and cells; each is in the manifest or the outcome under the same name.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) resources: u64,
    pub(crate) rejected_resources: u64,
    pub(crate) rejected_cells: u64,
    pub(crate) rounded_cells: u64,
    pub(crate) damaged_frames: u64,
    pub(crate) dropped: u64,
    pub(crate) without_patient: u64,
    pub(crate) rejects: BTreeMap<RejectReason, u64>,
}

impl Counts {
    /// Adds what was counted of one chunk, with its rejects by reason.
    pub(crate) fn add(&mut self, chunk: &Counts, rejects: &[Reject]) {
        self.resources += chunk.resources;
        self.rejected_resources += chunk.rejected_resources;
        self.rejected_cells += chunk.rejected_cells;
        self.rounded_cells += chunk.rounded_cells;
        self.damaged_frames += chunk.damaged_frames;
        self.dropped += chunk.dropped;
        self.without_patient += chunk.without_patient;
        for reject in rejects {
            *self.rejects.entry(reject.reason).or_default() += 1;
        }
    }
}
