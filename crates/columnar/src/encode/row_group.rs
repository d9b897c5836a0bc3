//! The columns of a table's files while their rows are put together, row group by row group.

use std::io::Write;
use std::path::Path;

use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::Type;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::column_encoder::{ColumnEncoder, Ends};
use crate::encode::flag_chunk::FlagEncoder;
use crate::encode::number_chunk::NumberEncoder;
use crate::encode::number_rows;
use crate::encode::scratch::Scratch;
use crate::encode::text_chunk::TextEncoder;
use crate::sort::gathered_columns::gather_column;
use crate::sort::row_ranges::Ranges;

/// The rows of a group that show what its columns are like.
const SAMPLE_ROWS: usize = 2_048;

/// A row group that is being put together; its memory is that of the next ones, too.
pub(crate) struct RowGroup {
    columns: Vec<GroupColumn>,
    properties: WriterPropertiesPtr,
    page_rows: usize,
    pub(crate) rows: u64,
    scratch: Scratch,
}

/// One column.
enum GroupColumn {
    Own(Box<dyn ColumnEncoder>),
    /// Lists, and what else is rare; a writer takes one group.
    Other(FieldRef, Option<Box<ArrowColumnWriter>>),
}

impl RowGroup {
    /// Row groups of files with the columns of `schema`, each of which has one leaf.
    pub(crate) fn new(
        schema: &SchemaRef,
        leaves: &[ColumnDescPtr],
        properties: &WriterPropertiesPtr,
    ) -> Result<Self> {
        let mut columns = Vec::with_capacity(leaves.len());
        for (field, leaf) in schema.fields().iter().zip(leaves) {
            let (data_type, leaf, properties) =
                (field.data_type(), leaf.clone(), properties.clone());
            let own: Box<dyn ColumnEncoder> = match (data_type, leaf.physical_type()) {
                (DataType::Utf8, _) => Box::new(TextEncoder::new(leaf, properties)?),
                (DataType::Boolean, _) => Box::new(FlagEncoder::new(leaf, properties)?),
                (number, Type::INT32) if number_rows::takes(number) => {
                    Box::new(NumberEncoder::<i32>::new(number, leaf, properties)?)
                }
                (number, Type::INT64) if number_rows::takes(number) => {
                    Box::new(NumberEncoder::<i64>::new(number, leaf, properties)?)
                }
                _ => {
                    columns.push(GroupColumn::Other(field.clone(), None));
                    continue;
                }
            };
            columns.push(GroupColumn::Own(own));
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
        })
    }

    /// Where pages wait for the end of a row group that is large.
    pub(crate) fn set_folder(&mut self, folder: &Path) {
        self.scratch.page.spool.set_folder(folder);
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

    /// Rows until something ends, and what. It depends on how many rows the group has, and on
    /// nothing else.
    fn room(&self) -> (usize, Ends) {
        let page = self.page_rows - (self.rows % self.page_rows as u64) as usize;
        let sample = SAMPLE_ROWS.saturating_sub(usize::try_from(self.rows).unwrap_or(usize::MAX));
        match sample {
            // Within the first page: a later one keeps what was decided.
            1.. if sample < page && self.rows < self.page_rows as u64 => (sample, Ends::Sample),
            _ => (page, Ends::Page),
        }
    }

    fn append_to_page(&mut self, ranges: &Ranges<'_>, columns: &[usize], ends: Ends) -> Result<()> {
        self.make_other_writers()?;
        let external = |error| ParquetError::External(Box::new(error));
        for (group, column) in self.columns.iter_mut().zip(columns) {
            match group {
                GroupColumn::Own(own) => {
                    own.append(ranges, *column, ends, &mut self.scratch)?;
                }
                GroupColumn::Other(field, writer) => {
                    let values =
                        gather_column(ranges, *column, field.data_type()).map_err(external)?;
                    for leaf in compute_leaves(field, &values)? {
                        if let Some(writer) = writer {
                            writer.write(&leaf)?;
                        }
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
                GroupColumn::Own(own) => {
                    let (close, bytes) = own.close(&mut self.scratch)?;
                    group.append_column(&bytes, close)?;
                    own.clear();
                }
                GroupColumn::Other(_, writer) => {
                    if let Some(writer) = writer.take() {
                        writer.close()?.append_to_row_group(&mut group)?;
                    }
                }
            }
        }
        group.close()?;
        self.scratch.page.spool.clear();
        self.rows = 0;
        Ok(())
    }

    /// Writers of columns that are in no file yet; making them for all columns would cost more
    /// than writing a small file.
    fn make_other_writers(&mut self) -> Result<()> {
        let mut fields = Vec::new();
        for column in &self.columns {
            if let GroupColumn::Other(field, None) = column {
                fields.push(field.clone());
            }
        }
        if fields.is_empty() {
            return Ok(());
        }
        let schema = SchemaRef::new(Schema::new(fields));
        let leaves = ArrowSchemaConverter::new().convert(&schema)?;
        let root = leaves.root_schema_ptr();
        let nowhere = SerializedFileWriter::new(Vec::new(), root, self.properties.clone())?;
        let made = ArrowRowGroupWriterFactory::new(&nowhere, schema).create_column_writers(0)?;
        let mut made = made.into_iter();
        for column in &mut self.columns {
            if let GroupColumn::Other(field, writer @ None) = column {
                let made = made.next().ok_or_else(|| {
                    ParquetError::General(format!("a column of {} has no leaf", field.data_type()))
                })?;
                *writer = Some(Box::new(made));
            }
        }
        Ok(())
    }
}
