//! `snapshots/<sequence>.json`: one state of all tables of a target.
//!
//! It is the truth that spans tables. Each is made once, by a write that never replaces, after
//! everything that it names; so whoever reads the newest one, and the Delta versions or the files
//! that it names, sees one state of the lake.

use claimlake_contract::RunId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::LakeId;

/// The version of the format of `claimlake.json` and `snapshots/<sequence>.json`.
pub(crate) const STATE_FORMAT: u32 = 1;

/// The folder of states.
pub(crate) const STATES: &str = "snapshots";

/// The path of a state.
pub(crate) fn state_path(sequence: u64) -> String {
    format!("{STATES}/{sequence}.json")
}

/// The sequence in the path of a state.
pub(crate) fn sequence_of(path: &str) -> Option<u64> {
    let name = path.strip_prefix(STATES)?.strip_prefix('/')?;
    let number: u64 = name.strip_suffix(".json")?.parse().ok()?;
    (state_path(number) == path).then_some(number)
}

/// One state of a target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) format: u32,
    /// The number of this state at the target: 1, 2, 3, whatever the lake's snapshots are called.
    pub(crate) sequence: u64,
    pub(crate) lake: LakeId,
    /// The publish that made it.
    pub(crate) publication: String,
    /// When, RFC 3339.
    pub(crate) published_at: String,
    pub(crate) local: LocalSnapshot,
    pub(crate) tables: Vec<TableState>,
}

/// The snapshot of the local lake that a state shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LocalSnapshot {
    pub(crate) snapshot: u64,
    pub(crate) run: RunId,
    pub(crate) published_at: String,
}

/// A table of a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableState {
    pub(crate) name: String,
    /// The version of its Delta log that has exactly these files and this schema.
    pub(crate) delta_version: u64,
    pub(crate) rows: u64,
    pub(crate) partition_columns: Vec<String>,
    /// What the table contains, where the pipeline says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// As in the Delta log.
    pub(crate) schema: Value,
    pub(crate) files: Vec<FileState>,
}

impl TableState {
    /// Whether the other has the same columns and files, at whatever version of a log.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let same_files = || {
            let files = |table: &Self| {
                let mut files: Vec<_> = table.files.iter().map(FileState::content).collect();
                files.sort_unstable();
                files
                    .into_iter()
                    .map(|(path, bytes)| (path.to_owned(), bytes))
                    .collect::<Vec<_>>()
            };
            self.files.len() == other.files.len() && files(self) == files(other)
        };
        self.name == other.name
            && self.schema == other.schema
            && self.partition_columns == other.partition_columns
            && self.description == other.description
            && same_files()
    }
}

/// A Parquet file of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState {
    /// Relative to the target; the name is the beginning of the checksum.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) rows: u64,
    pub(crate) sha256: String,
    /// When it became part of the table, milliseconds since 1970.
    pub(crate) added: i64,
}

impl FileState {
    pub(crate) fn content(&self) -> (&str, u64) {
        (&self.path, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::sequence_of;

    #[test]
    fn only_names_of_states_have_a_sequence() {
        assert_eq!(sequence_of("snapshots/12.json"), Some(12));
        for other in [
            "snapshots/012.json",
            "snapshots/x.json",
            "eob/12.json",
            "snapshots/1.json.x",
        ] {
            assert_eq!(sequence_of(other), None, "{other}");
        }
    }
}
