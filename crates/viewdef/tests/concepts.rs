//! Columns of coded elements: which coding a column takes, and what is there where a concept is
//! text alone. The cases are data: `concepts.json`, by the rule that they show.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::reference;
use serde_json::{Map, Value};
use support::engines::{differences, is_fast};
use support::pipeline_views;

#[test]
fn columns_of_coded_elements_have_the_cells_that_the_cases_name() {
    let text = include_str!("concepts.json");
    let file: Value = serde_json::from_str(text).unwrap();
    let mut text = text.to_owned();
    for (short, system) in file["systems"].as_object().unwrap() {
        text = text.replace(&format!("\"{short}\""), &system.to_string());
    }
    let file: Value = serde_json::from_str(&text).unwrap();
    let views = pipeline_views();
    let mut count = 0;
    let mut failures = Vec::new();
    for group in file["groups"].as_array().unwrap() {
        for case in group["cases"].as_array().unwrap() {
            count += 1;
            let found = rows(&views[case["view"].as_str().unwrap()], case);
            if found != case["rows"] {
                failures.push(format!("{}: {case}\nfound {found}", group["rule"]));
            }
        }
    }
    assert_eq!(count, 103);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// The columns of a case in all rows that its view makes, after both evaluators agree on them.
fn rows(view: &ViewDefinition, case: &Value) -> Value {
    assert!(is_fast(view));
    let mut body: Map<String, Value> = case["body"].as_object().unwrap().clone();
    body.insert("resourceType".into(), view.resource.as_str().into());
    body.insert("id".into(), "1".into());
    let body = Value::Object(body);
    assert_eq!(
        differences(view, std::slice::from_ref(&body)),
        (1, Vec::new())
    );
    let columns = view.columns();
    let wanted = case["columns"].as_array().unwrap();
    let position = |name: &Value| {
        columns
            .iter()
            .position(|column| name == column.name.as_str())
    };
    let positions: Vec<usize> = wanted.iter().map(|name| position(name).unwrap()).collect();
    let evaluation = reference::evaluate(view, &body).unwrap();
    let rows = evaluation.rows.iter();
    rows.map(|row| -> Value { positions.iter().map(|at| row[*at].clone()).collect() })
        .collect()
}
