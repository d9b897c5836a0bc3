//! Writes the checkpoints that are due, after the state that names the versions.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::delta::checkpoint::{self, EVERY};
use crate::delta::commit::CommitInfo;
use crate::delta::{checkpoint_path, last_checkpoint_path};
use crate::error::Result;
use crate::found::FoundTarget;
use crate::state::State;
use crate::store::Store;
use crate::wanted::Wanted;

/// Which tables get a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those whose last one is ten versions old.
    Due,
    /// All, so that nothing before it is needed.
    All,
}

/// Writes checkpoints of the versions that a state names.
///
/// # Errors
/// A file cannot be read or written. The next publish writes what is missing.
pub(crate) async fn write(
    found: &FoundTarget,
    state: &State,
    wanted: &Wanted,
    info: &CommitInfo<'_>,
    which: Which,
    store: &Store,
) -> Result<()> {
    let versions: BTreeMap<&str, u64> = state
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.delta_version))
        .collect();
    for table in &wanted.tables {
        let version = versions
            .get(table.name.as_str())
            .copied()
            .unwrap_or_default();
        let last = found
            .checkpoints
            .get(&table.name)
            .copied()
            .unwrap_or_default();
        if which == Which::Due && version < last + EVERY {
            continue;
        }
        let columns = wanted.stats_columns(&table.name);
        let added = Wanted::with_stats(&wanted.folder, &columns, table.files.iter())?;
        let (content, actions) = checkpoint::checkpoint(info, table, &added)?;
        store
            .write(&checkpoint_path(&table.name, version), content)
            .await?;
        let last = checkpoint::last_checkpoint(version, actions);
        let last = Bytes::from(last.to_string());
        store
            .write(&last_checkpoint_path(&table.name), last)
            .await?;
    }
    Ok(())
}
