//! One row group of a Parquet file: its columns while they are put together.

use std::io::Write;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::text_chunk::PlainTexts;
use crate::encode::{number_chunk, text_chunk};
use crate::sort::gather::{Ranges, gather_column, gather_text};
use crate::sort::text_column::TextColumn;

/// A row group that is being put together.
pub(crate) struct RowGroup {
    columns: Vec<GroupColumn>,
    pub(crate) rows: u64,
}

/// One column, and where its rows are until the group ends.
enum GroupColumn {
    /// Text with few distinct values.
    Text(TextColumn),
    /// Text with many.
    ManyTexts(Box<PlainTexts>),
    Numbers(DataType, Vec<ArrayRef>),
    /// Lists, and what else is rare.
    Other(FieldRef, Box<ArrowColumnWriter>),
}

impl RowGroup {
    /// A row group of a file with the columns of `schema`, each of which has one leaf.
    pub(crate) fn new(
        schema: &SchemaRef,
        leaves: &[ColumnDescPtr],
        properties: &WriterPropertiesPtr,
    ) -> Result<Self> {
        let is_other = |field: &FieldRef| {
            *field.data_type() != DataType::Utf8 && !number_chunk::takes(field.data_type())
        };
        let others: Vec<FieldRef> = schema
            .fields()
            .iter()
            .filter(|f| is_other(f))
            .cloned()
            .collect();
        let mut writers = writers_of(others, properties)?.into_iter();
        let mut columns = Vec::with_capacity(leaves.len());
        for field in schema.fields() {
            columns.push(match field.data_type() {
                DataType::Utf8 => GroupColumn::Text(TextColumn::default()),
                data_type if number_chunk::takes(data_type) => {
                    GroupColumn::Numbers(data_type.clone(), Vec::new())
                }
                other => {
                    let writer = writers.next().ok_or_else(|| {
                        ParquetError::General(format!("a column of {other} has no leaf"))
                    })?;
                    GroupColumn::Other(field.clone(), Box::new(writer))
                }
            });
        }
        Ok(Self { columns, rows: 0 })
    }

    /// Appends rows; `columns` are where the columns of the group stand in the rows' batches.
    pub(crate) fn append(
        &mut self,
        ranges: &Ranges<'_>,
        columns: &[usize],
        leaves: &[ColumnDescPtr],
        properties: &WriterPropertiesPtr,
    ) -> Result<()> {
        let columns = self.columns.iter_mut().zip(columns);
        for ((group, column), leaf) in columns.zip(leaves) {
            group.append(ranges, *column)?;
            if let GroupColumn::Text(texts) = group
                && texts.dictionary_bytes()
                    > properties.column_dictionary_page_size_limit(leaf.path())
            {
                let mut plain = PlainTexts::new(leaf.clone(), properties.clone())?;
                plain.append(&texts.take()?)?;
                *group = GroupColumn::ManyTexts(Box::new(plain));
            }
        }
        self.rows += ranges.rows as u64;
        Ok(())
    }

    /// Writes the row group behind the others of a file.
    pub(crate) fn write<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let properties = file.properties().clone();
        let leaves = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for (column, leaf) in self.columns.into_iter().zip(leaves) {
            let chunk = match column {
                GroupColumn::Text(texts) => text_chunk::encode(&texts, leaf, properties.clone())?,
                GroupColumn::ManyTexts(plain) => plain.close()?,
                GroupColumn::Numbers(_, rows) => {
                    number_chunk::encode(&rows, leaf, properties.clone())?
                }
                GroupColumn::Other(_, writer) => {
                    writer.close()?.append_to_row_group(&mut group)?;
                    continue;
                }
            };
            group.append_column(&chunk.bytes, chunk.close)?;
        }
        group.close()?;
        Ok(())
    }
}

impl GroupColumn {
    fn append(&mut self, ranges: &Ranges<'_>, column: usize) -> Result<()> {
        let external = |error| ParquetError::External(Box::new(error));
        match self {
            GroupColumn::Text(texts) => texts.append(ranges, column),
            GroupColumn::ManyTexts(plain) => {
                plain.append(&gather_text(ranges, column)?)?;
            }
            GroupColumn::Numbers(data_type, rows) => {
                rows.push(gather_column(ranges, column, data_type).map_err(external)?);
            }
            GroupColumn::Other(field, writer) => {
                let values = gather_column(ranges, column, field.data_type()).map_err(external)?;
                for leaf in compute_leaves(field, &values)? {
                    writer.write(&leaf)?;
                }
            }
        }
        Ok(())
    }
}

/// Writers of columns that stand in no file yet; making them for all columns would cost more than
/// writing a small file.
fn writers_of(
    fields: Vec<FieldRef>,
    properties: &WriterPropertiesPtr,
) -> Result<Vec<ArrowColumnWriter>> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    let schema = SchemaRef::new(Schema::new(fields));
    let leaves = ArrowSchemaConverter::new().convert(&schema)?;
    let nowhere =
        SerializedFileWriter::new(Vec::new(), leaves.root_schema_ptr(), properties.clone())?;
    ArrowRowGroupWriterFactory::new(&nowhere, schema).create_column_writers(0)
}
