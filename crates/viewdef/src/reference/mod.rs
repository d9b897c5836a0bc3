//! The reference evaluator: a view over one resource as [`serde_json::Value`].
//!
//! Written to be obviously right, not to be fast: it says what every faster way must say.
//! Specification: the processing algorithm of
//! <https://build.fhir.org/ig/HL7/sql-on-fhir/en/StructureDefinition-ViewDefinition.html>.

mod boundary;
mod cell;
mod compare;
mod evaluate;
mod functions;
mod item;
mod navigate;
mod ndjson;
mod operators;
mod rows;
mod text_functions;

use serde_json::Value;

use crate::definition::ViewDefinition;
use crate::fhirpath::Expr;
use crate::problem::{CellProblem, ProblemKind, ResourceProblem};
use crate::resolved_reference::ResolvedReference;

use evaluate::{Budget, Context};
use item::Item;

pub use ndjson::row_as_json;

/// The rows of a view over one resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// The rows; each has a value for every column of the view, in their order. Numbers keep
    /// their digits, texts and times are as in the source, a `collection` is a list.
    pub rows: Vec<Vec<Value>>,
    /// The cells that are null because of what was found.
    pub problems: Vec<CellProblem>,
}

/// Why an expression could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct EvaluationError {
    /// What is wrong.
    pub kind: ProblemKind,
    /// What was expected.
    pub expected: String,
    /// What was found; a type or a count, never a value.
    pub found: String,
}

impl EvaluationError {
    fn wrong_type(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            kind: ProblemKind::WrongType,
            expected: expected.into(),
            found: found.into(),
        }
    }

    fn too_much_work() -> Self {
        Self {
            kind: ProblemKind::TooLarge,
            expected: "an expression that ends soon".into(),
            found: "one that does not".into(),
        }
    }

    fn several(count: usize) -> Self {
        Self {
            kind: ProblemKind::NotOneValue,
            expected: "one value".into(),
            found: format!("{count} values"),
        }
    }
}

/// The rows a view makes of a resource: none where the resource has another type or does not
/// pass the filters.
///
/// # Errors
///
/// A filter is neither true nor false, or an iteration cannot be evaluated.
///
/// ```
/// use claimlake_viewdef::{definition::ViewDefinition, reference};
///
/// let view = ViewDefinition::from_json(&serde_json::json!({
///     "resource": "Patient",
///     "select": [{"forEach": "name", "column": [{"name": "family", "path": "family"}]}],
/// }))?;
/// let patient = serde_json::json!({"resourceType": "Patient", "name": [{"family": "A"}]});
/// assert_eq!(reference::evaluate(&view, &patient)?.rows, [["A"]]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate(view: &ViewDefinition, resource: &Value) -> Result<Evaluation, ResourceProblem> {
    rows::evaluate(view, resource, &[])
}

/// The same, where references of the resource were resolved.
///
/// # Errors
///
/// As [`evaluate`].
pub fn evaluate_resolved(
    view: &ViewDefinition,
    resource: &Value,
    resolved: &[ResolvedReference<'_>],
) -> Result<Evaluation, ResourceProblem> {
    rows::evaluate(view, resource, resolved)
}

/// What an expression finds in a resource, as JSON.
///
/// # Errors
///
/// An operator or a function gets what it cannot take.
pub fn evaluate_path(
    expression: &Expr,
    resource: &Value,
    resolved: &[ResolvedReference<'_>],
) -> Result<Vec<Value>, EvaluationError> {
    let root = Item::resource(resource);
    let budget = Budget::default();
    let context = Context {
        resolved,
        ..Context::new(&root, &budget)
    };
    let items = context.evaluate(expression)?;
    Ok(items.iter().filter_map(Item::to_json).collect())
}

#[cfg(test)]
mod tests;
