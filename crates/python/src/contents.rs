//! What the module has.

use pyo3::prelude::*;

use crate::{capsule, flatten, lake, plan, spool, staged, view};

/// Adds all of it.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
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
