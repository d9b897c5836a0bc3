//! Sorted spans to files: a new file for each partition and whenever one is full. One is open.

use std::path::PathBuf;

use arrow_schema::SchemaRef;
use parquet::file::properties::WriterProperties;

use crate::encode::parquet_file::{ParquetFile, plain_schema};
use crate::encode::parquet_writer::FileColumns;
use crate::encode::properties::CHUNK_ROWS;
use crate::error::{ColumnarError, Result};
use crate::file_access::FileAccess;
use crate::group_key::GroupKey;
use crate::sort::row_ranges::Ranges;
use crate::sort::spans::SpanRef;
use crate::sort::table_shape::TableShape;
use crate::sort::text_limit::MOST_TEXT;

/// Resources whose rows are written at once: rows of many lie in as many places, all of which stay in memory
/// until then.
const CHUNK_RESOURCES: usize = 1_024;

/// Where and how a table's files are written.
#[derive(Debug, Clone)]
pub struct FilePlan {
    /// The folder that the table's folder is in.
    pub snapshot: PathBuf,
    /// Of each file; see [`crate::encode::properties::properties`].
    pub properties: WriterProperties,
    /// Rows a file ends at.
    pub file_rows: u64,
    /// Who may read the files.
    pub access: FileAccess,
}

/// Writes the files of one table.
///
/// Spans come sorted by partition, so that one file is open at a time. [`push`](Self::push) takes
/// them; [`finish`](Self::finish) closes the last file and names all of them in the order of their
/// rows. Where a table must have a file though it has no row, [`write_empty`](Self::write_empty) comes in
/// between. A file ends at [`FilePlan::file_rows`], a row group at the rows that its properties name, both counted
/// from the first row of the partition: neither depends on the spans.
pub struct PartitionedWriter {
    shape: TableShape,
    plan: FilePlan,
    file_schema: SchemaRef,
    file_columns: Vec<usize>,
    /// What the file before was written with.
    columns: Option<FileColumns>,
    open: Option<OpenFile>,
    /// Spans of the open file that are not written yet: the first row of each and how many.
    pending: Vec<(SpanRef, usize, usize)>,
    pending_rows: usize,
    /// About their bytes of text: blocks of long texts have few rows, and all blocks that rows wait
    /// in stay in memory.
    pending_text: usize,
    /// The most bytes of text that wait, and that a column of a file holds.
    most_text: u32,
    /// How many resources have their first rows among the pending ones.
    pending_resources: usize,
    /// The resource of the last row.
    last: Option<GroupKey>,
    files: Vec<PlacedFile>,
}

/// A finished file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedFile {
    /// Below the folder of [`FilePlan`]: `eob/eob_type=CARRIER/service_year=2024/<hash>.parquet`.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hex.
    pub sha256: String,
}

struct OpenFile {
    /// `eob/eob_type=CARRIER/service_year=2024`, relative to the snapshot.
    folder: String,
    partition: String,
    file: ParquetFile,
}

impl PartitionedWriter {
    /// Writes a table of this shape as `plan` says.
    #[must_use]
    pub fn new(shape: TableShape, plan: FilePlan) -> Self {
        Self::with_most_text(shape, plan, MOST_TEXT)
    }

    /// The same, with at most about so many bytes of text in memory.
    pub(crate) fn with_most_text(shape: TableShape, plan: FilePlan, most_text: u32) -> Self {
        let file_columns: Vec<usize> = (0..shape.schema.fields().len())
            .filter(|column| !shape.partition.contains(column))
            .collect();
        let file_schema = plain_schema(
            file_columns
                .iter()
                .map(|column| shape.schema.fields()[*column].clone()),
        );
        Self {
            shape,
            plan,
            file_schema,
            file_columns,
            columns: None,
            open: None,
            pending: Vec::new(),
            pending_rows: 0,
            pending_text: 0,
            most_text,
            pending_resources: 0,
            last: None,
            files: Vec::new(),
        }
    }

    /// Takes the next span; spans of a partition come one after the other.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn push(&mut self, span: SpanRef, partition: &str) -> Result<()> {
        let other_partition = self
            .open
            .as_ref()
            .is_some_and(|open| open.partition != partition);
        if other_partition {
            self.close()?;
        }
        let rows = span.span().rows;
        if self.last != Some(rows.resource) {
            if self.pending_resources == CHUNK_RESOURCES {
                self.flush()?;
            }
            self.pending_resources += 1;
            self.last = Some(rows.resource);
        }
        let mut from = 0;
        while from < rows.len {
            let file_rows = self.plan.file_rows;
            let pending_rows = self.pending_rows as u64;
            let open = self.opened(partition)?;
            let room = CHUNK_ROWS as u64 - pending_rows;
            let left = file_rows - open.file.rows() - pending_rows;
            let in_group = open.file.room_in_group() - pending_rows;
            let len = room.min(left).min(in_group).min((rows.len - from) as u64) as usize;
            self.pending.push((span.clone(), from, len));
            self.pending_rows += len;
            self.pending_text += span.text_bytes_of(len);
            from += len;
            let is_full = len as u64 == left;
            if is_full
                || len as u64 == in_group
                || self.pending_rows == CHUNK_ROWS
                || self.pending_text > self.most_text as usize
            {
                self.flush()?;
            }
            if is_full {
                self.close()?;
            }
        }
        Ok(())
    }

    /// Whether no file was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The files, in the order of their rows.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn finish(mut self) -> Result<Vec<PlacedFile>> {
        self.close()?;
        Ok(self.files)
    }

    /// Writes a file without rows, that readers find the table's columns in. Its folders have values,
    /// so that readers find the types of the partition columns, too.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn write_empty(&mut self) -> Result<()> {
        let partition = self.shape.partition_path(std::iter::repeat(None));
        self.opened(&partition)?;
        self.close()
    }

    fn opened(&mut self, partition: &str) -> Result<&mut OpenFile> {
        if self.open.is_none() {
            let folder = if partition.is_empty() {
                self.shape.name.clone()
            } else {
                format!("{}/{partition}", self.shape.name)
            };
            let in_snapshot = self.plan.snapshot.join(&folder);
            let columns = match self.columns.take() {
                Some(columns) => columns,
                None => self
                    .new_columns()
                    .map_err(ColumnarError::parquet(format!("writing {folder}")))?,
            };
            let file = ParquetFile::with_columns(&in_snapshot, columns, &self.plan.access)?;
            self.open = Some(OpenFile {
                folder,
                partition: partition.to_owned(),
                file,
            });
        }
        match &mut self.open {
            Some(open) => Ok(open),
            None => Err(ColumnarError::Layout {
                table: self.shape.name.clone(),
                reason: "no file is open".to_owned(),
            }),
        }
    }

    fn new_columns(&self) -> parquet::errors::Result<FileColumns> {
        let properties = self.plan.properties.clone();
        FileColumns::with_most_text(&self.file_schema, properties, self.most_text)
    }

    fn flush(&mut self) -> Result<()> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        if self.pending.is_empty() {
            return Ok(());
        }
        let pieces = self.pending.iter();
        let pieces = pieces.map(|(span, from, len)| span.piece(*from, *len));
        open.file.append(&Ranges::of(pieces), &self.file_columns)?;
        self.pending.clear();
        self.pending_rows = 0;
        self.pending_text = 0;
        // The last one's rows may go on: whether they come in one piece or in two is all the same.
        // The last resource may have further rows: it makes no difference whether they come in one
        // piece or in two.
        self.pending_resources = 0;
        Ok(())
    }

    /// Finishes the file that is open.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn close(&mut self) -> Result<()> {
        self.flush()?;
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let (written, columns) = open.file.finish_with_columns()?;
        self.columns = Some(columns);
        let path = format!("{}/{}", open.folder, written.name);
        self.files.push(PlacedFile {
            path,
            rows: written.rows,
            bytes: written.bytes,
            sha256: written.sha256,
        });
        Ok(())
    }
}
