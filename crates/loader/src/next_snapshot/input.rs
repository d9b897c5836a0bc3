//! What the next snapshot is made from.

use crate::error::Result;
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::repair::{History, Repair};
use crate::request::LoadRequest;
use crate::staged_run::StagedRun;

/// What the next snapshot is made from.
#[derive(Debug)]
pub(crate) struct SnapshotInput<'a> {
    pub(crate) request: &'a LoadRequest,
    pub(crate) staged: &'a [StagedRun],
    pub(crate) full: bool,
    pub(crate) lake: &'a Lake,
    pub(crate) before: Option<&'a PreviousSnapshot>,
    pub(crate) access: Access,
    /// Present if this load is a rebuild.
    pub(crate) repair: Option<&'a Repair<'a>>,
}

impl SnapshotInput<'_> {
    /// What `changes` says of the resources in the lake, where the keys no longer do.
    pub(super) fn history(&self) -> Result<Option<History>> {
        let before = self.before.filter(|before| before.has_lost_keys());
        before.map(History::read).transpose()
    }
}
