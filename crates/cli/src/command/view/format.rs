//! Rows as NDJSON, CSV or Parquet.

use std::borrow::Cow;
use std::io::Write;

use claimlake_viewdef::definition::{ScalarType, ViewDefinition};
use claimlake_viewdef::reference::row_as_json;
use serde_json::Value;

use super::RowFormat;
use super::parquet_rows::ParquetRows;
use crate::failure::Outcome;

/// Writes rows in one form.
pub(super) enum RowWriter<'a, W: Write + Send> {
    Ndjson(W, &'a ViewDefinition),
    Csv(W, Option<TextColumns>),
    Parquet(Box<ParquetRows<W>>),
}

impl<'a, W: Write + Send> RowWriter<'a, W> {
    pub(super) fn new(mut to: W, format: RowFormat, view: &'a ViewDefinition) -> Outcome<Self> {
        Ok(match format {
            RowFormat::Ndjson => Self::Ndjson(to, view),
            RowFormat::Csv => {
                let names = view.columns();
                let names: Vec<String> = names.iter().map(|column| quoted(&column.name)).collect();
                writeln!(to, "{}", names.join(","))?;
                Self::Csv(to, None)
            }
            RowFormat::Parquet => Self::Parquet(Box::new(ParquetRows::new(to, view)?)),
        })
    }

    /// CSV whose text no spreadsheet takes for a formula, the names of columns included.
    pub(super) fn for_spreadsheets(mut to: W, view: &'a ViewDefinition) -> Outcome<Self> {
        let columns = view.columns();
        let names = columns.iter().map(|column| quoted(&disarmed(&column.name)));
        writeln!(to, "{}", names.collect::<Vec<_>>().join(","))?;
        let is_text = |scalar| scalar == ScalarType::Utf8;
        let text_columns = columns.iter().map(|one| is_text(one.column_type.scalar));
        Ok(Self::Csv(to, Some(TextColumns(text_columns.collect()))))
    }

    pub(super) fn write(&mut self, row: &[Value]) -> Outcome<()> {
        match self {
            Self::Ndjson(to, view) => writeln!(to, "{}", row_as_json(view, row))?,
            Self::Csv(to, Some(text_columns)) => {
                let cells: Vec<String> = text_columns.cells(row).collect();
                writeln!(to, "{}", cells.join(","))?;
            }
            Self::Csv(to, None) => {
                let cells: Vec<String> = row.iter().map(csv_cell).collect();
                writeln!(to, "{}", cells.join(","))?;
            }
            Self::Parquet(rows) => rows.write(row)?,
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Outcome<()> {
        match self {
            Self::Ndjson(mut to, _) | Self::Csv(mut to, _) => to.flush()?,
            Self::Parquet(rows) => rows.finish()?,
        }
        Ok(())
    }
}

/// Which columns hold text.
pub(super) struct TextColumns(Vec<bool>);

impl TextColumns {
    fn cells(&self, row: &[Value]) -> impl Iterator<Item = String> {
        let text_columns = self.0.iter().chain(std::iter::repeat(&false));
        row.iter()
            .zip(text_columns)
            .map(|(value, is_text)| match value {
                Value::String(text) if *is_text && !text.is_empty() => quoted(&disarmed(text)),
                other => csv_cell(other),
            })
    }
}

/// Prefixes a text that a spreadsheet would read as a formula with `'`. Some spreadsheets also read
/// full-width signs, or white space before a sign, as the beginning of a formula.
fn disarmed(text: &str) -> Cow<'_, str> {
    let is_formula = text.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    match is_formula {
        true => Cow::Owned(format!("'{text}")),
        false => Cow::Borrowed(text),
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

    use super::{RowWriter, csv_cell};
    use claimlake_viewdef::definition::ViewDefinition;

    /// Rows of a text, a decimal, a list of texts and a column without a type.
    fn spreadsheet(rows: &[[serde_json::Value; 4]]) -> String {
        let view = json!({"resourceType": "ViewDefinition", "resource": "Patient", "status": "active",
            "name": "cells", "select": [{"column": [
                {"name": "text", "path": "id", "type": "string"},
                {"name": "amount", "path": "extension.value.ofType(decimal)", "type": "decimal",
                    "tag": [{"name": "ansi/type", "value": "DECIMAL(18,2)"}]},
                {"name": "names", "path": "name.family", "type": "string", "collection": true},
                {"name": "untyped", "path": "birthDate"}]}]});
        let view = ViewDefinition::from_text(&view.to_string()).unwrap();
        let mut to = Vec::new();
        let mut writer = RowWriter::for_spreadsheets(&mut to, &view).unwrap();
        rows.iter().for_each(|row| writer.write(row).unwrap());
        writer.finish().unwrap();
        String::from_utf8(to).unwrap()
    }

    #[test]
    fn texts_that_look_like_formulas_are_disarmed_and_numbers_and_other_texts_are_not() {
        let minus: serde_json::Value = serde_json::from_str("-5.00").unwrap();
        for (text, cell) in [
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("+1", "'+1"),
            ("-19", "'-19"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "\"'\r=1\""),
            ("\n=1", "\"'\n=1\""),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("a=1", "a=1"),
            ("'=1", "'=1"),
            ("", "\"\""),
            ("5-3", "5-3"),
        ] {
            let row = [json!(text), minus.clone(), json!(["=1"]), minus.clone()];
            let expected =
                format!("text,amount,names,untyped\n{cell},-5.00,\"[\"\"=1\"\"]\",-5.00\n");
            assert_eq!(spreadsheet(&[row]), expected);
        }
        let nulls = [json!(null), json!("-5.00"), json!(null), json!("=1")];
        assert_eq!(
            spreadsheet(&[nulls]),
            "text,amount,names,untyped\n,-5.00,,'=1\n"
        );
    }

    #[test]
    fn cells_that_would_break_a_row_are_quoted() {
        assert_eq!(csv_cell(&json!(null)), "");
        assert_eq!(csv_cell(&json!("")), "\"\"");
        assert_eq!(csv_cell(&json!("a, \"b\"\nc")), "\"a, \"\"b\"\"\nc\"");
        assert_eq!(csv_cell(&json!(["a", "b"])), "\"[\"\"a\"\",\"\"b\"\"]\"");
        assert_eq!(csv_cell(&json!(12.5)), "12.5");
    }
}
