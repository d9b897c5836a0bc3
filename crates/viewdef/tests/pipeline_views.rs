//! The views of the project's pipelines: standard, described, and between them lossless.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use std::collections::BTreeMap;

use claimlake_viewdef::reference;
use claimlake_viewdef::views::{ViewSet, ViewText, compile_views};
use serde_json::Value;
use support::sentinels::{Sentinels, is_told_apart};
use support::{inventory_bodies, pipeline_views, pipelines, real_bodies, views_in};

#[test]
fn every_view_is_valid_named_as_its_file_and_described() {
    let views = pipeline_views();
    assert_eq!(views.len(), 44);
    for (name, view) in &views {
        assert_eq!(view.name.as_deref(), Some(name.as_str()));
        assert!(view.title.is_some() && view.description.is_some(), "{name}");
        for column in view.columns() {
            let described = column.description.as_deref().unwrap_or_default();
            assert!(
                !described.is_empty(),
                "{name}.{} has no description",
                column.name
            );
        }
    }
}

#[test]
fn no_view_needs_the_fallback() {
    let files = std::fs::read_dir(pipelines().join("views")).unwrap();
    let texts = files.map(|file| {
        let path = file.unwrap().path();
        ViewText {
            place: path.display().to_string(),
            text: std::fs::read_to_string(path).unwrap(),
        }
    });
    let views: Vec<ViewText> = texts.collect();
    let set = ViewSet {
        views: &views,
        ..ViewSet::default()
    };
    let compiled = compile_views(&set).unwrap();
    let tables = compiled.iter().flat_map(|of| of.plan.tables());
    let mut found: Vec<String> = tables
        .filter(|table| table.needs_fallback())
        .map(|table| format!("{}: {:?}", table.name(), table.fallback_columns()))
        .collect();
    found.sort();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_views_of_the_benchmark_are_valid() {
    assert_eq!(views_in("bench_views").len(), 4);
}

#[test]
fn real_bodies_run_through_every_view_without_a_problem() {
    let Some(bodies) = real_bodies() else { return };
    let views = pipeline_views();
    let mut problems: BTreeMap<String, usize> = BTreeMap::new();
    for body in &bodies {
        for (name, view) in &views {
            let evaluation = reference::evaluate(view, body).unwrap();
            for problem in evaluation.problems {
                let column = view.columns()[problem.column].name.clone();
                *problems
                    .entry(format!("{name}.{column} {problem}"))
                    .or_default() += 1;
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn every_scalar_of_a_real_body_is_in_some_table() {
    let Some(bodies) = real_bodies() else { return };
    assert_nothing_is_lost(&bodies);
}

#[test]
fn every_scalar_of_every_path_of_the_inventories_is_in_some_table() {
    let Some(bodies) = inventory_bodies() else {
        return;
    };
    assert_nothing_is_lost(&bodies);
}

/// Every scalar of a body is replaced by a unique one; each must come out again.
fn assert_nothing_is_lost(bodies: &[Value]) {
    let views = pipeline_views();
    let mut lost: BTreeMap<String, usize> = BTreeMap::new();
    let mut leaves = 0;
    for body in bodies {
        let (body, sentinels) = Sentinels::replace(body);
        leaves += sentinels.len();
        let mut seen: Vec<String> = Vec::new();
        for view in views.values() {
            let evaluation = reference::evaluate(view, &body).unwrap();
            for row in &evaluation.rows {
                row.iter().for_each(|value| collect(value, &mut seen));
            }
        }
        seen.sort();
        for (path, value) in sentinels {
            if is_told_apart(&value) && seen.binary_search(&value.to_string()).is_err() {
                *lost.entry(path).or_default() += 1;
            }
        }
    }
    assert!(lost.is_empty(), "{} paths lost: {lost:#?}", lost.len());
    println!("{} bodies, {leaves} leaves", bodies.len());
}

fn collect(value: &Value, seen: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, seen)),
        Value::Null => {}
        other => seen.push(other.to_string()),
    }
}
