//! What a caller states about a publish, and what it gets back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claimlake_contract::RunId;
use serde::Serialize;

use crate::identity::LakeId;

/// One publish of a lake's current snapshot.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    /// The lake's folder. Its current snapshot must not be removed while it is published: the
    /// caller holds the lock that loads take.
    pub lake: PathBuf,
    /// Whose tables they are. A target with another lake's tables is refused.
    pub lake_id: LakeId,
    /// Tells this publish from any other, of this process or another one.
    pub publication: String,
    /// What tables and columns contain, by table.
    pub comments: BTreeMap<String, TableComment>,
    /// Texts that lie beside the tables, by file name: SQL for readers. They name no rows, and are
    /// replaced where they differ.
    pub texts: BTreeMap<String, String>,
    /// What becomes of the states before the new one.
    pub earlier: Earlier,
}

/// What becomes of a target's earlier states, and of files that no state names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Earlier {
    /// The newest so many states stay readable, and those that were the newest within so many hours.
    Keep {
        /// States, the newest among them.
        states: usize,
        /// Hours.
        hours: u64,
    },
    /// Only the newest state stays: the others have rows that must not be there any more.
    Remove,
}

/// What a table and its columns contain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableComment {
    /// The table as a whole.
    pub table: Option<String>,
    /// Its columns, by name.
    pub columns: BTreeMap<String, String>,
}

/// What a publish did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishOutcome {
    /// The target's newest state.
    pub sequence: u64,
    /// Whether this publish made it; otherwise the target had this snapshot already.
    pub changed: bool,
    /// The snapshot of the local lake that it shows.
    pub snapshot: u64,
    /// The run that made that snapshot.
    pub run: RunId,
    /// The snapshot of the state before, where it was a later one: the lake was rolled back.
    pub replaced_newer: Option<u64>,
    /// Its tables.
    pub tables: usize,
    /// The rows of all of them.
    pub rows: u64,
    /// Tables that got a new version in their Delta log.
    pub changed_tables: usize,
    /// Files that were sent.
    pub sent_files: usize,
    /// The bytes of those.
    pub sent_bytes: u64,
    /// Files of the state that were there already.
    pub kept_files: usize,
    /// Earlier states that were removed.
    pub removed_states: usize,
    /// Files of tables and logs that were removed.
    pub removed_files: usize,
    /// Files at the target that are not claimlake's and were left alone, where all else was removed.
    pub left_alone: usize,
    /// Why earlier states could not be removed, where that was tried and did not matter.
    pub not_removed: Option<String>,
}
