//! The lake's current snapshot, and how many others there are.

use std::path::Path;

use claimlake_contract::LakeManifest;

/// The lake.
#[derive(Debug)]
pub(crate) struct Published {
    /// The manifest of the current snapshot.
    pub(crate) manifest: LakeManifest,
    /// Whether the lake was rolled back to this snapshot, so that loads refuse.
    pub(crate) is_pinned: bool,
    /// How many snapshots can be read, including this one.
    pub(crate) snapshots: u64,
}

impl Published {
    pub(super) fn of(lake: &Path) -> anyhow::Result<Option<Self>> {
        let snapshots = claimlake_loader::snapshots(lake)?;
        let Some(current) = snapshots.iter().find(|snapshot| snapshot.is_current) else {
            return Ok(None);
        };
        Ok(Some(Self {
            manifest: claimlake_loader::read_manifest(&current.folder)?,
            is_pinned: current.is_pinned,
            snapshots: snapshots.len() as u64,
        }))
    }
}
