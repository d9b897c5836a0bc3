//! The fast way makes the rows the plain evaluator makes, cell for cell and problem for problem.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use claimlake_viewdef::column::{date_days, instant_micros};
use claimlake_viewdef::definition::{ScalarType, ViewDefinition};
use claimlake_viewdef::engine::{PlanInput, Problem, ResourcePlan, ResourceWorker};
use claimlake_viewdef::fhirpath::Decimal;
use claimlake_viewdef::json::PADDING;
use claimlake_viewdef::oracle;
use serde_json::Value;

/// Cells as text; `None` is null.
type Rows = Vec<Vec<Option<String>>>;

/// A resource as the fast way reads it: in a buffer with the lines around it.
fn fast(
    views: &BTreeMap<String, ViewDefinition>,
    resource: &Value,
) -> Option<(BTreeMap<String, Rows>, Vec<Problem>)> {
    let resource_type = resource["resourceType"].as_str()?;
    let plan = ResourcePlan::compile(&PlanInput {
        resource: resource_type,
        constants: &[],
        context: &[],
        views: views
            .iter()
            .filter(|(_, view)| view.resource == resource_type)
            .map(|(name, view)| (name.clone(), view.clone()))
            .collect(),
        order: None,
        drop_where: None,
    })
    .unwrap();
    let plan = Arc::new(plan);
    let mut worker = ResourceWorker::new(Arc::clone(&plan), Vec::new(), None);
    let line = resource.to_string();
    let mut buffer = format!("{{\"id\":1}}\n{line}\n").into_bytes();
    let start = "{\"id\":1}\n".len();
    let end = start + line.len();
    buffer.resize(buffer.len() + PADDING, b'\n');
    let read = worker.read(&buffer, start, end, 0).ok()?;
    let batches = worker.finish().unwrap();
    let mut tables = BTreeMap::new();
    for (table, batch) in plan.tables().iter().zip(batches) {
        let rows = batch.map_or_else(Vec::new, |batch| rows_of(&batch));
        tables.insert(table.name().to_owned(), rows);
    }
    Some((tables, read.problems))
}

fn rows_of(batch: &RecordBatch) -> Rows {
    (0..batch.num_rows())
        .map(|row| {
            let columns = batch.columns().iter();
            columns
                .map(|column| text_of(column.as_ref(), row))
                .collect()
        })
        .collect()
}

fn text_of(column: &dyn Array, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(_, scale) => {
            let digits = column.as_primitive::<Decimal128Type>().value(row);
            Decimal::new(digits, u32::try_from(*scale).unwrap())
                .unwrap()
                .to_string()
        }
        DataType::Date32 => column.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .to_string(),
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            let elements: Vec<String> = (0..list.len())
                .map(|element| text_of(list.as_ref(), element).unwrap())
                .collect();
            format!("{elements:?}")
        }
        other => panic!("no column has the type {other}"),
    })
}

/// What a cell must be, from what the plain evaluator found.
fn expected(scalar: ScalarType, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::Array(elements) => {
            let elements: Vec<String> = elements
                .iter()
                .map(|element| expected(scalar, element).unwrap())
                .collect();
            return Some(format!("{elements:?}"));
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some(match scalar {
        ScalarType::Decimal { scale, .. } => Decimal::parse(&text)
            .unwrap()
            .normalized()
            .rescaled(u32::try_from(scale).unwrap())
            .unwrap()
            .to_string(),
        ScalarType::Date => date_days(&text).unwrap().to_string(),
        ScalarType::Timestamp => instant_micros(&text).unwrap().to_string(),
        ScalarType::Int16 | ScalarType::Int32 | ScalarType::Int64 => Decimal::parse(&text)
            .unwrap()
            .to_integer()
            .unwrap()
            .to_string(),
        ScalarType::Float64 => text.parse::<f64>().unwrap().to_string(),
        ScalarType::Utf8 | ScalarType::Boolean => text,
    })
}

/// Compares all views over a resource. Gives how many rows there were, none where the resource is
/// refused.
fn compare(views: &BTreeMap<String, ViewDefinition>, resource: &Value) -> Option<usize> {
    let (tables, problems) = fast(views, resource)?;
    let mut count = 0;
    let mut expected_problems = BTreeSet::new();
    for (name, found) in &tables {
        let view = &views[name];
        let columns = view.columns();
        let evaluation = match oracle::evaluate(view, resource) {
            Ok(evaluation) => evaluation,
            Err(problem) => {
                expected_problems.insert((name.clone(), None, problem.place, problem.kind));
                assert!(found.is_empty(), "{name}");
                continue;
            }
        };
        let rows: Rows = evaluation
            .rows
            .iter()
            .map(|row| {
                let cells = row.iter().zip(&columns);
                cells
                    .map(|(value, column)| expected(column.column_type.scalar, value))
                    .collect()
            })
            .collect();
        assert_eq!(found, &rows, "the rows of {name}");
        count += rows.len();
        for problem in evaluation.problems {
            let column = columns[problem.column].name.clone();
            expected_problems.insert((name.clone(), Some(column), problem.path, problem.kind));
        }
    }
    let found_problems: BTreeSet<_> = problems
        .into_iter()
        .map(|problem| {
            (
                problem.table.unwrap(),
                problem.column,
                problem.path,
                problem.kind,
            )
        })
        .collect();
    assert_eq!(found_problems, expected_problems);
    Some(count)
}

fn cases_in(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let cases = serde_json::from_str(&text).unwrap();
            (path, cases)
        })
        .collect()
}

fn compare_cases(folder: &Path) -> usize {
    let mut compared = 0;
    for (path, cases) in cases_in(folder) {
        for test in cases["tests"].as_array().unwrap() {
            let Ok(view) = ViewDefinition::from_json(&test["view"]) else {
                continue;
            };
            println!("{} {}", path.display(), test["title"]);
            let views = BTreeMap::from([("table".to_owned(), view)]);
            for resource in cases["resources"].as_array().unwrap() {
                compared += usize::from(compare(&views, resource).is_some());
            }
        }
    }
    compared
}

#[test]
fn own_conformance_cases_have_the_same_rows_both_ways() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    assert!(compare_cases(&folder) > 100);
}

#[test]
fn conformance_cases_of_the_standard_have_the_same_rows_both_ways() {
    let Ok(folder) = std::env::var("SQL_ON_FHIR_TESTS") else {
        println!("skipped: SQL_ON_FHIR_TESTS names no folder with conformance cases");
        return;
    };
    assert!(compare_cases(Path::new(&folder)) > 100);
}

#[test]
fn real_bodies_have_the_same_rows_in_all_tables_both_ways() {
    let Some(bodies) = support::real_bodies() else {
        return;
    };
    let views = support::pipeline_views();
    let rows: usize = bodies.iter().filter_map(|body| compare(&views, body)).sum();
    assert!(rows > 3_000, "{rows}");
}

#[test]
fn bodies_with_every_known_path_have_the_same_rows_both_ways() {
    let Some(bodies) = support::inventory_bodies() else {
        return;
    };
    let views = support::pipeline_views();
    for body in &bodies {
        compare(&views, body);
    }
}

#[test]
fn every_view_of_the_pipelines_is_evaluated_the_fast_way() {
    for folder in ["views", "bench_views"] {
        for (name, view) in support::views_in(folder) {
            let plan = ResourcePlan::compile(&PlanInput {
                resource: &view.resource.clone(),
                constants: &[],
                context: &[],
                views: vec![(name.clone(), view)],
                order: None,
                drop_where: None,
            })
            .unwrap();
            assert!(!plan.tables()[0].is_plain(), "{folder}/{name}");
        }
    }
}
