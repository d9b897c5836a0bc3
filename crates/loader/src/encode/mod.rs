//! Parquet: one file, then files that roll by rows, then one such row of files per partition.

mod bounds;
mod chunk;
mod chunk_pages;
mod column_encoder;
mod flag_chunk;
mod held_rows;
mod number_chunk;
mod number_dictionary;
mod number_rows;
mod page_spool;
pub(crate) mod parquet_file;
pub(crate) mod partitioned;
pub(crate) mod properties;
mod rle;
#[cfg(test)]
mod round_trip;
mod row_group;
mod scratch;
mod text_chunk;
mod truncate;
