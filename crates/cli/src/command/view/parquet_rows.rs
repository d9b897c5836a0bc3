//! Rows as one Parquet file, typed as a table of the lake would be.

use std::io::Write;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema, SchemaRef};
use claimlake_columnar::ParquetWriter;
use claimlake_columnar::encode::properties::properties;
use claimlake_contract::BloomColumns;
use claimlake_viewdef::column::{
    Cell, ColumnBuilder, Scratch, TextBuffers, arrow_type, cell_of_json,
};
use claimlake_viewdef::definition::{ColumnType, ViewDefinition};
use serde_json::Value;

use crate::failure::Outcome;

/// Rows that wait in memory before they are written.
const BATCH_ROWS: usize = 8192;

/// As in the files of the lake; a row group waits in memory.
const ROW_GROUP_ROWS: usize = 122_880;

/// Writes rows into one Parquet file.
pub(super) struct ParquetRows<'a, W: Write + Send> {
    view: &'a ViewDefinition,
    types: Vec<ColumnType>,
    schema: SchemaRef,
    builders: Vec<ColumnBuilder>,
    waiting: usize,
    writer: ParquetWriter<W>,
}

impl<'a, W: Write + Send> ParquetRows<'a, W> {
    pub(super) fn new(to: W, view: &'a ViewDefinition) -> Outcome<Self> {
        let columns = view.columns();
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(&column.name, arrow_type(column.column_type), true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = properties(&schema, &[], &BloomColumns::default(), ROW_GROUP_ROWS)?;
        Ok(Self {
            types: columns.iter().map(|column| column.column_type).collect(),
            builders: builders(view),
            waiting: 0,
            writer: ParquetWriter::new(to, &schema, properties)?,
            schema,
            view,
        })
    }

    /// A value that the column's type does not hold is null, as in a table.
    pub(super) fn write(&mut self, row: &[Value]) -> Outcome<()> {
        let mut scratch = Scratch::default();
        for ((builder, column_type), value) in self.builders.iter_mut().zip(&self.types).zip(row) {
            let cell = cell_of_json(column_type.scalar, value, &mut scratch).unwrap_or(Cell::Null);
            let texts = TextBuffers {
                buffer: &[],
                scratch: &scratch,
            };
            builder.extend_repeated(cell, 1, texts);
        }
        self.waiting += 1;
        if self.waiting == BATCH_ROWS {
            self.write_batch()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Outcome<()> {
        self.write_batch()?;
        self.writer.finish()?;
        Ok(())
    }

    fn write_batch(&mut self) -> Outcome<()> {
        if self.waiting == 0 {
            return Ok(());
        }
        let mut full = std::mem::replace(&mut self.builders, builders(self.view));
        let columns: Vec<ArrayRef> = full
            .iter_mut()
            .map(ColumnBuilder::finish)
            .collect::<Result<_, _>>()?;
        self.writer
            .write(&RecordBatch::try_new(Arc::clone(&self.schema), columns)?)?;
        self.waiting = 0;
        Ok(())
    }
}

fn builders(view: &ViewDefinition) -> Vec<ColumnBuilder> {
    let columns = view.columns();
    columns
        .iter()
        .map(|column| ColumnBuilder::new(column.column_type))
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Decimal128Type;
    use arrow_array::{Array, RecordBatch};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_of_several_batches_are_read_again() {
        let view = json!({"resourceType": "ViewDefinition", "resource": "Patient", "status": "active",
            "name": "rows", "select": [{"column": [
                {"name": "text", "path": "id", "type": "string"},
                {"name": "amount", "path": "extension.value.ofType(decimal)", "type": "decimal",
                    "tag": [{"name": "ansi/type", "value": "DECIMAL(18,2)"}]},
                {"name": "names", "path": "name.family", "type": "string", "collection": true}]}]});
        let view = ViewDefinition::from_text(&view.to_string()).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut rows = ParquetRows::new(file.reopen().unwrap(), &view).unwrap();
        let amount: Value = serde_json::from_str("-5.10").unwrap();
        for row in 0..=BATCH_ROWS {
            let text = match row {
                1 => Value::Null,
                _ => json!(format!("row {row}")),
            };
            rows.write(&[text, amount.clone(), json!(["a", "b"])])
                .unwrap();
        }
        rows.finish().unwrap();

        let read = ParquetRecordBatchReaderBuilder::try_new(file.reopen().unwrap()).unwrap();
        let read: Vec<RecordBatch> = read.build().unwrap().map(Result::unwrap).collect();
        let count: usize = read.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(count, BATCH_ROWS + 1);
        let texts = read[0].column(0).as_string::<i32>();
        assert!(texts.value(0) == "row 0" && texts.is_null(1) && texts.value(2) == "row 2");
        let amounts = read[0].column(1).as_primitive::<Decimal128Type>();
        assert_eq!(amounts.value(0), -510);
        let names = read[0].column(2).as_list::<i32>().value(0);
        let names: Vec<&str> = names.as_string::<i32>().iter().flatten().collect();
        assert_eq!(names, ["a", "b"]);
        let texts = read[read.len() - 1].column(0).as_string::<i32>();
        assert_eq!(texts.value(texts.len() - 1), "row 8192");
    }
}
