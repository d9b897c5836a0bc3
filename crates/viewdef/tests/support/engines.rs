//! One view over resources, by both engines, as text that can be compared.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use chrono::{DateTime, Days, NaiveDate};
use claimlake_viewdef::Error;
use claimlake_viewdef::definition::{Column, ScalarType, ViewDefinition};
use claimlake_viewdef::engine::{Line, PlanInput, ResourcePlan, ResourceWorker};
use claimlake_viewdef::fhirpath::Decimal;
use claimlake_viewdef::json::PADDING;
use claimlake_viewdef::reference;
use claimlake_viewdef::resolved_reference::ResolvedReference;
use serde_json::Value;

/// What one engine made of one resource.
#[derive(Debug)]
struct Made {
    /// Whether the fast engine made the rows itself.
    is_fast: bool,
    rows: Vec<Vec<String>>,
    /// Column, what is wrong, expected, found.
    problems: Vec<(String, String)>,
}

/// How many resources both engines read, and how they differ; resources that are refused as a
/// whole are left out.
pub(crate) fn differences(view: &ViewDefinition, resources: &[Value]) -> (usize, Vec<String>) {
    let lines: Vec<String> = resources.iter().map(Value::to_string).collect();
    differences_of_lines(view, &lines)
}

/// The same for resources as they are written.
pub(crate) fn differences_of_lines(
    view: &ViewDefinition,
    lines: &[impl AsRef<str>],
) -> (usize, Vec<String>) {
    differences_resolved(view, lines, &[])
}

/// The same, where references were resolved.
pub(crate) fn differences_resolved(
    view: &ViewDefinition,
    lines: &[impl AsRef<str>],
    resolved: &[ResolvedReference<'_>],
) -> (usize, Vec<String>) {
    let plan = match plan_of(view) {
        Ok(plan) => Arc::new(plan),
        Err(error) => return (0, vec![format!("no plan: {error}")]),
    };
    // One worker reads them all, as in a load: what it remembers of one must be right for the next.
    let mut worker = ResourceWorker::new(plan, Vec::new(), None);
    let mut compared = 0;
    let mut differences = Vec::new();
    for line in lines {
        let line = line.as_ref();
        let Some(fast) = fast(&mut worker, line, resolved) else {
            continue;
        };
        compared += 1;
        let plain = plain(
            view,
            &claimlake_viewdef::json::value(line.as_bytes()).unwrap(),
            resolved,
        );
        if fast.rows != plain.rows || fast.problems != plain.problems {
            differences.push(format!("{line}\nfast  {fast:?}\nplain {plain:?}"));
        }
    }
    (compared, differences)
}

/// The same of all tables of several views in one plan, which share what they read. Also how many resources
/// the fast engine made all rows of without the fallback.
pub(crate) fn differences_of_plan(
    views: &[(String, ViewDefinition)],
    resources: &[Value],
) -> (usize, usize, Vec<String>) {
    let plan = plan_of_all(views).unwrap();
    let mut worker = ResourceWorker::new(Arc::new(plan), Vec::new(), None);
    let (mut compared, mut are_fast) = (0, 0);
    let mut differences = Vec::new();
    for resource in resources {
        let line = resource.to_string();
        let Some(fast) = fast(&mut worker, &line, &[]) else {
            continue;
        };
        compared += 1;
        are_fast += usize::from(fast.is_fast);
        let mut rows = Vec::new();
        let mut problems = Vec::new();
        for (_, view) in views {
            let plain = plain(view, resource, &[]);
            rows.extend(plain.rows);
            problems.extend(plain.problems);
        }
        problems.sort();
        if fast.rows != rows || fast.problems != problems {
            let row = fast
                .rows
                .iter()
                .zip(&rows)
                .find(|(one, other)| one != other);
            differences.push(format!("{line}\n{row:?}"));
        }
    }
    differences.extend(differences_of_groups(views, resources));
    (compared, are_fast, differences)
}

/// How lines that are read together differ from lines that are read one by one: in what is said of a
/// line, or in the rows of a table.
fn differences_of_groups(views: &[(String, ViewDefinition)], resources: &[Value]) -> Vec<String> {
    let plan = Arc::new(plan_of_all(views).unwrap());
    let mut buffer = Vec::new();
    let mut places = Vec::new();
    for resource in resources {
        let start = buffer.len();
        buffer.extend(resource.to_string().into_bytes());
        places.push((start, buffer.len()));
        buffer.push(b'\n');
    }
    buffer.extend([b'\n'; PADDING]);
    let line = |&(start, end): &(usize, usize)| Line {
        start,
        end,
        order: 0,
        resolved: &[],
    };
    let lines: Vec<Line<'_>> = places.iter().map(line).collect();
    let mut worker = ResourceWorker::new(Arc::clone(&plan), Vec::new(), None);
    let together = worker.read_lines(&buffer, &lines);
    let tables = worker.finish().unwrap();
    let mut alone = ResourceWorker::new(plan, Vec::new(), None);
    let one_by_one: Vec<_> = places
        .iter()
        .map(|&(start, end)| alone.read(&buffer, start, end, 0))
        .collect();
    let mut differences = Vec::new();
    for ((resource, one), other) in resources.iter().zip(&together).zip(&one_by_one) {
        if one != other {
            differences.push(format!("{resource}\ntogether {one:?}\nalone {other:?}"));
        }
    }
    assert_eq!(together.len(), one_by_one.len());
    for ((name, _), (one, other)) in views.iter().zip(tables.iter().zip(alone.finish().unwrap())) {
        if *one != other {
            differences.push(format!("rows of {name} in a group of lines"));
        }
    }
    differences
}

/// Whether the fast engine has a program for the view.
pub(crate) fn is_fast(view: &ViewDefinition) -> bool {
    plan_of(view).is_ok_and(|plan| plan.tables().iter().all(|table| !table.needs_fallback()))
}

/// The columns of a view that the fast engine has no program for.
pub(crate) fn fallback_columns(view: &ViewDefinition) -> Vec<String> {
    let plan = plan_of(view).unwrap();
    let tables = plan.tables().iter();
    tables
        .flat_map(|table| table.fallback_columns().to_vec())
        .collect()
}

/// How many of the resources the fast engine makes the rows of without the fallback.
pub(crate) fn fast_count(view: &ViewDefinition, resources: &[Value]) -> usize {
    let mut worker = ResourceWorker::new(Arc::new(plan_of(view).unwrap()), Vec::new(), None);
    let made = resources
        .iter()
        .filter_map(|one| fast(&mut worker, &one.to_string(), &[]));
    made.filter(|made| made.is_fast).count()
}

fn plan_of(view: &ViewDefinition) -> Result<ResourcePlan, Error> {
    plan_of_all(&[("table".to_owned(), view.clone())])
}

fn plan_of_all(views: &[(String, ViewDefinition)]) -> Result<ResourcePlan, Error> {
    ResourcePlan::compile(&PlanInput {
        resource: &views[0].1.resource,
        constants: &[],
        context: &[],
        views: views.to_vec(),
        order: None,
        drop_where: None,
    })
}

fn fast(
    worker: &mut ResourceWorker,
    line: &str,
    resolved: &[ResolvedReference<'_>],
) -> Option<Made> {
    let mut buffer = line.as_bytes().to_vec();
    let end = buffer.len();
    buffer.extend(std::iter::repeat_n(b'\n', PADDING.max(1)));
    let read = worker.read_resolved(&buffer, (0, end), 0, resolved).ok()?;
    let mut problems: Vec<(String, String)> = read
        .problems
        .iter()
        .map(|problem| {
            (
                problem.column.clone().unwrap_or_default(),
                format!("{:?}", problem.mismatch.kind),
            )
        })
        .collect();
    problems.sort();
    let batches = worker.finish().unwrap();
    let rows = batches.iter().flatten().flat_map(rows_of).collect();
    Some(Made {
        is_fast: read.fallback_tables == 0,
        rows,
        problems,
    })
}

/// The rows of one view over one line, as the fast engine makes them.
pub(crate) fn fast_rows(
    view: &ViewDefinition,
    line: &str,
    resolved: &[ResolvedReference<'_>],
) -> Vec<Vec<String>> {
    let plan = Arc::new(plan_of(view).unwrap());
    let mut worker = ResourceWorker::new(plan, Vec::new(), None);
    fast(&mut worker, line, resolved).unwrap().rows
}

fn plain(view: &ViewDefinition, resource: &Value, resolved: &[ResolvedReference<'_>]) -> Made {
    let columns = view.columns();
    match reference::evaluate_resolved(view, resource, resolved) {
        Err(problem) => Made {
            is_fast: false,
            rows: Vec::new(),
            problems: vec![(String::new(), format!("{:?}", problem.mismatch.kind))],
        },
        Ok(evaluation) => {
            let mut problems: Vec<(String, String)> = evaluation
                .problems
                .iter()
                .map(|problem| {
                    (
                        columns[problem.column].name.clone(),
                        format!("{:?}", problem.mismatch.kind),
                    )
                })
                .collect();
            problems.sort();
            let rows = evaluation
                .rows
                .iter()
                .map(|row| {
                    row.iter()
                        .zip(&columns)
                        .map(|(value, column)| shown(value, column))
                        .collect()
                })
                .collect();
            Made {
                is_fast: false,
                rows,
                problems,
            }
        }
    }
}

/// A value of the reference evaluator as its column's type holds it.
fn shown(value: &Value, column: &Column) -> String {
    if let Value::Array(items) = value {
        let items: Vec<String> = items.iter().map(|item| shown(item, column)).collect();
        return format!("[{}]", items.join(", "));
    }
    if value.is_null() {
        return "null".into();
    }
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match column.column_type.scalar {
        ScalarType::Utf8 => format!("{text:?}"),
        ScalarType::Boolean => text,
        ScalarType::Int16 | ScalarType::Int32 | ScalarType::Int64 => Decimal::parse(&text)
            .unwrap()
            .to_integer()
            .unwrap()
            .to_string(),
        ScalarType::Float64 => format!("{:?}", text.parse::<f64>().unwrap()),
        ScalarType::Decimal { scale, .. } => Decimal::parse(&text)
            .unwrap()
            .normalized()
            .rescaled(u32::try_from(scale).unwrap())
            .unwrap()
            .to_string(),
        ScalarType::Date => text[..10].to_owned(),
        ScalarType::Timestamp => DateTime::parse_from_rfc3339(&text)
            .unwrap()
            .timestamp_micros()
            .to_string(),
    }
}

fn rows_of(batch: &RecordBatch) -> Vec<Vec<String>> {
    (0..batch.num_rows())
        .map(|row| {
            batch
                .columns()
                .iter()
                .map(|column| cell(column.as_ref(), row))
                .collect()
        })
        .collect()
}

fn cell(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "null".into();
    }
    match array.data_type() {
        DataType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            let digits = array.as_primitive::<Decimal128Type>().value(row);
            Decimal::new(digits, u32::try_from(*scale).unwrap())
                .unwrap()
                .to_string()
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().value(row);
            let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
            let distance = Days::new(u64::from(days.unsigned_abs()));
            let date = if days < 0 {
                epoch.checked_sub_days(distance)
            } else {
                epoch.checked_add_days(distance)
            };
            date.unwrap().to_string()
        }
        DataType::Timestamp(_, _) => array
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .to_string(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<String> = (0..items.len()).map(|row| cell(&items, row)).collect();
            format!("[{}]", items.join(", "))
        }
        other => panic!("no column has the type {other}"),
    }
}
