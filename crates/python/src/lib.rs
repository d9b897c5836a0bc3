#![doc = include_str!("../README.md")]

mod capsule;
mod contents;
mod failure;
mod flatten;
mod input_stream;
mod lake;
mod plan;
mod spool;
mod staged;
mod table_reader;
mod view;

use pyo3::prelude::*;

/// What the Python package `claimlake` is made on; not to be imported by others.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    contents::add_to(module)
}
