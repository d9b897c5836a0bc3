//! One file of a staged table: compressed Arrow IPC that is hashed while it is written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::take::take;
use sha2::{Digest, Sha256};

use crate::stage::{Form, hex};

/// Writes one file.
pub(crate) enum StagedWriter {
    /// Text as text.
    File {
        schema: SchemaRef,
        writer: FileWriter<BufWriter<Hashing>>,
    },
    /// Dictionaries as they come.
    Stream(StreamWriter<BufWriter<Hashing>>),
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl StagedWriter {
    pub(crate) fn new(file: File, schema: &SchemaRef, form: Form) -> Result<Self, ArrowError> {
        let hashing = Hashing {
            file,
            hash: Sha256::new(),
            written: 0,
        };
        let buffered = BufWriter::with_capacity(64 << 10, hashing);
        Ok(match form {
            Form::Files => {
                let schema = with_plain_text(schema);
                let options = IpcWriteOptions::default()
                    .try_with_compression(Some(CompressionType::LZ4_FRAME))?;
                let writer = FileWriter::try_new_with_options(buffered, &schema, options)?;
                StagedWriter::File { schema, writer }
            }
            // Read again at once, and small by its dictionaries.
            Form::Streams => StagedWriter::Stream(StreamWriter::try_new(buffered, schema)?),
        })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            StagedWriter::File { schema, writer } => {
                let columns = batch
                    .columns()
                    .iter()
                    .map(plain_text)
                    .collect::<Result<Vec<_>, _>>()?;
                writer.write(&RecordBatch::try_new(schema.clone(), columns)?)
            }
            StagedWriter::Stream(writer) => writer.write(batch),
        }
    }

    /// Bytes written so far.
    pub(crate) fn written(&self) -> u64 {
        match self {
            StagedWriter::File { writer, .. } => writer.get_ref().get_ref().written,
            StagedWriter::Stream(writer) => writer.get_ref().get_ref().written,
        }
    }

    pub(crate) fn finish(self) -> Result<Written, ArrowError> {
        let buffered = match self {
            StagedWriter::File { writer, .. } => writer.into_inner()?,
            StagedWriter::Stream(writer) => writer.into_inner()?,
        };
        let hashing = buffered
            .into_inner()
            .map_err(|error| ArrowError::from(error.into_error()))?;
        Ok(Written {
            bytes: hashing.written,
            sha256: hex(&hashing.hash.finalize()),
        })
    }
}

fn with_plain_text(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let field = field.as_ref().clone();
        match field.data_type() {
            DataType::Dictionary(_, text) => {
                let text = text.as_ref().clone();
                field.with_data_type(text)
            }
            _ => field,
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn plain_text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.as_any_dictionary_opt() {
        Some(dictionary) => take(dictionary.values(), dictionary.keys(), None),
        None => Ok(Arc::clone(column)),
    }
}

/// A file that hashes what is written to it.
#[derive(Debug)]
pub(crate) struct Hashing {
    file: File,
    hash: Sha256,
    written: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
