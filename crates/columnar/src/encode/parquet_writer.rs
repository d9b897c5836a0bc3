//! A Parquet file to any writer: row groups of a fixed number of rows (Parquet format, "File
//! format").

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;

use crate::encode::row_group::RowGroup;
use crate::error::{ColumnarError, Result};
use crate::sort::buffered::BatchInterner;
use crate::sort::row_ranges::{Piece, Ranges};
use crate::sort::text_limit::MOST_TEXT;

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
    pub fn new(schema: &SchemaRef, properties: WriterProperties) -> parquet::errors::Result<Self> {
        Self::with_most_text(schema, properties, MOST_TEXT)
    }

    /// The same, with columns that hold at most so many bytes of text.
    pub(crate) fn with_most_text(
        schema: &SchemaRef,
        mut properties: WriterProperties,
        most_text: u32,
    ) -> parquet::errors::Result<Self> {
        let group_rows = properties.max_row_group_row_count();
        add_encoded_arrow_schema_to_metadata(schema, &mut properties);
        let properties = Arc::new(properties);
        let columns = ArrowSchemaConverter::new().convert(schema)?;
        Ok(Self {
            root: columns.root_schema_ptr(),
            group: RowGroup::new(schema, columns.columns(), &properties, most_text)?,
            properties,
            group_rows: group_rows.map_or(u64::MAX, |rows| rows.max(1) as u64),
        })
    }
}

/// Writes rows to a file, a pipe or a buffer; the bytes follow from the rows alone, however they
/// were batched.
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{ArrayRef, Int64Array, RecordBatch};
/// use claimlake_columnar::ParquetWriter;
/// use claimlake_columnar::encode::properties::properties;
/// use claimlake_contract::BloomColumns;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lines: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// let rows = RecordBatch::try_from_iter_with_nullable([("line", lines, true)])?;
/// let write = |batches: &[RecordBatch]| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
///     let mut bytes = Vec::new();
///     let options = properties(&rows.schema(), &[], &BloomColumns::default(), 122_880)?;
///     let mut writer = ParquetWriter::new(&mut bytes, &rows.schema(), options)?;
///     for batch in batches {
///         writer.write(batch)?;
///     }
///     writer.finish()?;
///     Ok(bytes)
/// };
/// assert_eq!(write(&[rows.clone()])?, write(&[rows.slice(0, 1), rows.slice(1, 2)])?);
/// # Ok(())
/// # }
/// ```
///
/// Finished pages of the open row group stay in memory unless
/// [`set_spool_folder`](Self::set_spool_folder) names a place for them.
pub struct ParquetWriter<W: Write + Send> {
    /// The path that errors name.
    path: PathBuf,
    writer: SerializedFileWriter<W>,
    columns: FileColumns,
    rows: u64,
    interner: BatchInterner,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// A file with the columns of `schema`, all of them nullable.
    ///
    /// # Errors
    ///
    /// What `to` refuses, a text column that is not nullable, and a column of a type that Parquet does not
    /// have.
    pub fn new(to: W, schema: &SchemaRef, properties: WriterProperties) -> Result<Self> {
        let path = Path::new("Parquet");
        let columns =
            FileColumns::new(schema, properties).map_err(|source| parquet_error(path, source))?;
        Self::with_columns(to, path.to_path_buf(), columns)
    }

    /// A file with the columns of the one before; errors name `path`.
    pub(crate) fn with_columns(to: W, path: PathBuf, columns: FileColumns) -> Result<Self> {
        let (root, properties) = (columns.root.clone(), columns.properties.clone());
        let writer = SerializedFileWriter::new(to, root, properties)
            .map_err(|source| parquet_error(&path, source))?;
        Ok(Self {
            path,
            writer,
            columns,
            rows: 0,
            interner: BatchInterner::default(),
        })
    }

    /// Pages wait in an anonymous file in `folder` until their row group ends, instead of in
    /// memory.
    pub fn set_spool_folder(&mut self, folder: &Path) {
        self.columns.group.set_folder(folder);
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
        let operation = || ColumnarError::arrow(format!("writing {}", self.path.display()));
        let buffered = self.interner.buffer(batch).map_err(operation())?;
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

    /// Writes the last row group and the footer.
    ///
    /// # Errors
    ///
    /// What the writer refuses.
    pub fn finish(self) -> Result<()> {
        let (mut to, _) = self.into_parts()?;
        to.flush()
            .map_err(ColumnarError::io("writing", Path::new("Parquet")))
    }

    /// [`ParquetWriter::finish`]: what was written to, and the columns for another file.
    pub(crate) fn into_parts(mut self) -> Result<(W, FileColumns)> {
        self.end_group()?;
        let to = self
            .writer
            .into_inner()
            .map_err(|source| parquet_error(&self.path, source))?;
        Ok((to, self.columns))
    }
}

/// A full disk comes wrapped in Parquet's error and is unwrapped here.
fn parquet_error(path: &Path, source: ParquetError) -> ColumnarError {
    match source {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(source) => ColumnarError::io("writing", path)(*source),
            Err(other) => ColumnarError::parquet(format!("writing {}", path.display()))(
                ParquetError::External(other),
            ),
        },
        other => ColumnarError::parquet(format!("writing {}", path.display()))(other),
    }
}
