//! Cases in the format of the SQL-on-FHIR test suite, run through the reference evaluator.
//!
//! The project's own cases lie in `conformance/`; those of the standard are read from the folder
//! that `SQL_ON_FHIR_TESTS` names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

#[path = "support/cases.rs"]
mod cases;

use std::path::Path;

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::problem::ProblemKind;
use claimlake_viewdef::reference::{self, row_as_json};
use serde_json::Value;

/// The rows a view makes of resources, or why it is refused: an invalid view, a filter that is
/// no boolean, several values where the column takes one.
fn run(view: &Value, resources: &[Value]) -> Result<Vec<Value>, String> {
    let view = ViewDefinition::from_json(view).map_err(|errors| errors.to_string())?;
    let mut rows = Vec::new();
    for resource in resources {
        let evaluation =
            reference::evaluate(&view, resource).map_err(|problem| problem.to_string())?;
        let refused = evaluation
            .problems
            .iter()
            .find(|problem| problem.mismatch.kind == ProblemKind::NotOneValue);
        if let Some(problem) = refused {
            return Err(problem.to_string());
        }
        rows.extend(evaluation.rows.iter().map(|row| row_as_json(&view, row)));
    }
    Ok(rows)
}

/// What is wrong with a case, if anything.
fn failure(case: &Value, resources: &[Value]) -> Option<String> {
    match (run(&case["view"], resources), cases::expects_error(case)) {
        (Ok(rows), true) => Some(format!("an error is expected, got {rows:?}")),
        (Err(_), true) => None,
        (Ok(rows), false) => cases::difference(case, &rows),
        (Err(error), false) => Some(error),
    }
}

#[test]
fn the_projects_own_cases_give_the_rows_they_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let (cases, failures) = cases::run_folder(&folder, failure);
    assert!(cases > 0, "no cases in {}", folder.display());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{cases} cases");
}

#[test]
fn the_standards_cases_give_the_rows_they_state() {
    let Ok(folder) = std::env::var("SQL_ON_FHIR_TESTS") else {
        println!("skipped: SQL_ON_FHIR_TESTS names no folder with the standard's test cases");
        return;
    };
    let (cases, failures) = cases::run_folder(Path::new(&folder), failure);
    assert!(cases > 0, "SQL_ON_FHIR_TESTS names a folder without cases");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{cases} cases");
}
