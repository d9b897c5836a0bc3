//! Staged runs: Arrow IPC files between transform and load, below `<data>/staged/run=<id>`.
//!
//! Every staged table has the columns of the lake's table (context columns first, partition
//! columns among them) and, last, [`LANDING_ORDER_COLUMN`]. What the loader must know of each
//! resource lies once in the table [`KEYS_TABLE`], joined by that number.

use serde::{Deserialize, Serialize};

use crate::{ResourceType, RunId, TableLayout};

/// The version of the staged format.
pub const STAGED_FORMAT: u32 = 1;

/// UInt64, the last column of every staged table and the first of [`KEYS_TABLE`]: unique per
/// resource in the staged run, growing in landing order (later landed, greater number). Rows that are
/// kept by period have the number of their period instead, see [`crate::period_order`].
pub const LANDING_ORDER_COLUMN: &str = "_landing_order";

/// The staged table with one row a resource, and one for each period of it that is kept.
pub const KEYS_TABLE: &str = "_keys";

/// The columns of [`KEYS_TABLE`], in order, all prefixed with `_`.
pub mod key_columns {
    /// UInt64, see [`super::LANDING_ORDER_COLUMN`].
    pub const LANDING_ORDER: &str = super::LANDING_ORDER_COLUMN;
    /// Utf8: `v2` or `v3`.
    pub const API: &str = "_api";
    /// Utf8: the FHIR resource type; of a period [`crate::period_type`].
    pub const RESOURCE_TYPE: &str = "_resource_type";
    /// Utf8: the resource's id; of a period [`crate::period_id`].
    pub const ID: &str = "_id";
    /// Timestamp(µs, UTC), nullable: `meta.lastUpdated`.
    pub const LAST_UPDATED: &str = "_last_updated";
    /// FixedSizeBinary(16): hash of the resource's content, without v2's `created`.
    pub const CONTENT_HASH: &str = "_content_hash";
    /// Represents the content of a resource that makes no rows, as the pipeline says of
    /// records under 42 CFR Part 2: rows of earlier bodies leave the lake, and its key stays there.
    pub const WITHDRAWN: [u8; 16] = [0; 16];
    /// In place of the content of a resource that the server no longer has, at the place in
    /// landing where a full read found that out: bodies that landed before it do not count, those
    /// that landed after it do, whatever their times.
    pub const GONE: [u8; 16] = [0xff; 16];
    /// Utf8, nullable: the patient the resource is about, in the API's id space.
    pub const PATIENT: &str = "_patient";
}

/// Beside a staged run's manifest, and in the record of a loaded one: SHA-256 and name of its
/// manifest, its keys, its rejects and what no view read, as `sha256sum -c` reads them. Runs of
/// earlier versions have none.
pub const SUMS_FILE: &str = "SHA256SUMS";

/// A landing order: the part's number in the staged run above, the line in it below.
#[must_use]
pub fn landing_order(part_ordinal: u32, line: u32) -> u64 {
    (u64::from(part_ordinal) << 32) | u64::from(line)
}

/// `manifest.json` of a staged run: written last, it seals the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagedManifest {
    /// [`STAGED_FORMAT`] of the writer.
    pub format: u32,
    /// The staged run.
    pub run: RunId,
    /// Hash of everything that decides what is in the tables: views, context, settings.
    pub pipeline_hash: String,
    /// The version of the rules by which rows are made from resources; 0: an earlier version, which
    /// did not record it.
    #[serde(default)]
    pub rules: u32,
    /// The landing runs that were read, in landing order.
    pub landing_runs: Vec<RunId>,
    /// Whether all of landing was read: the tables then replace those of the lake.
    pub full: bool,
    /// The tables, by name.
    pub tables: Vec<StagedTable>,
    /// Resources read, with rows or not.
    pub resources: u64,
    /// Resources of a type that no view reads.
    pub without_view: u64,
    /// Resources refused.
    pub rejected_resources: u64,
    /// Cells made null by a reject.
    pub rejected_cells: u64,
    /// Claims and coverages whose patient is not known.
    #[serde(default)]
    pub without_patient: u64,
    /// Cells whose number had digits that a double adds (`1308.6999999999998`) and was rounded to
    /// the column's scale.
    #[serde(default)]
    pub rounded_cells: u64,
}

/// A table of a staged run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StagedTable {
    /// Its name and layout in the lake.
    pub layout: TableLayout,
    /// The resource type its view reads.
    pub resource: ResourceType,
    /// Hash of the view and of the context columns: where it differs, the table is rebuilt.
    pub view_hash: String,
    /// The files, in landing order.
    pub files: Vec<StagedFile>,
}

/// One Arrow IPC file of a staged table: in file format (`.arrow`), or a stream (`.arrows`) where
/// one process stages and loads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedFile {
    /// The path relative to the staged run's folder.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// Size on disk.
    pub bytes: u64,
    /// SHA-256, lower-case hex; empty for streams.
    pub sha256: String,
    /// XXH3-128, lower-case hex, of streams (`.arrows`): they are read at once, by the machine
    /// that wrote them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xxh3: Option<String>,
}
