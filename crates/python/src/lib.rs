// See README.md. No attribute of the crate stands here: `examples/_native.rs` includes this file.

mod capsule;
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
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<capsule::Stream>()?;
    module.add_class::<flatten::Flattening>()?;
    module.add_class::<lake::Snapshot>()?;
    module.add_class::<lake::Table>()?;
    module.add_class::<plan::Plan>()?;
    module.add_class::<spool::Spooled>()?;
    module.add_class::<view::Viewing>()?;
    module.add_function(wrap_pyfunction!(lake::snapshots, module)?)?;
    module.add_function(wrap_pyfunction!(staged::tasks, module)?)?;
    module.add_function(wrap_pyfunction!(staged::run_task, module)?)?;
    module.add_function(wrap_pyfunction!(staged::sha256, module)?)
}
