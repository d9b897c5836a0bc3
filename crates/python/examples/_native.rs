//! The module of `src/lib.rs` once more, for tests/python: `cargo test` builds examples, with the
//! dependencies that all tests have compiled, but no library that nothing can link.

#[path = "../src/capsule.rs"]
mod capsule;
#[path = "../src/contents.rs"]
mod contents;
#[path = "../src/failure.rs"]
mod failure;
#[path = "../src/flatten.rs"]
mod flatten;
#[path = "../src/input_stream.rs"]
mod input_stream;
#[path = "../src/lake.rs"]
mod lake;
#[path = "../src/plan.rs"]
mod plan;
#[path = "../src/spool.rs"]
mod spool;
#[path = "../src/staged.rs"]
mod staged;
#[path = "../src/table_reader.rs"]
mod table_reader;
#[path = "../src/view.rs"]
mod view;

use pyo3::prelude::*;

/// What the Python package `claimlake` is made on; not to be imported by others.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    contents::add_to(module)
}
