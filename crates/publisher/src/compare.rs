//! Compares a target with the local lake: every byte that its newest state names is read.

mod difference;
mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claimlake_contract::Progress;

use crate::delta::read_back;
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::identity::LakeId;
use crate::state::{TableState, sequence_of};
use crate::target::OpenTarget;
use crate::wanted::{self, Wanted};

pub use difference::{Difference, Repair};

/// What a comparison read and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The target's newest state.
    pub sequence: u64,
    /// The local snapshot that it shows.
    pub snapshot: u64,
    /// The tables, files and rows of the state.
    pub tables: usize,
    /// Files that were read at the target.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows.
    pub rows: u64,
    /// What is not as it has to be.
    pub differences: Vec<Difference>,
}

/// Compares the newest state of a target with the current snapshot of a lake: which files there are,
/// their sizes and checksums by reading all of their bytes, rows and sums of decimal columns by
/// decoding them, at both places, and whether the Delta logs name exactly the files of the state.
///
/// Files of an object store are read through unlinked files in `scratch`.
///
/// # Errors
/// The target or the lake cannot be read, or another process published meanwhile.
pub async fn compare(
    lake: &Path,
    id: &LakeId,
    target: &OpenTarget,
    scratch: &Path,
    progress: &dyn Progress,
) -> Result<Comparison> {
    let store = &target.store;
    let found = FoundTarget::read(store, id).await?;
    let Some(state) = &found.state else {
        return Err(PublishError::Damaged(
            "no state of the lake is there yet: publish it".to_owned(),
        ));
    };
    let folder = Wanted::folder_of(lake)?;
    let local = wanted::shown(&folder)?;
    let mut differences = Vec::new();
    let is_current = local.snapshot == state.local;
    if is_current {
        difference::of_tables(&local.tables, &state.tables, &mut differences);
    } else {
        differences.push(Difference::new(
            Repair::Publish,
            format!(
                "state {} shows snapshot {} of the lake, whose current one is {}",
                state.sequence, state.local.snapshot, local.snapshot.snapshot
            ),
        ));
    }
    let there = files::at_target(&found, state, store, scratch, progress).await?;
    differences.extend(there.differences.iter().cloned());
    if is_current {
        let here = files::of_lake(&folder, &local.tables, progress).await?;
        differences.extend(here.differences.iter().cloned());
        difference::of_contents(&here, &there, &mut differences);
    }
    for table in &state.tables {
        logs(&found, table, store, id, &mut differences).await?;
    }
    let listed = store.list().await?;
    let newest = listed.iter().filter_map(|(path, _)| sequence_of(path));
    if newest.max() != Some(state.sequence) {
        return Err(PublishError::Lost(
            "another state was published meanwhile: compare again".to_owned(),
        ));
    }
    Ok(Comparison {
        sequence: state.sequence,
        snapshot: state.local.snapshot,
        tables: state.tables.len(),
        files: there.files,
        bytes: there.bytes,
        rows: there.rows.values().sum(),
        differences,
    })
}

/// What the Delta log of a table names, at the version of the state and at its newest one.
async fn logs(
    found: &FoundTarget,
    table: &TableState,
    store: &crate::store::Store,
    lake: &LakeId,
    differences: &mut Vec<Difference>,
) -> Result<()> {
    let empty = Vec::new();
    let log = found.logs.get(&table.name).unwrap_or(&empty);
    let newest = found
        .tables
        .get(&table.name)
        .and_then(|actual| actual.version);
    let versions: BTreeSet<u64> = newest.into_iter().chain([table.delta_version]).collect();
    let named: BTreeMap<String, u64> = table
        .files
        .iter()
        .map(|file| (file.path.clone(), file.bytes))
        .collect();
    for version in versions {
        let difference = match read_back::files_at(store, &table.name, version, log, lake).await {
            Ok(files) if files == named => continue,
            Ok(_) if version != table.delta_version => Difference::new(
                Repair::Publish,
                format!(
                    "the newest version ({version}) of table {} is not what the state names: a \
                     publish was interrupted",
                    table.name
                ),
            ),
            Ok(files) => Difference::new(
                Repair::Anew,
                format!(
                    "version {version} of the Delta log of {} names other files than the state ({} \
                     and {})",
                    table.name,
                    files.len(),
                    named.len()
                ),
            ),
            Err(PublishError::Damaged(words) | PublishError::Foreign(words)) => Difference::new(
                Repair::Anew,
                format!("the Delta log of {}: {words}", table.name),
            ),
            Err(error) => return Err(error),
        };
        differences.push(difference);
    }
    Ok(())
}
