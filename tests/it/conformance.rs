//! The conformance cases, those of the standard and our own, as a user runs them: a view, a file
//! of resources, `claimlake view`.

#[path = "../../crates/viewdef/tests/support/cases.rs"]
mod cases;

use std::path::Path;

use serde_json::Value;

use crate::command::{Bench, repository, skipped};

/// What is wrong with a case, if anything.
fn failure(bench: &Bench, case: &Value, resources: &[Value]) -> Option<String> {
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    bench.write("resources.ndjson", &lines.join("\n"));
    bench.write("view.json", &case["view"].to_string());
    let ended = bench.run(&["view", "view.json", "resources.ndjson"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    if cases::expects_error(case) {
        // A view is refused before any data, with its place; data it cannot take, with its line.
        return match ended.exit {
            2 if ended.stdout.is_empty() && ended.stderr.contains("view.json: ") => None,
            3 if ended.stderr.contains("resources.ndjson line ") => None,
            _ => Some(format!("no error: {} {}", ended.exit, ended.stdout)),
        };
    }
    // Our own cases of cells that become null end with 3.
    if !matches!(ended.exit, 0 | 3) {
        return Some(ended.stderr);
    }
    let rows = ended.stdout.lines();
    let rows: Vec<Value> = rows
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    cases::difference(case, &rows)
}

fn run_folder(folder: &Path) -> usize {
    let bench = Bench::new();
    let failure = |case: &Value, resources: &[Value]| failure(&bench, case, resources);
    let (cases, failures) = cases::run_folder(folder, failure);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    cases
}

#[test]
fn the_projects_own_cases_give_their_rows_through_the_binary() {
    assert!(run_folder(&repository().join("crates/viewdef/tests/conformance")) > 100);
}

#[test]
fn the_standards_cases_give_their_rows_through_the_binary() {
    match std::env::var("SQL_ON_FHIR_TESTS") {
        Ok(folder) => assert!(run_folder(Path::new(&folder)) > 0),
        Err(_) => skipped("SQL_ON_FHIR_TESTS names no folder with the standard's test cases"),
    }
}
