//! What a load is asked to do, and what it reports.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow_array::RecordBatch;
use claimlake_contract::{RunId, TableLayout};
use serde::Serialize;

use crate::current_rule::CurrentRule;
use crate::publish::views_sql::SqlView;

/// One load: staged runs in, one snapshot out.
///
/// Paths and times come from the caller; the loader reads neither the clock nor the environment.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The folders of sealed staged runs; they are loaded in the order of their ids.
    pub staged_runs: Vec<PathBuf>,
    /// The lake's folder; made where it is missing.
    pub lake: PathBuf,
    /// The run that loads.
    ///
    /// It is recorded in the manifest and in the rows of `changes`, nowhere in other tables.
    pub run: RunId,
    /// How files are cut, how much is kept, how much memory is used.
    pub options: LoadOptions,
    /// Tables about the run itself.
    pub run_tables: Vec<RunTable>,
    /// When the snapshot is published, RFC 3339.
    pub published_at: String,
}

/// A table about the run itself, such as `extract_status`: it replaces the one in the lake.
#[derive(Debug, Clone)]
pub struct RunTable {
    /// Name and layout; such tables are not partitioned.
    pub layout: TableLayout,
    /// All of its rows.
    pub batches: Vec<RecordBatch>,
    /// The columns whose change alone is worth a new snapshot; empty: none.
    pub change_columns: Vec<String>,
}

/// What to do with resources that the lake holds and a full staged run lacks.
///
/// Without a cause that is known (the server no longer has the resource, the line was removed by
/// `forget`), a missing resource is more likely a damaged part of landing than a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AbsentResources {
    /// Refuse to load: a part of landing may be damaged.
    #[default]
    Refuse,
    /// Publish without them.
    Drop,
}

/// How files are cut, how much is kept, how much memory is used.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The size files aim at in MiB; turned into rows by the table's columns alone.
    ///
    /// The available memory has no influence, so that the same rows give the same files on every
    /// machine.
    pub target_file_mb: u64,
    /// Rows a file ends at, instead of `target_file_mb`.
    pub target_file_rows: Option<u64>,
    /// Rows a row group ends at.
    ///
    /// The default, 122,880, is the size of DuckDB's own row groups.
    pub row_group_rows: usize,
    /// Snapshots that are kept at the least, the current one among them.
    ///
    /// Values below 1 count as 1.
    pub keep_snapshots: usize,
    /// Snapshots younger than this many hours are kept, too.
    ///
    /// A query that resolved `current` when it began can run for this long while loads continue.
    pub keep_hours: u64,
    /// Bytes that sorting may hold in memory before it spills to disk.
    ///
    /// It is divided among the threads. Unfinished Parquet pages are not included.
    pub memory_bytes: usize,
    /// Tables that are built at once; 0: as many as there are cores, at most eight.
    pub threads: usize,
    /// The group that may read the lake: name or number. None: nobody but the owner.
    ///
    /// Modes are then 0750 and 0640 instead of 0700 and 0600.
    pub group: Option<String>,
    /// Make all tables anew, replace what is damaged in kept snapshots and remove those that cannot
    /// be repaired; needs a full staged run.
    pub rebuild: bool,
    /// What to do with resources that a full staged run lacks.
    pub absent: AbsentResources,
    /// Load on from the snapshot that the lake was rolled back to.
    pub unpin: bool,
    /// Compare the checksums of staged files before they are used.
    ///
    /// Each file is then read twice. Without it, damage within an Arrow file may become a wrong value
    /// instead of an error.
    pub check_staged: bool,
    /// Rules that say which version of a claim is current.
    ///
    /// At most one per table is used.
    pub current: Vec<CurrentRule>,
    /// The tables of schema `main` in `views.duckdb.sql`; empty: all.
    pub main_tables: Vec<String>,
    /// Views that are SQL, beside those of the tables.
    pub sql_views: Vec<SqlView>,
    /// By resource type: the columns that together name a resource in all of its tables. They let a
    /// table without the column of a rule of `current` show its current rows.
    pub resource_keys: BTreeMap<String, Vec<String>>,
}

/// The defaults of the keys in the pipeline's `[load]`. `memory_bytes` is small on purpose: sorted
/// runs on disk cost little, and the load then needs about the same memory on every machine.
impl Default for LoadOptions {
    fn default() -> Self {
        Self {
            target_file_mb: 256,
            target_file_rows: None,
            row_group_rows: 122_880,
            keep_snapshots: 3,
            keep_hours: 24,
            memory_bytes: 4 << 20,
            threads: 0,
            group: None,
            rebuild: false,
            absent: AbsentResources::Refuse,
            unpin: false,
            check_staged: true,
            current: Vec::new(),
            main_tables: Vec::new(),
            sql_views: Vec::new(),
            resource_keys: BTreeMap::new(),
        }
    }
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoadOutcome {
    /// Whether a new snapshot was published.
    ///
    /// False if the staged runs bring nothing new; nothing is written then.
    pub changed: bool,
    /// The number of the snapshot that is current now; none: the lake is empty.
    pub snapshot: Option<u64>,
    /// The folder of that snapshot, resolved.
    pub snapshot_folder: Option<PathBuf>,
    /// The tables, by name.
    pub tables: Vec<TableOutcome>,
    /// Resources that are new.
    pub new: u64,
    /// Resources that changed.
    pub changed_resources: u64,
    /// Resources that came again as they were.
    pub unchanged: u64,
    /// Bodies that a newer one of the same resource supersedes.
    pub superseded_bodies: u64,
    /// Resources that are no longer in landing and were left out.
    ///
    /// Only with [`AbsentResources::Drop`].
    pub dropped: u64,
    /// Resources that the server no longer has and that left the lake.
    pub gone: u64,
    /// Resources that are not in the lake and whose newest body, which makes no rows, came now: it
    /// is noted, so that no older one counts.
    pub left_out: u64,
    /// Tables that hold rows of an older view; `transform --full` and `load` make them anew.
    ///
    /// Queries still work; the older rows lack new columns or were made by the older view.
    pub stale_tables: Vec<String>,
    /// Staged tables that were left out because no row says what their columns are.
    ///
    /// They appear with the first run that has rows of them.
    pub tables_without_rows: Vec<String>,
    /// Unchanged files that were linked.
    pub files_linked: u64,
    /// Unchanged files that had to be copied because the file system has no hard links.
    pub files_copied: u64,
    /// Files that were written.
    ///
    /// Files with the same name (and so the same bytes) as before do not count.
    pub files_written: u64,
    /// Files and folders of the lake that were there and that the group could not read until now.
    ///
    /// More than 0 once, after a group was configured.
    pub given_to_group: u64,
    /// Old snapshots that were removed.
    pub snapshots_removed: Vec<u64>,
    /// Damaged files of kept snapshots that a rebuild replaced by whole ones.
    pub files_repaired: u64,
    /// Snapshots that a rebuild removed: files of theirs are damaged and cannot be made again.
    pub damaged_snapshots_removed: Vec<u64>,
    /// What was damaged and cannot be rebuilt, as text.
    ///
    /// Such as rows of `changes`: landing does not contain them.
    pub lost: Vec<String>,
}

/// What a load did to one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableOutcome {
    /// The table.
    pub name: String,
    /// Rows in the snapshot.
    pub rows: u64,
    /// Files in the snapshot.
    pub files: u64,
    /// Files of them that this load wrote.
    pub files_written: u64,
    /// Bytes of the files in the snapshot.
    pub bytes: u64,
}

impl TableOutcome {
    /// The table as a manifest lists it; the caller sets `files_written`.
    pub(crate) fn of(table: &claimlake_contract::LakeTable) -> Self {
        Self {
            name: table.layout.name.clone(),
            rows: table.files.iter().map(|file| file.rows).sum(),
            files: table.files.len() as u64,
            files_written: 0,
            bytes: table.files.iter().map(|file| file.bytes).sum(),
        }
    }
}
