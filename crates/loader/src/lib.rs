//! Staged Arrow to the published lake: sort, partition, encode, upsert, publish.
//!
//! [`load`] reads sealed staged runs and publishes one new snapshot, or says that nothing changed.
//! Everything it writes becomes visible by one rename; killed at any instant, the snapshot before
//! stands. Nothing here knows FHIR: rows belong to keys (API version, resource type, id), the
//! newest body of a key wins, and which version of a claim is current is a rule that is data
//! ([`CurrentRule`]).

mod current_rule;
mod damage;
mod error;
mod forget;
mod known_resources;
mod load;
mod merge;
mod next_snapshot;
mod owners;
mod partition_value;
mod publish;
mod repair;
mod request;
mod run_table;
mod staged_parquet;
mod staged_run;
mod sums;
mod table;

pub use claimlake_columnar::hive_path::partition_folder;
pub use current_rule::{Conditions, CurrentCase, CurrentRule};
pub use damage::check_file;
pub use error::{LoadError, Result};
pub use forget::{
    ForgetOutcome, ForgetRequest, LakeOfPerson, forget, has_snapshot, lake_of, people_of_lake,
};
pub use known_resources::{KnownResource, ResourceStatus, known_resources, resource_key};
pub use load::load;
pub use merge::current::{current_resources, is_decided_by};
pub use owners::earlier::damaged_earlier_owners;
pub use partition_value::{is_unknown_partition, partition_value};
pub use publish::group_reach::{GroupReach, group_reach, real_folder};
pub use publish::manifest::read_manifest;
pub use publish::retention::{SnapshotInfo, snapshots};
pub use publish::rollback::rollback;
pub use repair::is_of_another_version;
pub use request::{AbsentResources, LoadOptions, LoadOutcome, LoadRequest, RunTable, TableOutcome};
pub use run_table::changes::{Change, ChangeKind, changes};
pub use staged_parquet::{
    Share, StagedBodies, StagedParquet, StagedProblems, TableShape, check_staged_parquet,
    seal_staged_parquet,
};
pub use sums::{DamagedFile, check_record, check_staged_run, is_staged_manifest, sha256_hex};
