//! One table of the next snapshot: what is taken from where, and how it is put together.
//!
//! [`plan`] decides for each table whether it is made anew, updated or carried over. [`build`] sorts the
//! staged rows that the decisions name, merges them with the old rows of the partitions that change
//! ([`old_rows`]), and writes these; files of other partitions are linked ([`carry`]). [`all`] does so for
//! several tables at once.

pub(crate) mod all;
pub(crate) mod build;
pub(crate) mod carry;
pub(crate) mod old_rows;
pub(crate) mod plan;

use claimlake_columnar::encode::partitioned::PlacedFile;
use claimlake_contract::LakeFile;

/// A written file as manifests name it.
pub(crate) fn lake_file(file: PlacedFile) -> LakeFile {
    LakeFile {
        path: file.path,
        rows: file.rows,
        bytes: file.bytes,
        sha256: file.sha256,
    }
}
