//! Builds one table of the next snapshot.
//!
//! [`plan`] decides for each table whether it is rebuilt, updated, or carried over. [`build`] sorts
//! the staged rows that were chosen by the merge of keys, merges them with the old rows of the
//! partitions that change ([`old_rows`]), and writes these partitions; files of other partitions
//! are linked ([`carry`]). [`all`] does this for several tables at once.

pub(crate) mod all;
pub(crate) mod build;
pub(crate) mod carry;
pub(crate) mod old_files;
pub(crate) mod old_rows;
pub(crate) mod plan;
pub(crate) mod table_columns;

use claimlake_columnar::encode::partitioned::PlacedFile;
use claimlake_contract::LakeFile;

/// A written file as manifests list it.
pub(crate) fn lake_file(file: PlacedFile) -> LakeFile {
    LakeFile {
        path: file.path,
        rows: file.rows,
        bytes: file.bytes,
        sha256: file.sha256,
    }
}
