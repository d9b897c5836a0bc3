//! Cases in the format of the SQL-on-FHIR test suite, run through the plain evaluator.
//!
//! The project's own cases lie in `conformance/`; those of the standard are read from the folder
//! that `SQL_ON_FHIR_TESTS` names.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

use std::path::{Path, PathBuf};

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::oracle::{self, row_as_json};
use claimlake_viewdef::problem::ProblemKind;
use serde_json::Value;

/// The rows a view makes of resources, or why it is refused: an invalid view, a filter that is
/// no boolean, several values where the column takes one.
fn run(view: &Value, resources: &[Value]) -> Result<Vec<Value>, String> {
    let view = ViewDefinition::from_json(view).map_err(|errors| errors.to_string())?;
    let mut rows = Vec::new();
    for resource in resources {
        let evaluation =
            oracle::evaluate(&view, resource).map_err(|problem| problem.to_string())?;
        let refused = evaluation
            .problems
            .iter()
            .find(|problem| problem.kind == ProblemKind::NotOneValue);
        if let Some(problem) = refused {
            return Err(problem.to_string());
        }
        rows.extend(evaluation.rows.iter().map(|row| row_as_json(&view, row)));
    }
    Ok(rows)
}

/// Text that is equal for equal values: keys in order, numbers without needless digits.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(object) => {
            let mut members: Vec<String> = object
                .iter()
                .map(|(key, value)| format!("{key:?}:{}", canonical(value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Number(number) => without_needless_digits(&number.to_string()),
        other => other.to_string(),
    }
}

fn without_needless_digits(number: &str) -> String {
    if number.contains(['e', 'E']) {
        return format!("{}", number.parse::<f64>().unwrap());
    }
    match number.split_once('.') {
        Some((whole, fraction)) => {
            let text = format!("{whole}.{}", fraction.trim_end_matches('0'));
            text.trim_end_matches('.').to_owned()
        }
        None => number.to_owned(),
    }
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(canonical).collect();
    rows.sort();
    rows
}

/// What is wrong with a case, if anything.
fn failure(case: &Value, resources: &[Value]) -> Option<String> {
    let result = run(&case["view"], resources);
    if case["expectError"] == Value::Bool(true) {
        return result
            .ok()
            .map(|rows| format!("an error is expected, got {rows:?}"));
    }
    let rows = match result {
        Ok(rows) => rows,
        Err(error) => return Some(error),
    };
    if let Some(columns) = case["expectColumns"].as_array() {
        for row in &rows {
            let found: Vec<Value> = row
                .as_object()
                .unwrap()
                .keys()
                .map(|key| Value::from(key.as_str()))
                .collect();
            if &found != columns {
                return Some(format!("columns {found:?}, expected {columns:?}"));
            }
        }
    }
    let expected = case["expect"].as_array().cloned().unwrap_or_default();
    (sorted(&rows) != sorted(&expected)).then(|| {
        format!(
            "got {:#?}\nexpected {:#?}",
            sorted(&rows),
            sorted(&expected)
        )
    })
}

fn run_folder(folder: &Path) -> (usize, Vec<String>) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let mut cases = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let resources = suite["resources"].as_array().cloned().unwrap_or_default();
        for case in suite["tests"].as_array().unwrap() {
            cases += 1;
            if let Some(failure) = failure(case, &resources) {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                failures.push(format!("{name}: {}: {failure}", case["title"]));
            }
        }
    }
    (cases, failures)
}

#[test]
fn the_projects_own_cases_give_the_rows_they_state() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let (cases, failures) = run_folder(&folder);
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
    let (cases, failures) = run_folder(Path::new(&folder));
    assert!(cases > 0, "SQL_ON_FHIR_TESTS names a folder without cases");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{cases} cases");
}
