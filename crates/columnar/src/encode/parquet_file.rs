//! One Parquet file: written, hashed on the way, named by its content.

use claimlake_contract::hex;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use crate::encode::parquet_writer::{FileColumns, ParquetWriter};
use crate::error::{ColumnarError, Result};
use crate::file_access::FileAccess;
use crate::sort::row_ranges::Ranges;

/// A finished file.
#[derive(Debug)]
pub struct WrittenFile {
    /// Its name in its folder, the beginning of its hash.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
}

/// Hex digits of the hash that name a file.
pub const NAME_DIGITS: usize = 32;

/// A file that is being written: row groups of a fixed number of rows, each column chunk compressed as
/// soon as its pages are full. The name it ends with is the beginning of its SHA-256, so the same rows
/// have the same name.
pub struct ParquetFile {
    folder: PathBuf,
    path: PathBuf,
    writer: ParquetWriter<HashingFile>,
}

impl ParquetFile {
    /// Begins a file in `folder`, which is made. Its columns are those of `schema`, all of them nullable
    /// (see [`plain_schema`]).
    ///
    /// # Errors
    ///
    /// What the operating system refuses, and a column of a type that Parquet does not have.
    pub fn create(
        folder: &Path,
        schema: &SchemaRef,
        properties: WriterProperties,
        access: &FileAccess,
    ) -> Result<Self> {
        let columns = FileColumns::new(schema, properties).map_err(ColumnarError::parquet(
            format!("writing {}", folder.display()),
        ))?;
        Self::with_columns(folder, columns, access)
    }

    /// A file with the columns of the one before.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn with_columns(folder: &Path, columns: FileColumns, access: &FileAccess) -> Result<Self> {
        access.make_folder(folder)?;
        let path = folder.join("unfinished");
        let file = HashingFile::new(access.create_file(&path)?);
        let mut writer = ParquetWriter::with_columns(file, path.clone(), columns)?;
        writer.set_spool_folder(folder);
        Ok(Self {
            folder: folder.to_path_buf(),
            path,
            writer,
        })
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.writer.rows()
    }

    /// Rows until the row group is full; the next ones begin another.
    #[must_use]
    pub fn room_in_group(&self) -> u64 {
        self.writer.room_in_group()
    }

    /// Writes the rows of a batch with the columns of the file; text may be in dictionaries.
    ///
    /// # Errors
    ///
    /// What the operating system refuses; the file is then of no use.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch)
    }

    /// Writes buffered rows; see [`ParquetWriter::append`].
    ///
    /// # Errors
    ///
    /// What the operating system refuses; the file is then of no use.
    pub fn append(&mut self, ranges: &Ranges<'_>, columns: &[usize]) -> Result<()> {
        self.writer.append(ranges, columns)
    }

    /// Writes the footer and renames the file after its content.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn finish(self) -> Result<WrittenFile> {
        let (written, _) = self.finish_with_columns()?;
        Ok(written)
    }

    /// [`ParquetFile::finish`], with the columns for another file.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn finish_with_columns(self) -> Result<(WrittenFile, FileColumns)> {
        let rows = self.writer.rows();
        let (file, columns) = self.writer.into_parts()?;
        let (bytes, sha256) = file
            .finish()
            .map_err(ColumnarError::io("writing", &self.path))?;
        let name = format!("{}.parquet", &sha256[..NAME_DIGITS]);
        let named = self.folder.join(&name);
        std::fs::rename(&self.path, &named).map_err(ColumnarError::io("naming", &named))?;
        let written = WrittenFile {
            name,
            rows,
            bytes,
            sha256,
        };
        Ok((written, columns))
    }
}

/// A file that knows the hash of what was written to it.
pub struct HashingFile {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashingFile {
    /// Writes to `file`, through a buffer.
    #[must_use]
    pub fn new(file: File) -> Self {
        Self {
            file: BufWriter::with_capacity(64 << 10, file),
            hash: Sha256::new(),
            bytes: 0,
        }
    }

    /// Size and SHA-256 of the file, in lower-case hex.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn finish(mut self) -> std::io::Result<(u64, String)> {
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

/// A schema as it goes into files: every column nullable, no metadata that differs by run.
#[must_use]
pub fn plain_schema(fields: impl IntoIterator<Item = arrow_schema::FieldRef>) -> SchemaRef {
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
