//! Rows on disk that wait until somebody reads them: a table may be read long after another one, or
//! never, and memory stays small.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchIterator};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::SchemaRef;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::capsule::{Reader, schema_capsule, stream_capsule};
use crate::failure::{Failure, Result};

/// Rows of a table while they are written, into a file without a name.
pub(crate) struct Spool {
    schema: SchemaRef,
    writer: Option<StreamWriter<BufWriter<File>>>,
    rows: u64,
}

impl Spool {
    pub(crate) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            writer: None,
            rows: 0,
        }
    }

    /// Appends rows; the first ones make the file, in `folder`.
    pub(crate) fn append(&mut self, batch: &RecordBatch, folder: &Path) -> Result<()> {
        if self.writer.is_none() {
            let file =
                tempfile::tempfile_in(folder).map_err(Failure::io("making a file for rows"))?;
            let options = IpcWriteOptions::default()
                .try_with_compression(Some(CompressionType::LZ4_FRAME))?;
            let file = BufWriter::with_capacity(256 << 10, file);
            let writer = StreamWriter::try_new_with_options(file, &self.schema, options)?;
            self.writer = Some(writer);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(batch)?;
            self.rows += batch.num_rows() as u64;
        }
        Ok(())
    }

    /// All rows are there.
    pub(crate) fn finish(self) -> Result<Spooled> {
        let file = match self.writer {
            None => None,
            Some(writer) => {
                let file = writer.into_inner()?.into_inner();
                let failed = Failure::io("writing rows");
                Some(Arc::new(file.map_err(|error| failed(error.into_error()))?))
            }
        };
        Ok(Spooled {
            schema: self.schema,
            file,
            rows: self.rows,
        })
    }
}

/// Reads a file from its beginning, without moving where others read it.
struct At {
    file: Arc<File>,
    next: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.next)?;
        self.next += read as u64;
        Ok(read)
    }
}

/// A table that was flattened: read it as often as you like.
#[pyclass(module = "claimlake", name = "FlatTable", frozen)]
#[derive(Debug)]
pub(crate) struct Spooled {
    schema: SchemaRef,
    file: Option<Arc<File>>,
    rows: u64,
}

impl Spooled {
    fn reader(&self) -> Result<Reader> {
        let Some(file) = &self.file else {
            let none = RecordBatchIterator::new(Vec::new(), Arc::clone(&self.schema));
            return Ok(Box::new(none));
        };
        let file = At {
            file: Arc::clone(file),
            next: 0,
        };
        let file = BufReader::with_capacity(256 << 10, file);
        Ok(Box::new(StreamReader::try_new(file, None)?))
    }
}

#[pymethods]
impl Spooled {
    /// The rows, by Arrow's C stream interface.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let _ = requested_schema;
        stream_capsule(py, self.reader()?)
    }

    /// The columns, by Arrow's C interface.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        schema_capsule(py, &self.schema)
    }

    /// How many rows there are.
    fn __len__(&self) -> usize {
        usize::try_from(self.rows).unwrap_or(usize::MAX)
    }

    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        let fields = self.schema.fields().iter();
        fields.map(|field| field.name().clone()).collect()
    }
}
