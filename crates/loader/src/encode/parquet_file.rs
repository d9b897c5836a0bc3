//! One Parquet file: written, hashed on the way, named by its content.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use crate::error::{LoadError, Result};
use crate::publish::access::Access;

/// A finished file.
#[derive(Debug)]
pub(crate) struct WrittenFile {
    /// Its name in its folder, the beginning of its hash.
    pub(crate) name: String,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// Hex digits of the hash that name a file.
pub(crate) const NAME_DIGITS: usize = 32;

/// A file that is being written.
pub(crate) struct ParquetFile {
    folder: PathBuf,
    path: PathBuf,
    writer: ArrowWriter<HashingFile>,
    rows: u64,
}

impl ParquetFile {
    pub(crate) fn create(
        folder: &Path,
        schema: &SchemaRef,
        properties: WriterProperties,
        access: &Access,
    ) -> Result<Self> {
        access.make_folder(folder)?;
        let path = folder.join("unfinished");
        let file = HashingFile::new(access.create_file(&path)?);
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|source| parquet_error(&path, source))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            path,
            writer,
            rows: 0,
        })
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        self.writer
            .write(batch)
            .map_err(|source| parquet_error(&self.path, source))
    }

    /// Writes the footer and gives the file its name.
    pub(crate) fn finish(self) -> Result<WrittenFile> {
        let file = self
            .writer
            .into_inner()
            .map_err(|source| parquet_error(&self.path, source))?;
        let (bytes, sha256) = file
            .finish()
            .map_err(LoadError::io("writing", &self.path))?;
        let name = format!("{}.parquet", &sha256[..NAME_DIGITS]);
        let named = self.folder.join(&name);
        std::fs::rename(&self.path, &named).map_err(LoadError::io("naming", &named))?;
        Ok(WrittenFile {
            name,
            rows: self.rows,
            bytes,
            sha256,
        })
    }
}

/// A full disk comes wrapped in Parquet's error; it is told as what it is.
fn parquet_error(path: &Path, source: parquet::errors::ParquetError) -> LoadError {
    match source {
        parquet::errors::ParquetError::External(inner) => {
            match inner.downcast::<std::io::Error>() {
                Ok(source) => LoadError::io("writing", path)(*source),
                Err(other) => LoadError::parquet(format!("writing {}", path.display()))(
                    parquet::errors::ParquetError::External(other),
                ),
            }
        }
        other => LoadError::parquet(format!("writing {}", path.display()))(other),
    }
}

/// A file that knows the hash of what was written to it.
pub(crate) struct HashingFile {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashingFile {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(64 << 10, file),
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// Size and lower-case hex hash of the file.
    pub(crate) fn finish(mut self) -> std::io::Result<(u64, String)> {
        self.file.flush()?;
        Ok((self.bytes, hex(&self.hash.finalize())))
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A schema as it goes into files: every column nullable, no metadata that differs by run.
pub(crate) fn plain_schema(fields: impl IntoIterator<Item = arrow_schema::FieldRef>) -> SchemaRef {
    let fields: Vec<_> = fields
        .into_iter()
        .map(|field| {
            let mut plain = field.as_ref().clone();
            plain.set_nullable(true);
            plain.set_metadata(std::collections::HashMap::new());
            Arc::new(plain)
        })
        .collect();
    Arc::new(arrow_schema::Schema::new(fields))
}
