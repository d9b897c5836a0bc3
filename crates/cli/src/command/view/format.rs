//! Rows as NDJSON, CSV or Parquet.

use std::io::Write;

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::oracle::row_as_json;
use serde_json::Value;

use super::RowFormat;
use super::parquet_rows::ParquetRows;
use crate::failure::Outcome;

/// Writes rows in one form.
pub(super) enum RowWriter<'a, W: Write + Send> {
    Ndjson(W, &'a ViewDefinition),
    Csv(W),
    Parquet(Box<ParquetRows<'a, W>>),
}

impl<'a, W: Write + Send> RowWriter<'a, W> {
    pub(super) fn new(mut to: W, format: RowFormat, view: &'a ViewDefinition) -> Outcome<Self> {
        Ok(match format {
            RowFormat::Ndjson => Self::Ndjson(to, view),
            RowFormat::Csv => {
                let names = view.columns();
                let names: Vec<String> = names.iter().map(|column| quoted(&column.name)).collect();
                writeln!(to, "{}", names.join(","))?;
                Self::Csv(to)
            }
            RowFormat::Parquet => Self::Parquet(Box::new(ParquetRows::new(to, view)?)),
        })
    }

    pub(super) fn write(&mut self, row: &[Value]) -> Outcome<()> {
        match self {
            Self::Ndjson(to, view) => writeln!(to, "{}", row_as_json(view, row))?,
            Self::Csv(to) => {
                let cells: Vec<String> = row.iter().map(csv_cell).collect();
                writeln!(to, "{}", cells.join(","))?;
            }
            Self::Parquet(rows) => rows.write(row)?,
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Outcome<()> {
        match self {
            Self::Ndjson(mut to, _) | Self::Csv(mut to) => to.flush()?,
            Self::Parquet(rows) => rows.finish()?,
        }
        Ok(())
    }
}

/// Null is an empty cell and an empty text is `""`; a list is JSON.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::csv_cell;

    #[test]
    fn cells_that_would_break_a_row_are_quoted() {
        assert_eq!(csv_cell(&json!(null)), "");
        assert_eq!(csv_cell(&json!("")), "\"\"");
        assert_eq!(csv_cell(&json!("a, \"b\"\nc")), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(csv_cell(&json!(["a", "b"])), "\"[\"\"a\"\",\"\"b\"\"]\"");
        assert_eq!(csv_cell(&json!(12.5)), "12.5");
    }
}
