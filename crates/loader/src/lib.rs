//! Staged Arrow rows to the published lake: merge, partition, publish.
//!
//! [`load`] reads sealed staged runs and publishes one new snapshot, or reports that nothing changed.
//! What it writes becomes visible by one rename; a load that is killed leaves the previous snapshot
//! current. Rows belong to resources (API version, resource type, id), the newest body of a resource
//! wins, and which version of a claim is current is a rule that is data ([`CurrentRule`]).
//!
//! A table about the run itself needs no staged run, so it shows the way of a load:
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_array::{RecordBatch, StringArray};
//! use claimlake_contract::{BloomColumns, NoProgress, TableLayout};
//! use claimlake_loader::{LoadOptions, LoadRequest, RunTable, load, read_manifest, snapshots};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let lake = folder.path().join("lake");
//! let states = Arc::new(StringArray::from(vec!["complete", "parked"]));
//! let request = LoadRequest {
//!     staged_runs: Vec::new(),
//!     lake: lake.clone(),
//!     run: "20261123T164012.345Z-7f3a".parse()?,
//!     options: LoadOptions::default(),
//!     run_tables: vec![RunTable {
//!         layout: TableLayout {
//!             name: "extract_status".into(),
//!             partition_by: Vec::new(),
//!             sort_by: vec!["state".into()],
//!             bloom: BloomColumns::default(),
//!         },
//!         batches: vec![RecordBatch::try_from_iter([("state", states as _)])?],
//!         change_columns: vec!["state".into()],
//!     }],
//!     published_at: "2026-11-23T16:40:12Z".into(),
//! };
//! assert!(load(&request, &NoProgress)?.changed);
//! // The same once more publishes nothing.
//! assert!(!load(&request, &NoProgress)?.changed);
//!
//! let published = snapshots(&lake)?;
//! assert_eq!(published.len(), 1);
//! let manifest = read_manifest(&published[0].folder)?;
//! assert_eq!(manifest.tables[0].files[0].rows, 2);
//! # Ok(())
//! # }
//! ```
//!
//! # Terms
//!
//! | term | meaning in this crate |
//! |---|---|
//! | body | one version of a resource, as it was received |
//! | key | one row about a resource: API version, type, id, time and content hash of its newest body |
//! | tombstone | a key of a resource that has no rows: left out by the pipeline, or gone from the server |
//! | owner | the resource to which a row of a table belongs |
//! | candidate | what a rule of `[[current]]` knows about one resource; a group of candidates are the versions of one claim |
//! | decision | what a load does with a staged body: its rows are new or changed, or as the lake has them |
//! | outdated | resources whose rows in the lake must be removed |
//!
//! # Killed at any time
//!
//! Everything is written below `.building/`, which no reader opens. A snapshot is synced to disk
//! before it is renamed to its number, and `current` is replaced by one rename after that. So there
//! are three states after a kill, and the next load continues from each of them:
//!
//! - before the first rename: the lake is unchanged, and the leftovers are removed;
//! - between the renames: the new snapshot is complete but not current; a load with the same staged
//!   runs builds it again under the next number;
//! - after the second rename: the load is done, except that old snapshots remain until the next
//!   one.
//!
//! Files are never edited. A table that changes gets new files for its changed partitions and hard
//! links to all others, so a reader that has a file open is never disturbed.
//!
//! # Memory
//!
//! Keys, candidates, decisions and rows are sorted on disk if they do not fit
//! [`LoadOptions::memory_bytes`]. The keys of resources whose rows change are looked up in a sorted file
//! if they are many.

mod current_rule;
mod damage;
mod damaged_files;
mod error;
mod file_hash;
mod forget;
mod known_resources;
mod load;
mod merge;
mod next_snapshot;
mod partition_value;
mod previous_snapshot;
mod publish;
mod repair;
mod request;
mod row_owners;
mod run_table;
mod staged_parquet;
mod staged_run;
mod sums;
mod table;

pub use claimlake_columnar::hive_path::partition_folder;
pub use claimlake_columnar::parquet_batch_rows;
pub use current_rule::{Conditions, CurrentCase, CurrentRule};
pub use damage::check_file;
pub use damaged_files::{DamagedFile, check_record, check_staged_run, is_staged_manifest};
pub use error::{LoadError, LoadErrorKind, Result};
pub use file_hash::sha256_hex;
pub use forget::{
    ForgetOutcome, ForgetRequest, PersonInLake, forget, has_snapshot, patients_of_lake,
    person_in_lake,
};
pub use known_resources::{KnownResource, ResourceStatus, known_resources, resource_key};
pub use load::load;
pub use merge::current::{current_resources, is_decided_by};
pub use partition_value::{is_unknown_partition, partition_value};
pub use publish::group_reach::{GroupReach, group_reach, real_folder};
pub use publish::manifest::read_manifest;
pub use publish::retention::{SnapshotInfo, oldest_snapshot, snapshots};
pub use publish::rollback::rollback;
pub use publish::views_sql::{SqlView, ViewsBase, ViewsSql, views_sql};
pub use repair::is_of_another_version;
pub use request::{AbsentResources, LoadOptions, LoadOutcome, LoadRequest, RunTable, TableOutcome};
pub use row_owners::earlier::damaged_earlier_owners;
pub use run_table::changes::{Change, ChangeKind, changes};
pub use staged_parquet::{
    ComparedBodies, SealedParquet, Share, StagedBodies, StagedParquet, StagedProblems, StagingJob,
    TableShape, check_staged_parquet, seal_staged_parquet,
};
