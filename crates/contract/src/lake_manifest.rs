//! `manifest.json` of a snapshot: written last, it says what the snapshot is.

use serde::{Deserialize, Serialize};

use crate::{ResourceType, RunId, TableLayout};

/// The version of the lake format.
pub const LAKE_FORMAT: u32 = 1;

/// One complete, immutable state of the lake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LakeManifest {
    /// [`LAKE_FORMAT`] of the writer.
    pub format: u32,
    /// The snapshot's number: the folder's name.
    pub snapshot: u64,
    /// The run that published it.
    pub run: RunId,
    /// When it was published, RFC 3339.
    pub published_at: String,
    /// The staged runs whose rows it holds first.
    pub staged_runs: Vec<RunId>,
    /// All landing runs whose bodies are in it, sorted, also those that came with earlier
    /// snapshots; none where it is not known: earlier versions noted nothing, and another program
    /// that stages does not say what it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing_runs: Option<Vec<RunId>>,
    /// The tables, by name.
    pub tables: Vec<LakeTable>,
    /// The keys of the resources whose rows the snapshot holds, and of those whose newest body
    /// makes none; none in an empty lake.
    #[serde(default)]
    pub keys: Option<LakeFile>,
    /// What decides which version of a claim is current; none without such a rule.
    #[serde(default)]
    pub current: Option<LakeFile>,
}

/// A table of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LakeTable {
    /// Its name and layout.
    pub layout: TableLayout,
    /// The resource type of its view; none for tables about the run itself.
    pub resource: Option<ResourceType>,
    /// Hash of the view that made it.
    pub view_hash: String,
    /// The columns in the files, in order: name and Arrow type in words.
    pub columns: Vec<(String, String)>,
    /// The partition columns, which live in the path only: name and Arrow type in words.
    #[serde(default)]
    pub partition_columns: Vec<(String, String)>,
    /// The files, in the order of their rows.
    pub files: Vec<LakeFile>,
}

/// One Parquet file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LakeFile {
    /// The path relative to the snapshot's folder, `eob/eob_type=CARRIER/service_year=2024/<hash>.parquet`.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256, lower-case hex; the file name is its beginning.
    pub sha256: String,
}
