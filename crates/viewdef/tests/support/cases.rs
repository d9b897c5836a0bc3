//! Cases in the format of the SQL-on-FHIR test suite: a file of them, and what a case states.
//! Whoever runs them brings what makes rows of a view.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Cases of the standard's `fhirpath.json` that it took back in May 2026 (HL7/sql-on-fhir#349): they
/// wanted the empty text of a `join()` of nothing. Older copies of the suite still have them.
const WITHDRAWN: [&str; 2] = ["string join", "string join: default separator"];

fn is_withdrawn(file: &Path, case: &Value) -> bool {
    file.ends_with("fhirpath.json") && WITHDRAWN.iter().any(|title| case["title"] == *title)
}

/// Gives every case of a folder, with its file's resources, to `failure`, which says what is wrong
/// with it. How many there are, and what is wrong with which.
pub(crate) fn run_folder(
    folder: &Path,
    mut failure: impl FnMut(&Value, &[Value]) -> Option<String>,
) -> (usize, Vec<String>) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    let mut cases = 0;
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let resources = suite["resources"].as_array().cloned().unwrap_or_default();
        for case in suite["tests"].as_array().unwrap() {
            if is_withdrawn(&file, case) {
                continue;
            }
            cases += 1;
            if let Some(failure) = failure(case, &resources) {
                failures.push(format!("{}: {}: {failure}", file.display(), case["title"]));
            }
        }
    }
    (cases, failures)
}

/// Whether the view of a case is to be refused.
pub(crate) fn expects_error(case: &Value) -> bool {
    case["expectError"] == Value::Bool(true)
}

/// What differs between rows and those that a case states, in whatever order.
pub(crate) fn difference(case: &Value, rows: &[Value]) -> Option<String> {
    if let Some(columns) = case["expectColumns"].as_array() {
        for row in rows {
            let names = row.as_object().unwrap().keys();
            let found: Vec<Value> = names.map(|key| Value::from(key.as_str())).collect();
            if &found != columns {
                return Some(format!("columns {found:?}, expected {columns:?}"));
            }
        }
    }
    let expected = case["expect"].as_array().cloned().unwrap_or_default();
    let (found, expected) = (sorted(rows), sorted(&expected));
    (found != expected).then(|| format!("found {found:#?}\nexpected {expected:#?}"))
}

fn sorted(rows: &[Value]) -> Vec<String> {
    let mut rows: Vec<String> = rows.iter().map(canonical).collect();
    rows.sort();
    rows
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
