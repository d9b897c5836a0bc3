//! Arrow's C stream interface (the PyCapsule protocol): streams that polars, pyarrow, DuckDB and pandas
//! take as they are. None of them is needed here.

use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::SchemaRef;
use arrow_schema::ffi::FFI_ArrowSchema;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::failure::{Failure, Kind};

/// Rows that come when they are asked for.
pub(crate) type Reader = Box<dyn RecordBatchReader + Send>;

/// A capsule with a stream, which its taker consumes.
pub(crate) fn stream_capsule(py: Python<'_>, reader: Reader) -> PyResult<Bound<'_, PyCapsule>> {
    let stream = FFI_ArrowArrayStream::new(reader);
    PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
}

/// A capsule with the columns.
pub(crate) fn schema_capsule<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
) -> PyResult<Bound<'py, PyCapsule>> {
    let schema = FFI_ArrowSchema::try_from(schema.as_ref()).map_err(Failure::from)?;
    PyCapsule::new_with_value(py, schema, c"arrow_schema")
}

/// A stream of batches that can be read once.
#[pyclass(module = "claimlake", frozen)]
#[derive(Debug)]
pub(crate) struct Stream {
    schema: SchemaRef,
    reader: Mutex<Option<Unread>>,
}

/// A reader that nobody has taken yet.
struct Unread(Reader);

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unread")
    }
}

impl Stream {
    pub(crate) fn new(reader: Reader) -> Self {
        Self {
            schema: reader.schema(),
            reader: Mutex::new(Some(Unread(reader))),
        }
    }
}

#[pymethods]
impl Stream {
    /// The rows, by Arrow's C stream interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A hint only, by the protocol: the columns come as they are.
        let _ = requested_schema;
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let words = "the stream has been read: make another one to read it again";
        let Unread(reader) = reader.take().ok_or(Failure::new(Kind::Input, words))?;
        stream_capsule(py, reader)
    }

    /// The columns, by Arrow's C interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }
}
