//! Parquet encoding: pages, column chunks, row groups and files.
//!
//! From the inside out: `text_chunk` and `arrow_column` encode the columns of a row group,
//! `row_group` decides where their pages end, [`parquet_writer`] writes row groups and the
//! footer, [`parquet_file`] adds a hash and a name, and [`partitioned`] opens one file after the
//! other.

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
