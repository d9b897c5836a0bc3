//! `claimlake.flatten`: resources in, tables and rejects out.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use claimlake_contract::{ApiVersion, Reject};
use claimlake_landing::{check_input, read_resources};
use claimlake_transformer::{Flattener, Output};
use pyo3::prelude::*;

use crate::failure::{Failure, Kind, Result, check_signals};
use crate::input_stream::reader_of;
use crate::plan::Plan;
use crate::spool::{Spool, Spooled};

/// Rejects that are made to a batch at once.
const REJECTS: usize = 1024;
/// Resources between two looks at whether Ctrl-C was pressed.
const RESOURCES: u64 = 256;

/// What was flattened so far.
#[pyclass(module = "claimlake._native", frozen)]
pub(crate) struct Flattening {
    folder: PathBuf,
    state: Mutex<Option<State>>,
}

struct State {
    flattener: Flattener,
    sink: Sink,
}

/// The spools of all tables, and of the rejects.
struct Sink {
    folder: PathBuf,
    tables: Vec<(String, Spool)>,
    by_name: HashMap<String, usize>,
    rejects: Vec<Reject>,
    rejected: Spool,
    seen: u64,
}

impl Sink {
    fn take(&mut self, output: Output<'_>) -> Result<()> {
        match output {
            Output::Rows(table, batch) => {
                let at = self.by_name.get(table).copied();
                let spool = at.and_then(|at| self.tables.get_mut(at));
                spool.map_or(Ok(()), |(_, spool)| spool.append(batch, &self.folder))
            }
            Output::Reject(reject) => {
                self.rejects.push(reject.clone());
                match self.rejects.len() < REJECTS {
                    true => Ok(()),
                    false => self.write_rejects(),
                }
            }
        }
    }

    fn write_rejects(&mut self) -> Result<()> {
        let rejects = std::mem::take(&mut self.rejects);
        match rejects.is_empty() {
            true => Ok(()),
            false => self.rejected.append(&batch_of(&rejects)?, &self.folder),
        }
    }

    fn look_at_signals(&mut self) -> Result<()> {
        self.seen += 1;
        match self.seen % RESOURCES {
            0 => check_signals(),
            _ => Ok(()),
        }
    }
}

impl Flattening {
    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        let ended = || Failure::new(Kind::Input, "the flattening has ended");
        work(state.as_mut().ok_or_else(ended)?)
    }
}

#[pymethods]
impl Flattening {
    /// Begins; rows wait in files without names in `folder`.
    #[new]
    fn new(plan: &Plan, api: &str, folder: PathBuf) -> PyResult<Self> {
        let api: ApiVersion = api
            .parse()
            .map_err(|error| Failure::new(Kind::Input, format!("api: {error}")))?;
        let flattener = Flattener::new(plan.compiled.clone(), api);
        let tables: Vec<(String, Spool)> = flattener
            .tables()
            .map(|(name, schema)| (name.to_owned(), Spool::new(Arc::clone(schema))))
            .collect();
        let names = tables.iter().map(|(name, _)| name.clone());
        let sink = Sink {
            by_name: names.zip(0..).collect(),
            tables,
            folder: folder.clone(),
            rejects: Vec::new(),
            rejected: Spool::new(reject_schema()),
            seen: 0,
        };
        Ok(Self {
            folder,
            state: Mutex::new(Some(State { flattener, sink })),
        })
    }

    /// Reads a file: NDJSON, a resource, a list or Bundles, plain, gzip or zstd.
    fn push_file(&self, py: Python<'_>, path: PathBuf, place: &str) -> PyResult<()> {
        py.detach(|| self.with(|state| file(state, &path, place)))?;
        Ok(())
    }

    /// Reads resources, each as text; `first` is the number of the first one.
    fn push_texts(
        &self,
        py: Python<'_>,
        place: &str,
        first: u64,
        texts: Vec<pyo3::pybacked::PyBackedBytes>,
    ) -> PyResult<()> {
        py.detach(|| {
            self.with(|state| {
                let State { flattener, sink } = state;
                for (line, text) in (first..).zip(&texts) {
                    if !text.is_empty() {
                        flattener.push(place, line, text, &mut |output| sink.take(output))?;
                    }
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Reads the resources in a column of batches: the one of this name, or the only one of texts.
    fn push_batches(
        &self,
        py: Python<'_>,
        place: &str,
        batches: &Bound<'_, PyAny>,
        column: Option<&str>,
    ) -> PyResult<()> {
        let reader = reader_of(batches)?;
        let schema = reader.schema();
        let position = text_column(&schema, column)?;
        py.detach(|| {
            self.with(|state| {
                let mut row = 0;
                for batch in reader {
                    let batch =
                        batch.map_err(|error| Failure::new(Kind::Input, error.to_string()))?;
                    check_signals()?;
                    row = texts(state, place, batch.column(position), row)?;
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    /// Ends it: the tables, the rejects and the counts.
    #[expect(clippy::type_complexity, reason = "a tuple for Python")]
    fn finish(&self, py: Python<'_>) -> PyResult<(Vec<(String, Spooled)>, Spooled, String)> {
        let ended = || Failure::new(Kind::Input, "the flattening has ended");
        let State {
            mut flattener,
            mut sink,
        } = self.lock().take().ok_or_else(ended)?;
        let finished = py.detach(|| {
            flattener.flush(&mut |output| sink.take(output))?;
            sink.write_rejects()?;
            let tables = sink.tables.into_iter();
            let tables = tables.map(|(name, spool)| Ok((name, spool.finish()?)));
            let tables = tables.collect::<Result<Vec<_>>>()?;
            let counts = serde_json::to_string(&flattener.counts())
                .map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
            Ok::<_, Failure>((tables, sink.rejected.finish()?, counts))
        });
        Ok(finished?)
    }

    fn __repr__(&self) -> String {
        format!("Flattening(folder={})", self.folder.display())
    }
}

fn file(state: &mut State, path: &Path, place: &str) -> Result<()> {
    check_input(path).map_err(Failure::from)?;
    let State { flattener, sink } = state;
    read_resources(path, |line, resource| {
        sink.look_at_signals()?;
        match resource {
            Ok(text) => flattener.push(place, line, text, &mut |output| sink.take(output)),
            Err(bad) => {
                let reject = Reject::new(place, line, bad.reason, bad.detail);
                flattener.refuse(reject, &mut |output| sink.take(output))
            }
        }
    })
}

/// The resources of a column, from row `first` of the input on; returns the next row.
fn texts(state: &mut State, place: &str, column: &ArrayRef, first: u64) -> Result<u64> {
    let State { flattener, sink } = state;
    for row in 0..column.len() {
        if column.is_null(row) {
            continue;
        }
        let text: &[u8] = match column.data_type() {
            DataType::Utf8 => column.as_string::<i32>().value(row).as_bytes(),
            DataType::LargeUtf8 => column.as_string::<i64>().value(row).as_bytes(),
            DataType::Utf8View => column.as_string_view().value(row).as_bytes(),
            DataType::Binary => column.as_binary::<i32>().value(row),
            DataType::LargeBinary => column.as_binary::<i64>().value(row),
            _ => column.as_binary_view().value(row),
        };
        let line = first + row as u64 + 1;
        flattener.push(place, line, text, &mut |output| sink.take(output))?;
    }
    Ok(first + column.len() as u64)
}

/// The column with the resources.
fn text_column(schema: &Schema, wanted: Option<&str>) -> Result<usize> {
    let is_text = |field: &Field| {
        matches!(
            field.data_type(),
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Utf8View
                | DataType::Binary
                | DataType::LargeBinary
                | DataType::BinaryView
        )
    };
    let fits = |field: &Field| wanted.is_none_or(|wanted| field.name() == wanted) && is_text(field);
    let fields = schema.fields().iter().enumerate();
    let found: Vec<usize> = fields
        .filter(|(_, field)| fits(field))
        .map(|(at, _)| at)
        .collect();
    match (found.as_slice(), wanted) {
        ([one], _) => Ok(*one),
        (_, Some(name)) => Err(Failure::new(
            Kind::Input,
            format!("the batches have no column of texts named '{name}'"),
        )),
        (several, None) => Err(Failure::new(
            Kind::Input,
            format!(
                "the batches have {} columns of texts: name the one with the resources (column=…)",
                several.len()
            ),
        )),
    }
}

fn reject_schema() -> SchemaRef {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    Arc::new(Schema::new(vec![
        text("file", false),
        Field::new("line", DataType::UInt64, false),
        text("reason", false),
        text("detail", false),
        text("resource", true),
        text("table", true),
        text("column", true),
        text("path", true),
        text("expected", true),
        text("found", true),
    ]))
}

fn batch_of(rejects: &[Reject]) -> Result<RecordBatch> {
    fn column<'r>(rejects: &'r [Reject], of: impl Fn(&'r Reject) -> Option<&'r str>) -> ArrayRef {
        Arc::new(rejects.iter().map(of).collect::<StringArray>())
    }
    let lines: UInt64Array = rejects.iter().map(|reject| Some(reject.line)).collect();
    let columns: Vec<ArrayRef> = vec![
        column(rejects, |reject| Some(&reject.file)),
        Arc::new(lines),
        column(rejects, |reject| Some(reject.reason.as_str())),
        column(rejects, |reject| Some(&reject.detail)),
        column(rejects, |reject| {
            reject.resource.as_ref().map(|resource| resource.as_str())
        }),
        column(rejects, |reject| reject.table.as_deref()),
        column(rejects, |reject| reject.column.as_deref()),
        column(rejects, |reject| reject.path.as_deref()),
        column(rejects, |reject| reject.expected.as_deref()),
        column(rejects, |reject| reject.found.as_deref()),
    ];
    Ok(RecordBatch::try_new(reject_schema(), columns)?)
}

impl std::fmt::Debug for Flattening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flattening")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}
