//! Rows as one Parquet file, typed as a table of the lake would be.

use std::io::Write;

use claimlake_columnar::ParquetWriter;
use claimlake_columnar::encode::properties::properties;
use claimlake_contract::BloomColumns;
use claimlake_viewdef::column::JsonRows;
use claimlake_viewdef::definition::ViewDefinition;
use serde_json::Value;

use crate::failure::Outcome;

/// Rows that wait in memory before they are written.
const BATCH_ROWS: usize = 8192;

/// As in the files of the lake; a row group waits in memory.
const ROW_GROUP_ROWS: usize = 122_880;

/// Writes rows into one Parquet file.
pub(super) struct ParquetRows<W: Write + Send> {
    rows: JsonRows,
    writer: ParquetWriter<W>,
}

impl<W: Write + Send> ParquetRows<W> {
    pub(super) fn new(to: W, view: &ViewDefinition) -> Outcome<Self> {
        let rows = JsonRows::new(view);
        let schema = rows.schema();
        let properties = properties(schema, &[], &BloomColumns::default(), ROW_GROUP_ROWS)?;
        Ok(Self {
            writer: ParquetWriter::new(to, schema, properties)?,
            rows,
        })
    }

    pub(super) fn write(&mut self, row: &[Value]) -> Outcome<()> {
        self.rows.push(row);
        match self.rows.len() == BATCH_ROWS {
            true => self.write_batch(),
            false => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> Outcome<()> {
        self.write_batch()?;
        self.writer.finish()?;
        Ok(())
    }

    fn write_batch(&mut self) -> Outcome<()> {
        if !self.rows.is_empty() {
            self.writer.write(&self.rows.finish()?)?;
        }
        Ok(())
    }
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
