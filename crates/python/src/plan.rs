//! A compiled plan, as `claimlake plan` prints what it is made of.

use claimlake_transformer::{Plan as Compiled, PlanInput};
use pyo3::prelude::*;

use crate::failure::{Failure, Kind, Result};

/// How many problems are named at once.
const MAX_SHOWN: usize = 5;

/// The views of a pipeline, compiled.
#[pyclass(module = "claimlake._native", frozen)]
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) compiled: Compiled,
}

/// Compiles the JSON of a plan's input.
pub(crate) fn compile(input: &str) -> Result<Compiled> {
    let input: PlanInput = serde_json::from_str(input)
        .map_err(|error| Failure::new(Kind::View, format!("the plan is not one: {error}")))?;
    Compiled::compile(&input).map_err(|problems| {
        let shown = problems.iter().take(MAX_SHOWN).map(ToString::to_string);
        let shown: Vec<String> = shown.collect();
        let more = match problems.len().saturating_sub(MAX_SHOWN) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        Failure::new(Kind::View, format!("{}{more}", shown.join("; ")))
    })
}

#[pymethods]
impl Plan {
    /// Compiles views and context columns.
    #[new]
    fn new(py: Python<'_>, input: &str) -> PyResult<Self> {
        let compiled = py.detach(|| compile(input))?;
        Ok(Self { compiled })
    }

    /// The hash of everything that decides what is in the tables.
    #[getter]
    fn hash(&self) -> &str {
        self.compiled.hash()
    }

    /// The names of the tables.
    fn tables(&self) -> Vec<String> {
        let tables = self.compiled.tables();
        tables.map(|(_, name)| name.to_owned()).collect()
    }
}
