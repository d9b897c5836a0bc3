//! What is odd about an entry: it may be in the place of a resource.

use serde::Deserialize;

use super::Entry;

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
pub(super) fn has_usable_id(body: &[u8], entry: &Entry) -> bool {
    let quoted = entry.id.clone().and_then(|range| body.get(range));
    let id = quoted.and_then(|quoted| serde_json::from_slice::<String>(quoted).ok());
    let is_odd = |one: char| one.is_whitespace() || one.is_control();
    id.is_some_and(|id| !id.is_empty() && !id.contains(is_odd))
}
