//! Rows as NDJSON or CSV.

use std::io::{self, Write};

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::oracle::row_as_json;
use serde_json::Value;

use super::RowFormat;

/// Writes rows in one form.
#[derive(Debug)]
pub(super) struct RowWriter<'a, W> {
    to: W,
    format: RowFormat,
    view: &'a ViewDefinition,
}

impl<'a, W: Write> RowWriter<'a, W> {
    pub(super) fn new(mut to: W, format: RowFormat, view: &'a ViewDefinition) -> io::Result<Self> {
        if format == RowFormat::Csv {
            let names = view.columns();
            let names: Vec<String> = names.iter().map(|column| quoted(&column.name)).collect();
            writeln!(to, "{}", names.join(","))?;
        }
        Ok(Self { to, format, view })
    }

    pub(super) fn write(&mut self, row: &[Value]) -> io::Result<()> {
        match self.format {
            RowFormat::Ndjson => writeln!(self.to, "{}", row_as_json(self.view, row)),
            RowFormat::Csv => {
                let cells: Vec<String> = row.iter().map(csv_cell).collect();
                writeln!(self.to, "{}", cells.join(","))
            }
        }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.to.flush()
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
