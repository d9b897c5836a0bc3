//! Sorting rows, on disk where memory does not suffice.
//!
//! The unit is the span: neighbouring rows of one group that agree in every sort column. Nearly
//! all rows of a group do, so sorting costs by groups, not by rows, and the row order within a
//! group is kept by construction.

pub mod batch_sorter;
pub mod batch_spans;
mod block;
mod block_bytes;
mod block_head;
pub mod buffered;
pub(crate) mod dictionary_keys;
pub mod gathered_columns;
pub mod merge;
mod packed_values;
pub mod row_ranges;
mod run_file;
mod sort_keys;
pub mod sorter;
pub mod span_maker;
pub mod spans;
pub(crate) mod string_interner;
pub mod table_shape;
pub(crate) mod text_column;
pub(crate) mod text_limit;
