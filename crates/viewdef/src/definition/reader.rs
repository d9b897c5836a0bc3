//! Reads parts of a view's JSON by type and place: a part that is missing or of another type is a
//! fault, and reading continues with the next part.

use serde_json::{Map, Value};

use super::view::Path;
use crate::error::Fault;
use crate::fhirpath::{Constants, parse};

/// Reads the parts of a view and collects what is wrong with them.
pub(super) struct Reader {
    /// The view's constants; read before the first expression.
    pub(super) constants: Constants,
    /// What is wrong so far, in the order of reading.
    pub(super) faults: Vec<Fault>,
}

/// `select[0]` and `column` give `select[0].column`; nothing and `select` give `select`.
pub(super) fn below(place: &str, key: &str) -> String {
    if place.is_empty() {
        key.to_owned()
    } else {
        format!("{place}.{key}")
    }
}

/// The name of a JSON type in a sentence.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Keys every element of FHIR may have, and comments.
pub(super) fn is_allowed_anywhere(key: &str) -> bool {
    matches!(key, "id" | "extension" | "modifierExtension") || key.starts_with(['_', '$', '#'])
}

impl Reader {
    /// Adds a fault; the place of the view itself is `$`.
    pub(super) fn error(&mut self, place: &str, reason: impl Into<String>) {
        self.faults.push(Fault {
            place: if place.is_empty() { "$" } else { place }.to_owned(),
            reason: reason.into(),
        });
    }

    /// Adds a fault for a value of another JSON type.
    pub(super) fn wrong_type(&mut self, place: &str, expected: &str, found: &Value) {
        let found = type_name(found);
        self.error(place, format!("{expected} is expected, found {found}"));
    }

    /// The members of an object.
    pub(super) fn object<'a>(
        &mut self,
        value: &'a Value,
        place: &str,
    ) -> Option<&'a Map<String, Value>> {
        let object = value.as_object();
        if object.is_none() {
            self.wrong_type(place, "an object", value);
        }
        object
    }

    /// The text of a key; `None` if there is none.
    pub(super) fn text(
        &mut self,
        parent: &Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<String> {
        match parent.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => {
                self.wrong_type(&below(place, key), "a string", other);
                None
            }
        }
    }

    /// The text under a key that must be there.
    pub(super) fn required(
        &mut self,
        parent: &Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<String> {
        if !parent.contains_key(key) {
            self.error(place, format!("'{key}' is missing"));
        }
        self.text(parent, key, place)
    }

    /// The elements under a key; none where the key is missing.
    pub(super) fn list<'a>(
        &mut self,
        parent: &'a Map<String, Value>,
        key: &str,
        place: &str,
    ) -> &'a [Value] {
        match parent.get(key) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.wrong_type(&below(place, key), "a list", other);
                &[]
            }
        }
    }

    /// Adds a fault for each key that is not known.
    pub(super) fn refuse_unknown(
        &mut self,
        object: &Map<String, Value>,
        known: &[&str],
        place: &str,
    ) {
        for key in object.keys() {
            if !known.contains(&key.as_str()) && !is_allowed_anywhere(key) {
                self.error(
                    &below(place, key),
                    format!("unknown key, expected one of {}", known.join(", ")),
                );
            }
        }
    }

    /// A name that SQL takes without quotes.
    pub(super) fn name(&mut self, parent: &Map<String, Value>, place: &str) -> Option<String> {
        let name = self.required(parent, "name", place)?;
        self.check_name(name, place)
    }

    /// Checks a name by the standard's `sql-name`: a letter, then letters, digits and `_`.
    pub(super) fn check_name(&mut self, name: String, place: &str) -> Option<String> {
        let is_sql_name = name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_sql_name {
            self.error(
                &below(place, "name"),
                format!("'{name}' must begin with a letter and hold only letters, digits and '_'"),
            );
            return None;
        }
        Some(name)
    }

    /// The expression under a key that must be there.
    pub(super) fn required_path(
        &mut self,
        parent: &Map<String, Value>,
        key: &str,
        place: &str,
    ) -> Option<Path> {
        let source = self.required(parent, key, place)?;
        self.path(source, below(place, key))
    }

    /// Parses an expression.
    pub(super) fn path(&mut self, source: String, place: String) -> Option<Path> {
        match parse(&source, &self.constants) {
            Ok(expression) => Some(Path {
                source,
                expression,
                place,
            }),
            Err(error) => {
                self.error(&place, error.to_string());
                None
            }
        }
    }
}
