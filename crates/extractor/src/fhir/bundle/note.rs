//! What is suspicious about an entry: it may be in the place of a resource.

use std::ops::Range;

use serde::Deserialize;

#[derive(Deserialize)]
struct Outcome {
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    severity: String,
}

/// Whether an OperationOutcome has nothing worse to say than information.
pub(super) fn is_for_information(outcome: &[u8]) -> bool {
    let outcome = serde_json::from_slice::<Outcome>(outcome);
    outcome.is_ok_and(|outcome| {
        let mut issues = outcome.issue.iter();
        let is_harmless = |issue: &Issue| matches!(&*issue.severity, "information" | "success");
        !outcome.issue.is_empty() && issues.all(is_harmless)
    })
}

/// Whether the resource can be known by its id.
pub(super) fn has_usable_id(body: &[u8], id: Option<&Range<usize>>) -> bool {
    let quoted = id.and_then(|range| body.get(range.clone()));
    let id = quoted.and_then(|quoted| serde_json::from_slice::<String>(quoted).ok());
    let is_unusable = |one: char| one.is_whitespace() || one.is_control();
    id.is_some_and(|id| !id.is_empty() && !id.contains(is_unusable))
}
