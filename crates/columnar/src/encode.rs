//! Parquet: column chunks, row groups and files.

mod bounds;
mod buffered_rows;
mod chunk;
mod chunk_pages;
mod column_encoder;
mod flag_chunk;
mod number_chunk;
mod number_dictionary;
mod number_rows;
mod page_spool;
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
mod truncate;
