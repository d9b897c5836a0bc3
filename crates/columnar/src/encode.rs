//! Parquet: column chunks, row groups and files.

mod arrow_column;
mod bounds;
mod buffered_rows;
mod chunk;
mod chunk_pages;
mod page_spool;
mod page_store;
pub mod parquet_file;
pub mod parquet_writer;
pub mod partitioned;
pub mod properties;
mod rle;
#[cfg(test)]
mod round_trip;
mod row_group;
mod scratch;
mod text_chunk;
