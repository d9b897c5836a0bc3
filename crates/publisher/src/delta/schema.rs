//! The schema of a table as Delta writes it.

use claimlake_contract::LakeTable;
use serde_json::{Value, json};

use crate::error::{PublishError, Result};
use crate::request::TableComment;

/// The schema of a table, the partition columns last. The text of this value is the table's
/// `schemaString`; every column may be null, so that files from before a column was added are read.
///
/// # Errors
/// A column has a type that Delta does not know.
pub(crate) fn schema(table: &LakeTable, comment: Option<&TableComment>) -> Result<Value> {
    let mut fields = Vec::new();
    for (name, words) in table.columns.iter().chain(&table.partition_columns) {
        let kind = column_type(words).ok_or_else(|| {
            PublishError::Setting(format!(
                "{}.{name}: a column of type {words} cannot be part of a Delta table",
                table.layout.name
            ))
        })?;
        let metadata = match comment.and_then(|comment| comment.columns.get(name)) {
            Some(text) => json!({ "comment": text }),
            None => json!({}),
        };
        fields.push(json!({ "name": name, "type": kind, "nullable": true, "metadata": metadata }));
    }
    Ok(json!({ "type": "struct", "fields": fields }))
}

/// The Delta type of an Arrow type, which a manifest has as text.
pub(crate) fn column_type(words: &str) -> Option<Value> {
    let plain = match words {
        "Utf8" => "string",
        "Boolean" => "boolean",
        "Int8" => "byte",
        "Int16" | "UInt8" => "short",
        "Int32" | "UInt16" => "integer",
        // Counts: none is beyond the largest signed number.
        "Int64" | "UInt32" | "UInt64" => "long",
        "Float64" => "double",
        "Date32" => "date",
        "Timestamp(µs, \"UTC\")" => "timestamp",
        _ => return decimal(words).or_else(|| list(words)),
    };
    Some(json!(plain))
}

fn decimal(words: &str) -> Option<Value> {
    let (precision, scale) = decimal_digits(words)?;
    Some(json!(format!("decimal({precision},{scale})")))
}

/// Precision and scale of `Decimal128(18, 2)`.
pub(crate) fn decimal_digits(words: &str) -> Option<(u32, u32)> {
    let digits = words.strip_prefix("Decimal128(")?.strip_suffix(')')?;
    let (precision, scale) = digits.split_once(", ")?;
    Some((precision.parse().ok()?, scale.parse().ok()?))
}

fn list(words: &str) -> Option<Value> {
    let element = words.strip_prefix("List(")?.split_once(", field:")?.0;
    let element = column_type(element)?;
    Some(json!({ "type": "array", "elementType": element, "containsNull": true }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::column_type;

    #[test]
    fn every_type_of_the_lake_has_a_type_in_delta() {
        for (words, expected) in [
            ("Utf8", json!("string")),
            ("Int32", json!("integer")),
            ("UInt64", json!("long")),
            ("Date32", json!("date")),
            ("Boolean", json!("boolean")),
            ("Decimal128(18, 2)", json!("decimal(18,2)")),
            ("Timestamp(µs, \"UTC\")", json!("timestamp")),
            (
                "List(Date32, field: 'element')",
                json!({"type": "array", "elementType": "date", "containsNull": true}),
            ),
        ] {
            assert_eq!(column_type(words), Some(expected), "{words}");
        }
        assert_eq!(column_type("Map(Utf8)"), None);
    }
}
