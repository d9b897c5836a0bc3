//! Parquet: one file, then files that roll by rows, then one such row of files per partition.

pub(crate) mod parquet_file;
pub(crate) mod partitioned;
pub(crate) mod properties;
