//! A row as one line of JSON.

use serde_json::{Map, Value};

use crate::definition::ViewDefinition;

/// The row as an object with every column in the view's order, null where empty, numbers with
/// their digits, times as in the source.
#[must_use]
pub fn row_as_json(view: &ViewDefinition, row: &[Value]) -> Value {
    let named: Map<String, Value> = view
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .zip(row.iter().cloned())
        .collect();
    Value::Object(named)
}
