//! One file of a staged table: compressed Arrow IPC that is hashed while it is written.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};
use claimlake_contract::hex;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::form::Form;
use crate::plain_text::{MOST_TEXT, pieces, plain_batch, with_plain_text};

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

/// What was written: its size and its checksum.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    pub(crate) xxh3: Option<String>,
}

impl StagedWriter {
    pub(crate) fn new(file: File, schema: &SchemaRef, form: Form) -> Result<Self, ArrowError> {
        let hashing = Hashing {
            file,
            hash: match form {
                Form::Files => Hash::Sha256(Sha256::new()),
                Form::Streams => Hash::Xxh3(Box::default()),
            },
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
                for piece in pieces(batch, MOST_TEXT) {
                    writer.write(&plain_batch(&piece, schema)?)?;
                }
                Ok(())
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
        let (sha256, xxh3) = match hashing.hash {
            Hash::Sha256(hash) => (hex(&hash.finalize()), None),
            Hash::Xxh3(hash) => (String::new(), Some(format!("{:032x}", hash.digest128()))),
        };
        Ok(Written {
            bytes: hashing.written,
            sha256,
            xxh3,
        })
    }
}

/// A file that hashes what is written to it.
pub(crate) struct Hashing {
    file: File,
    hash: Hash,
    written: u64,
}

enum Hash {
    Sha256(Sha256),
    Xxh3(Box<Xxh3>),
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        let taken = bytes.get(..written).unwrap_or_default();
        match &mut self.hash {
            Hash::Sha256(hash) => hash.update(taken),
            Hash::Xxh3(hash) => hash.update(taken),
        }
        self.written += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
