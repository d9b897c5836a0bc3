//! A row as one line of JSON.

use serde_json::{Map, Value};

use crate::definition::ViewDefinition;

/// The row as an object with every column in the view's order, null where empty, numbers with their
/// digits, times as in the source: the shape of the standard's test cases.
///
/// ```
/// use claimlake_viewdef::{definition::ViewDefinition, reference};
/// use serde_json::json;
///
/// let view = ViewDefinition::from_json(&json!({"resource": "Patient", "select": [
///     {"column": [{"name": "id", "path": "id"}, {"name": "born", "path": "birthDate"}]}]}))?;
/// let row = reference::row_as_json(&view, &[json!("p1"), json!(null)]);
/// assert_eq!(row, json!({"id": "p1", "born": null}));
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
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
