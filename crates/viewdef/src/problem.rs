//! What can go wrong with one cell or one resource while a view runs: data, not errors of the program,
//! and never with a value of the input in it.
//!
//! Resources of real people are full of the unexpected, and one claim in a million must not stop the
//! others: a cell is null, or a resource has no rows in one table, and a problem says where and why. The
//! caller counts, shows or refuses. Types are named as the column or JSON names them.

use std::fmt;

use serde_json::Value;

/// What was expected and what was found instead.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mismatch {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The type or the number of values that was expected, such as `DECIMAL(18,2)`.
    pub expected: String,
    /// The type or the number of values that was found, such as `string`; of a number that does not
    /// fit also how many of its digits are too many. Never the value.
    pub found: String,
}

/// A cell that is null because its value could not be used, or whose value was rounded.
///
/// ```
/// use claimlake_viewdef::{definition::ViewDefinition, reference};
/// use serde_json::json;
///
/// let view = ViewDefinition::from_json(&json!({"resource": "Patient", "select": [{"column": [
///     {"name": "born", "path": "birthDate", "tag": [{"name": "ansi/type", "value": "DATE"}]}]}]}))?;
/// let patient = json!({"resourceType": "Patient", "birthDate": "1970-02-30"});
/// let evaluation = reference::evaluate(&view, &patient).unwrap_or_default();
/// assert_eq!(evaluation.rows, [[json!(null)]]);
/// // The type, never the value.
/// assert_eq!(evaluation.problems[0].to_string(), "birthDate: expected DATE, found string");
/// # Ok::<(), claimlake_viewdef::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellProblem {
    /// The position of the column in the view's columns, from 0.
    pub column: usize,
    /// The path of the value through the iterations of the view, `contact.telecom.rank`.
    pub path: String,
    /// What is wrong with it.
    pub mismatch: Mismatch,
}

/// A resource of which a view makes no rows because a filter or an iteration could not be
/// evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceProblem {
    /// Where in the view, `where[0].path`.
    pub place: String,
    /// What is wrong there.
    pub mismatch: Mismatch,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The value has another type than the column, or an operator got a type it cannot take.
    WrongType,
    /// A date or time that does not exist, or that is less precise than the column.
    BadDate,
    /// A number with more digits than the column or the arithmetic can hold.
    TooManyDigits,
    /// Not an error: the cell has the number rounded to the column's scale, without the digits that
    /// a double had added. It is reported so that it can be counted.
    Rounded,
    /// Several values where one is expected.
    NotOneValue,
    /// More rows, or more work, than one resource may cause.
    TooLarge,
}

impl Mismatch {
    /// A mismatch of a kind.
    pub(crate) fn new(
        kind: ProblemKind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (expected, found) = (expected.into(), found.into());
        Self {
            kind,
            expected,
            found,
        }
    }

    /// Something of another type than an operator, a function or a column takes.
    pub(crate) fn wrong_type(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(ProblemKind::WrongType, expected, found)
    }

    /// Several values where one is expected.
    pub(crate) fn several(count: usize) -> Self {
        let found = format!("{count} values");
        Self::new(ProblemKind::NotOneValue, "one value", found)
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

impl fmt::Display for CellProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.mismatch)
    }
}

impl fmt::Display for ResourceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.mismatch)
    }
}

/// The name of a value's JSON type, for [`Mismatch::found`].
pub(crate) fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
