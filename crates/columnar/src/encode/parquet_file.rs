//! One Parquet file: written, hashed on the way, named by its content.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use sha2::{Digest, Sha256};

use crate::encode::row_group::RowGroup;
use crate::error::{ColumnarError, Result};
use crate::file_access::FileAccess;
use crate::sort::buffered::BatchInterner;
use crate::sort::gather::{Piece, Ranges};

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
    writer: SerializedFileWriter<HashingFile>,
    columns: FileColumns,
    rows: u64,
    interner: BatchInterner,
}

/// The columns that a table's files have, and the memory that one after the other is written in.
pub struct FileColumns {
    root: TypePtr,
    properties: WriterPropertiesPtr,
    group: RowGroup,
    group_rows: u64,
}

impl FileColumns {
    /// For files with the columns of `schema`.
    ///
    /// # Errors
    ///
    /// A column of a type that Parquet does not have.
    pub fn new(
        schema: &SchemaRef,
        mut properties: WriterProperties,
    ) -> parquet::errors::Result<Self> {
        let group_rows = properties.max_row_group_row_count();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let properties = Arc::new(properties);
        let columns = ArrowSchemaConverter::new().convert(schema)?;
        Ok(Self {
            root: columns.root_schema_ptr(),
            group: RowGroup::new(schema, columns.columns(), &properties)?,
            properties,
            group_rows: group_rows.map_or(u64::MAX, |rows| rows.max(1) as u64),
        })
    }
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
        let columns =
            FileColumns::new(schema, properties).map_err(|source| parquet_error(folder, source))?;
        Self::with_columns(folder, columns, access)
    }

    /// A file with the columns of the one before.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn with_columns(
        folder: &Path,
        mut columns: FileColumns,
        access: &FileAccess,
    ) -> Result<Self> {
        access.make_folder(folder)?;
        columns.group.set_folder(folder);
        let path = folder.join("unfinished");
        let file = HashingFile::new(access.create_file(&path)?);
        let writer =
            SerializedFileWriter::new(file, columns.root.clone(), columns.properties.clone())
                .map_err(|source| parquet_error(&path, source))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            path,
            writer,
            columns,
            rows: 0,
            interner: BatchInterner::default(),
        })
    }

    /// Rows written so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows until the row group is full; the next ones begin another.
    pub fn room_in_group(&self) -> u64 {
        self.columns.group_rows - self.columns.group.rows
    }

    /// Writes the rows of a batch with the columns of the file; text may be in dictionaries.
    ///
    /// # Errors
    ///
    /// What the operating system refuses; the file is then of no use.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let doing = || ColumnarError::arrow(format!("writing {}", self.path.display()));
        let buffered = self.interner.buffer(batch).map_err(doing())?;
        let columns: Vec<usize> = (0..buffered.columns.len()).collect();
        let mut start = 0;
        while start < buffered.rows {
            let room = usize::try_from(self.room_in_group()).unwrap_or(usize::MAX);
            let piece = Piece {
                batch: &buffered,
                number: 0,
                start,
                len: room.min(buffered.rows - start),
            };
            self.append(&Ranges::of(std::iter::once(piece)), &columns)?;
            start += piece.len;
        }
        Ok(())
    }

    /// Writes buffered rows, no more than the row group has room for; `columns` are where the file's
    /// columns are in them.
    ///
    /// # Errors
    ///
    /// What the operating system refuses; the file is then of no use.
    pub fn append(&mut self, ranges: &Ranges<'_>, columns: &[usize]) -> Result<()> {
        self.columns
            .group
            .append(ranges, columns)
            .map_err(|source| parquet_error(&self.path, source))?;
        self.rows += ranges.rows as u64;
        if self.room_in_group() == 0 {
            self.end_group()?;
        }
        Ok(())
    }

    fn end_group(&mut self) -> Result<()> {
        self.columns
            .group
            .write(&mut self.writer)
            .map_err(|source| parquet_error(&self.path, source))
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
    pub fn finish_with_columns(mut self) -> Result<(WrittenFile, FileColumns)> {
        self.end_group()?;
        let file = self
            .writer
            .into_inner()
            .map_err(|source| parquet_error(&self.path, source))?;
        let (bytes, sha256) = file
            .finish()
            .map_err(ColumnarError::io("writing", &self.path))?;
        let name = format!("{}.parquet", &sha256[..NAME_DIGITS]);
        let named = self.folder.join(&name);
        std::fs::rename(&self.path, &named).map_err(ColumnarError::io("naming", &named))?;
        let written = WrittenFile {
            name,
            rows: self.rows,
            bytes,
            sha256,
        };
        Ok((written, self.columns))
    }
}

/// A full disk comes wrapped in Parquet's error and is unwrapped here.
fn parquet_error(path: &Path, source: parquet::errors::ParquetError) -> ColumnarError {
    match source {
        parquet::errors::ParquetError::External(inner) => {
            match inner.downcast::<std::io::Error>() {
                Ok(source) => ColumnarError::io("writing", path)(*source),
                Err(other) => ColumnarError::parquet(format!("writing {}", path.display()))(
                    parquet::errors::ParquetError::External(other),
                ),
            }
        }
        other => ColumnarError::parquet(format!("writing {}", path.display()))(other),
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

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
