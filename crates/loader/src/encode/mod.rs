//! Parquet: one file, then files that roll by rows, then one such row of files per partition.

mod bounds;
mod chunk;
mod number_chunk;
pub(crate) mod parquet_file;
pub(crate) mod partitioned;
pub(crate) mod properties;
mod rle;
#[cfg(test)]
mod round_trip;
mod row_group;
mod text_chunk;
mod truncate;
