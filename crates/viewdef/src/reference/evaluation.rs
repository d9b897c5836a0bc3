//! The interface of the reference evaluator: the rows of a view, or the values of a path.

use serde_json::Value;

use crate::definition::ViewDefinition;
use crate::fhirpath::Expr;
use crate::problem::{Mismatch, ResourceProblem};
use crate::resolved_reference::ResolvedReference;

use super::context::{Budget, Context};
use super::item::Item;
use super::rows::{self, Evaluation};

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
/// let evaluation = reference::evaluate(&view, &patient);
/// assert_eq!(evaluation.map(|it| it.rows), Ok(vec![vec!["A".into()]]));
/// # Ok::<(), claimlake_viewdef::Error>(())
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

/// What an expression finds in a resource, as JSON: numbers with their digits, elements as they are.
///
/// # Errors
/// An operator or a function gets what it cannot take.
///
/// ```
/// use claimlake_viewdef::fhirpath::{Constants, parse};
/// use claimlake_viewdef::reference::evaluate_path;
///
/// let claim: serde_json::Value = serde_json::from_str(
///     r#"{"item": [{"net": {"value": 1.50}}, {"net": {"value": 2}}]}"#,
/// )?;
/// let amounts = parse("item.net.value", &Constants::new())?;
/// let found = evaluate_path(&amounts, &claim, &[]).map_err(|mismatch| mismatch.to_string())?;
/// assert_eq!(found.iter().map(|it| it.to_string()).collect::<Vec<_>>(), ["1.50", "2"]);
///
/// let several = parse("item.net.value + 1", &Constants::new())?;
/// let mismatch = evaluate_path(&several, &claim, &[]).unwrap_err();
/// assert_eq!(mismatch.to_string(), "expected one value, found 2 values");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn evaluate_path(
    expression: &Expr,
    resource: &Value,
    resolved: &[ResolvedReference<'_>],
) -> Result<Vec<Value>, Mismatch> {
    let root = Item::resource(resource);
    let budget = Budget::default();
    let context = Context {
        resolved,
        ..Context::new(&root, &budget)
    };
    let items = context.evaluate(expression)?;
    Ok(items.iter().filter_map(Item::to_json).collect())
}
