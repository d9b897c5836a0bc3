//! The conformance cases, those of the standard and our own, as a user runs them: a view, a file
//! of resources, `claimlake view`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Bench, repository, skipped};

/// Text that is equal for equal values: keys in order, numbers without needless zeros.
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
        Value::Number(number) => {
            let text = number.to_string();
            match text.contains('.') && !text.contains(['e', 'E']) {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        other => other.to_string(),
    }
}

fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<String> {
    let mut rows: Vec<String> = rows.into_iter().map(|row| canonical(&row)).collect();
    rows.sort();
    rows
}

/// What is wrong with a case, if anything.
fn failure(bench: &Bench, case: &Value) -> Option<String> {
    bench.write("view.json", &case["view"].to_string());
    let ended = bench.run(&["view", "view.json", "resources.ndjson"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    if case["expectError"] == Value::Bool(true) {
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
    let rows: Vec<Value> = ended
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    if let Some(columns) = case["expectColumns"].as_array()
        && let Some(row) = rows.first()
    {
        let found: Vec<Value> = row
            .as_object()
            .unwrap()
            .keys()
            .map(|key| key.as_str().into())
            .collect();
        if found != *columns {
            return Some(format!("columns {found:?}, expected {columns:?}"));
        }
    }
    let found = sorted(rows);
    let expected = sorted(case["expect"].as_array().unwrap().iter().cloned());
    (found != expected).then(|| format!("found {found:#?}\nexpected {expected:#?}"))
}

fn run_folder(folder: &Path) -> usize {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    let bench = Bench::new();
    let mut cases = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let resources = suite["resources"].as_array().cloned().unwrap_or_default();
        let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
        bench.write("resources.ndjson", &lines.join("\n"));
        for case in suite["tests"].as_array().unwrap() {
            cases += 1;
            if let Some(failure) = failure(&bench, case) {
                failures.push(format!("{}: {}: {failure}", file.display(), case["title"]));
            }
        }
    }
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
