//! The columns of a table's files while their rows are put together, row group by row group (Parquet
//! format, "Row group": a column chunk for each column, one behind the other).
//!
//! The places at which samples, blocks and pages end follow from the number of rows that the group has,
//! and from nothing else; that is why the same rows give the same bytes.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::{DataType, SchemaRef};
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::arrow_column::{ArrowColumn, BLOCK_ROWS, make_writers};
use crate::encode::page_spool::PageSpool;
use crate::encode::scratch::Scratch;
use crate::encode::text_chunk::{Ends, TextEncoder};
use crate::sort::row_ranges::Ranges;

/// The number of rows at the beginning of a group by which the encoding of its text columns is
/// decided.
const SAMPLE_ROWS: usize = 2_048;

/// A row group that is being written. Its buffers are reused for the next one.
pub(crate) struct RowGroup {
    columns: Vec<GroupColumn>,
    properties: WriterPropertiesPtr,
    /// The number of rows after which all columns end a page.
    page_rows: usize,
    pub(crate) rows: u64,
    scratch: Scratch,
    /// The finished pages of all columns except those of text.
    spool: Arc<Mutex<PageSpool>>,
}

/// One column.
enum GroupColumn {
    /// Its distinct values are known from sorting, which the `parquet` crate's writer would find
    /// again.
    Text(Box<TextEncoder>),
    Other(ArrowColumn),
}

impl RowGroup {
    /// Row groups of files with the columns of `schema`, each of which has one leaf. `most_text` is
    /// the most bytes of distinct texts that a column holds.
    pub(crate) fn new(
        schema: &SchemaRef,
        leaves: &[ColumnDescPtr],
        properties: &WriterPropertiesPtr,
        most_text: u32,
    ) -> Result<Self> {
        let mut columns = Vec::with_capacity(leaves.len());
        for (field, leaf) in schema.fields().iter().zip(leaves) {
            columns.push(match field.data_type() {
                DataType::Utf8 => {
                    let text = TextEncoder::new(leaf.clone(), properties.clone(), most_text)?;
                    GroupColumn::Text(Box::new(text))
                }
                _ => GroupColumn::Other(ArrowColumn::new(field.clone(), most_text)),
            });
        }
        // All columns have one limit.
        let limit = leaves
            .first()
            .map(|leaf| properties.column_data_page_row_count_limit(leaf.path()));
        Ok(Self {
            columns,
            properties: properties.clone(),
            page_rows: limit.unwrap_or(usize::MAX).max(1),
            rows: 0,
            scratch: Scratch::default(),
            spool: Arc::default(),
        })
    }

    /// Where pages wait for the end of a row group that is large.
    pub(crate) fn set_folder(&mut self, folder: &Path) {
        self.scratch.page.spool.set_folder(folder);
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        spool.set_folder(folder);
    }

    /// Appends rows, however many; `columns` are where the columns of the group are in the rows'
    /// batches.
    pub(crate) fn append(&mut self, ranges: &Ranges<'_>, columns: &[usize]) -> Result<()> {
        let mut start = 0;
        while start < ranges.rows {
            let (room, ends) = self.room();
            let ends = |rows| if rows == room { ends } else { Ends::Nothing };
            if start == 0 && ranges.rows <= room {
                return self.append_to_page(ranges, columns, ends(ranges.rows));
            }
            let len = room.min(ranges.rows - start);
            self.append_to_page(&ranges.slice(start, len), columns, ends(len))?;
            start += len;
        }
        Ok(())
    }

    /// How many rows until something ends, and what ends then. This depends on the number of rows
    /// in the group and on nothing else.
    fn room(&self) -> (usize, Ends) {
        let page = self.page_rows - (self.rows % self.page_rows as u64) as usize;
        let sample = SAMPLE_ROWS.saturating_sub(usize::try_from(self.rows).unwrap_or(usize::MAX));
        match sample {
            // Within the first page: a later one keeps what was decided.
            1.. if sample < page && self.rows < self.page_rows as u64 => (sample, Ends::Sample),
            _ => (page, Ends::Page),
        }
    }

    /// Appends rows that do not go beyond the end of the page or sample; `ends` says whether they
    /// reach it.
    fn append_to_page(&mut self, ranges: &Ranges<'_>, columns: &[usize], ends: Ends) -> Result<()> {
        self.make_writers()?;
        for (group, column) in self.columns.iter_mut().zip(columns) {
            if let GroupColumn::Text(text) = group {
                text.append(ranges, *column, ends, &mut self.scratch)?;
            }
        }
        let mut start = 0;
        while start < ranges.rows {
            let in_page = (self.rows + start as u64) % self.page_rows as u64;
            let room = BLOCK_ROWS - in_page as usize % BLOCK_ROWS;
            let len = room.min(ranges.rows - start);
            let block = ranges.slice(start, len);
            start += len;
            let is_full = len == room || (ends == Ends::Page && start == ranges.rows);
            for (group, column) in self.columns.iter_mut().zip(columns) {
                if let GroupColumn::Other(other) = group {
                    other.append(&block, *column)?;
                    if is_full {
                        other.end_block()?;
                    }
                }
            }
        }
        self.rows += ranges.rows as u64;
        Ok(())
    }

    /// Writes the row group behind the others of a file, if it has rows; the next one begins.
    pub(crate) fn write<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = file.next_row_group()?;
        for column in &mut self.columns {
            match column {
                GroupColumn::Text(text) => {
                    let (close, bytes) = text.close(&mut self.scratch)?;
                    group.append_column(&bytes, close)?;
                    text.clear();
                }
                GroupColumn::Other(other) => other.write(&mut group)?,
            }
        }
        group.close()?;
        self.scratch.page.spool.clear();
        let mut spool = self.spool.lock().unwrap_or_else(PoisonError::into_inner);
        spool.clear();
        drop(spool);
        self.rows = 0;
        Ok(())
    }

    /// Writers for the columns of a row group that begins.
    fn make_writers(&mut self) -> Result<()> {
        let columns = self.columns.iter_mut().filter_map(|column| match column {
            GroupColumn::Other(other) if other.needs_writer() => Some(other),
            _ => None,
        });
        let mut columns = columns.peekable();
        match columns.peek() {
            Some(_) => make_writers(columns, &self.properties, &self.spool),
            None => Ok(()),
        }
    }
}
