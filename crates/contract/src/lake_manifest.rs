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
    /// The staged runs whose rows this snapshot has as the first one.
    pub staged_runs: Vec<RunId>,
    /// All landing runs whose bodies are in it, sorted, including those of earlier snapshots;
    /// `None` if this is unknown: earlier versions recorded nothing, and another program that
    /// stages does not state what it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing_runs: Option<Vec<RunId>>,
    /// The tables, by name.
    pub tables: Vec<LakeTable>,
    /// The keys of the resources whose rows are in the snapshot, and of those whose newest body
    /// makes none; none in an empty lake.
    #[serde(default)]
    pub keys: Option<LakeFile>,
    /// What decides which version of a claim is current; none without such a rule.
    #[serde(default)]
    pub current: Option<LakeFile>,
    /// Which rows of the tables belong to which resource: one file for the tables of a resource
    /// type that share a partition. None in snapshots of earlier versions, which have one beside
    /// every file of a table and no hash of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<LakeFile>>,
    /// The views for readers, as they were written; none in snapshots of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub views: Option<Vec<LakeFile>>,
}

impl LakeManifest {
    /// Every file that the manifest names: those of the tables first, then the loader's own and
    /// those for readers. The manifest and its checksum are not among them.
    pub fn all_files(&self) -> impl Iterator<Item = &LakeFile> {
        let of_tables = self.tables.iter().flat_map(|table| &table.files);
        let own = self.keys.iter().chain(&self.current);
        let owners = self.owners.iter().flatten();
        of_tables
            .chain(own)
            .chain(owners)
            .chain(self.views.iter().flatten())
    }
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
    /// The columns in the files, in order: name and Arrow type as text.
    pub columns: Vec<(String, String)>,
    /// The partition columns, which are in the path only: name and Arrow type as text.
    #[serde(default)]
    pub partition_columns: Vec<(String, String)>,
    /// The files, in the order of their rows.
    pub files: Vec<LakeFile>,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LakeFile {
    /// The path relative to the snapshot's folder, `eob/eob_type=CARRIER/service_year=2024/<hash>.parquet`.
    pub path: String,
    /// Its rows. For a file of row owners, the number of table rows that it covers; 0 for files
    /// without rows.
    pub rows: u64,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256, lower-case hex; the name of a table's file, and of one of owners, is its beginning.
    pub sha256: String,
}
