//! Sorting rows by resource, on disk where memory does not suffice.
//!
//! The unit is the span: neighbouring rows of one resource that agree in every sort column. Nearly
//! all rows of a resource do, so sorting costs by resources, not by rows, and the view's row order
//! within a resource is kept by construction.

pub(crate) mod batch_sorter;
pub(crate) mod batch_spans;
mod block;
mod block_bytes;
mod block_head;
pub(crate) mod gather;
pub(crate) mod held;
pub(crate) mod merge;
pub(crate) mod numbers;
mod packed_values;
mod run_file;
mod sort_keys;
pub(crate) mod sorter;
pub(crate) mod span;
pub(crate) mod text_column;
pub(crate) mod texts;
