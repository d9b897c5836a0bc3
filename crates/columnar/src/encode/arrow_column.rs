//! Columns of numbers, dates, booleans, decimals and lists, which the `parquet` crate's own writer
//! encodes (Parquet format, "Encodings").
//!
//! That writer decides where pages and dictionaries end after each call, so its output depends on
//! the size of the batches that it is given. It is therefore given blocks of a fixed number of
//! rows, and the bytes depend on the rows alone.

use std::io::Write;
use std::sync::{Arc, Mutex};

use arrow_array::{Array, ArrayRef, make_array};
use arrow_data::ArrayData;
use arrow_schema::{FieldRef, Schema, SchemaRef};
use arrow_select::concat::concat;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};

use crate::encode::page_spool::PageSpool;
use crate::encode::page_store::SpoolFactory;
use crate::sort::buffered::buffered_type;
use crate::sort::gathered_columns::gather_column;
use crate::sort::row_ranges::Ranges;
use crate::sort::text_limit::list_text_bytes;

/// The number of rows in a block, counted from the first row of a page.
pub(crate) const BLOCK_ROWS: usize = 4_096;

/// A column of the row group that is being written.
pub(crate) struct ArrowColumn {
    field: FieldRef,
    /// A writer takes one row group.
    writer: Option<Box<ArrowColumnWriter>>,
    /// The rows of the unfinished block.
    waiting: Vec<ArrayRef>,
    /// Their bytes of text, in a column of lists.
    waiting_text: usize,
    /// A block ends before the row that would bring more text.
    most_text: u32,
}

impl ArrowColumn {
    pub(crate) fn new(field: FieldRef, most_text: u32) -> Self {
        Self {
            field,
            writer: None,
            waiting: Vec::new(),
            waiting_text: 0,
            most_text,
        }
    }

    /// Whether the row group has no writer for the column yet.
    pub(crate) fn needs_writer(&self) -> bool {
        self.writer.is_none()
    }

    /// Appends rows of one block.
    ///
    /// # Errors
    ///
    /// The rows have another type. It is not cast: a decimal with another scale would be another
    /// amount.
    pub(crate) fn append(&mut self, ranges: &Ranges<'_>, column: usize) -> Result<()> {
        let expected = buffered_type(self.field.data_type());
        let mut arrays = ranges.arrays(column).into_iter().flatten();
        if !expected.is_nested()
            && let Some(other) = arrays.find(|array| *array.data_type() != expected)
        {
            let (found, wanted) = (other.data_type(), self.field.data_type());
            return Err(ParquetError::General(format!(
                "a column of {found} is not one of {wanted}"
            )));
        }
        let text = list_text_bytes(ranges, column);
        if self.has_room(text) {
            return self.take(ranges, column, text);
        }
        // Row by row, so that the blocks do not depend on how the rows come.
        for row in 0..ranges.rows {
            let row = ranges.slice(row, 1);
            let text = list_text_bytes(&row, column);
            if !self.has_room(text) {
                self.end_block()?;
            }
            self.take(&row, column, text)?;
        }
        Ok(())
    }

    /// Whether rows with so many bytes of text fit in the block.
    fn has_room(&self, text: usize) -> bool {
        self.waiting_text.saturating_add(text) <= self.most_text as usize
    }

    fn take(&mut self, ranges: &Ranges<'_>, column: usize, text: usize) -> Result<()> {
        let values = gather_column(ranges, column, self.field.data_type())
            .map_err(|error| ParquetError::External(Box::new(error)))?;
        self.waiting.push(values);
        self.waiting_text += text;
        Ok(())
    }

    /// Encodes the block that was appended.
    pub(crate) fn end_block(&mut self) -> Result<()> {
        let values = match self.waiting.as_slice() {
            [] => return Ok(()),
            [one] => one.clone(),
            several => {
                let several: Vec<&dyn Array> = several.iter().map(AsRef::as_ref).collect();
                concat(&several)?
            }
        };
        self.waiting.clear();
        self.waiting_text = 0;
        let values = match without_idle_nulls(&values.to_data())? {
            Some(values) => make_array(values),
            None => values,
        };
        for leaf in compute_leaves(&self.field, &values)? {
            let writer = self.writer.as_mut().ok_or_else(without_writer)?;
            writer.write(&leaf)?;
        }
        Ok(())
    }

    /// Ends the column chunk and appends it to the row group.
    pub(crate) fn write<W: Write + Send>(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<()> {
        self.end_block()?;
        let writer = self.writer.take().ok_or_else(without_writer)?;
        writer.close()?.append_to_row_group(group)
    }
}

/// The error for a call out of order; it cannot occur.
fn without_writer() -> ParquetError {
    ParquetError::General("the row group has no writer for the column".to_owned())
}

/// Gives each of `columns` a writer for the next row group, whose finished pages are kept in
/// `spool`.
pub(crate) fn make_writers<'c>(
    columns: impl Iterator<Item = &'c mut ArrowColumn>,
    properties: &WriterPropertiesPtr,
    spool: &Arc<Mutex<PageSpool>>,
) -> Result<()> {
    let columns: Vec<&mut ArrowColumn> = columns.collect();
    let fields: Vec<FieldRef> = columns.iter().map(|column| column.field.clone()).collect();
    let schema = SchemaRef::new(Schema::new(fields));
    let leaves = ArrowSchemaConverter::new().convert(&schema)?;
    let root = leaves.root_schema_ptr();
    let nowhere = SerializedFileWriter::new(Vec::new(), root, properties.clone())?;
    let made = ArrowRowGroupWriterFactory::new(&nowhere, schema)
        .with_page_store_factory(Arc::new(SpoolFactory(spool.clone())))
        .create_column_writers(0)?;
    if made.len() != columns.len() {
        return Err(ParquetError::General(
            "a column has none or several leaves".to_owned(),
        ));
    }
    for (column, writer) in columns.into_iter().zip(made) {
        column.writer = Some(Box::new(writer));
    }
    Ok(())
}

/// Removes a validity buffer in which every value is valid; `None` if there is none to remove. The
/// `parquet` crate's writer splits blocks differently if there is such a buffer.
fn without_idle_nulls(values: &ArrayData) -> Result<Option<ArrayData>> {
    let mut changes = values.nulls().is_some_and(|nulls| nulls.null_count() == 0);
    let nulls = values.nulls().filter(|_| !changes).cloned();
    let mut children = Vec::with_capacity(values.child_data().len());
    for child in values.child_data() {
        let changed = without_idle_nulls(child)?;
        changes |= changed.is_some();
        children.push(changed.unwrap_or_else(|| child.clone()));
    }
    let changed = values.clone().into_builder().nulls(nulls);
    match changes {
        true => Ok(Some(changed.child_data(children).build()?)),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{Decimal128Array, Int32Array, Int64Array, RecordBatch};
    use arrow_schema::{DataType, Field};
    use parquet::file::properties::WriterProperties;

    use super::*;
    use crate::encode::parquet_writer::ParquetWriter;
    use crate::sort::buffered::BatchInterner;
    use crate::sort::row_ranges::Piece;

    #[test]
    fn a_block_of_lists_ends_before_its_text_exceeds_the_limit() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for text in ["four", "4444", "four", "twelve bytes", "four", "four"] {
            lists.values().append_value(text);
            lists.append(true);
        }
        let batch = RecordBatch::try_from_iter([("list", Arc::new(lists.finish()) as ArrayRef)]);
        let batch = batch.unwrap();
        let buffered = BatchInterner::default().buffer(&batch).unwrap();
        // Blocks of 8, 4, 12 (more than the limit, but one row) and 8 bytes.
        for (rows, waiting) in [(2, 8), (3, 4), (4, 12), (5, 4), (6, 8)] {
            let mut column = ArrowColumn::new(batch.schema().fields()[0].clone(), 10);
            let properties = Arc::new(WriterProperties::default());
            make_writers([&mut column].into_iter(), &properties, &Arc::default()).unwrap();
            let piece = Piece {
                batch: &buffered,
                number: 0,
                start: 0,
                len: rows,
            };
            column
                .append(&Ranges::of(std::iter::once(piece)), 0)
                .unwrap();
            assert_eq!(column.waiting_text, waiting, "{rows} rows");
        }
    }

    #[test]
    fn rows_of_another_type_are_an_error_not_another_amount() {
        let amount = |scale| {
            let amounts = Decimal128Array::from(vec![12_345]);
            Arc::new(amounts.with_precision_and_scale(18, scale).unwrap()) as ArrayRef
        };
        let long = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let int = Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let cases = [
            (DataType::Decimal128(18, 2), amount(2), true),
            (DataType::Decimal128(18, 2), amount(4), false),
            (DataType::Int64, long, true),
            (DataType::Int64, int, false),
        ];
        for (wanted, values, is_right) in cases {
            let schema = SchemaRef::new(Schema::new(vec![Field::new("a", wanted.clone(), true)]));
            let field = Field::new("a", values.data_type().clone(), true);
            let of_batch = SchemaRef::new(Schema::new(vec![field]));
            let batch = RecordBatch::try_new(of_batch, vec![values]).unwrap();
            let mut writer =
                ParquetWriter::new(Vec::new(), &schema, WriterProperties::default()).unwrap();
            let written = writer
                .write(&batch)
                .and_then(|()| writer.finish().map(|_| ()));
            assert_eq!(written.is_ok(), is_right, "{wanted}: {written:?}");
        }
    }
}
