//! `claimlake.view`: one ViewDefinition over resources, as `claimlake view` evaluates it.

use std::sync::{Mutex, PoisonError};

use arrow_array::{RecordBatch, RecordBatchIterator};
use claimlake_viewdef::column::JsonRows;
use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::json;
use claimlake_viewdef::problem::ProblemKind;
use claimlake_viewdef::reference;
use pyo3::prelude::*;

use crate::capsule::Stream;
use crate::failure::{Failure, Kind, Result, check_signals};

/// Rows of a batch.
const ROWS: usize = 8192;

/// A view and the rows that it has made so far.
#[pyclass(module = "claimlake._native", frozen)]
pub(crate) struct Viewing {
    view: ViewDefinition,
    state: Mutex<State>,
}

struct State {
    rows: JsonRows,
    batches: Vec<RecordBatch>,
    rejects: Vec<(u64, String)>,
}

impl State {
    fn end_batch(&mut self) -> Result<()> {
        if !self.rows.is_empty() {
            self.batches.push(self.rows.finish()?);
        }
        Ok(())
    }
}

#[pymethods]
impl Viewing {
    /// Reads the view.
    #[new]
    fn new(view: &str) -> PyResult<Self> {
        let view = ViewDefinition::from_text(view)
            .map_err(|error| Failure::new(Kind::View, error.to_string()))?;
        let state = State {
            rows: JsonRows::new(&view),
            batches: Vec::new(),
            rejects: Vec::new(),
        };
        Ok(Self {
            view,
            state: Mutex::new(state),
        })
    }

    /// Evaluates it for resources, each as text; `first` is the number of the first one.
    fn push_texts(
        &self,
        py: Python<'_>,
        first: u64,
        texts: Vec<pyo3::pybacked::PyBackedBytes>,
    ) -> PyResult<()> {
        py.detach(|| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            for (number, text) in (first..).zip(&texts) {
                self.one(&mut state, number, text)?;
            }
            check_signals()
        })?;
        Ok(())
    }

    /// The rows, and the number and reason of what was refused.
    fn finish(&self) -> PyResult<(Stream, Vec<(u64, String)>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.end_batch()?;
        let schema = state.rows.schema().clone();
        let batches = std::mem::take(&mut state.batches);
        let reader = RecordBatchIterator::new(batches.into_iter().map(Ok), schema);
        Ok((
            Stream::new(Box::new(reader)),
            std::mem::take(&mut state.rejects),
        ))
    }
}

impl Viewing {
    fn one(&self, state: &mut State, number: u64, text: &[u8]) -> Result<()> {
        let resource = json::value(text).map_err(|fault| fault.to_string());
        let evaluated = resource.and_then(|resource| {
            reference::evaluate(&self.view, &resource).map_err(|problem| problem.to_string())
        });
        match evaluated {
            Err(reason) => state.rejects.push((number, reason)),
            Ok(evaluation) => {
                let columns = self.view.columns();
                for problem in &evaluation.problems {
                    if problem.mismatch.kind != ProblemKind::Rounded {
                        let column = columns.get(problem.column);
                        let name = column.map_or("", |column| column.name.as_str());
                        state
                            .rejects
                            .push((number, format!("column {name}: {problem}")));
                    }
                }
                for row in &evaluation.rows {
                    state.rows.push(row);
                    if state.rows.len() == ROWS {
                        state.end_batch()?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Viewing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Viewing").finish_non_exhaustive()
    }
}
