//! Views of every structure: selects within selects, all iterations, unions.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

const ELEMENTS: &[&str] = &[
    "name",
    "extension",
    "value",
    "name.given",
    "value.ofType(Quantity)",
    "name.where(given.exists())",
    "%resource.name",
    "$this",
    "nothing",
];

const REPEATS: &[&[&str]] = &[
    &["name"],
    &["extension", "value"],
    &["value.name", "name"],
    &["name.first()"],
];

fn columns() -> impl Strategy<Value = Vec<Value>> {
    let column = select(vec![
        json!({"path": "%rowIndex", "type": "integer"}),
        json!({"path": "%rowIndex", "type": "integer", "collection": true}),
        json!({"path": "'text'"}),
        json!({"path": "id"}),
        json!({"path": "given"}),
        json!({"path": "given", "collection": true}),
        json!({"path": "value.ofType(string)"}),
        json!({"path": "name.exists()", "type": "boolean"}),
        json!({"path": "%resource.id"}),
        json!({"path": "%context.url"}),
    ]);
    vec(column, 1..3)
}

fn iteration() -> impl Strategy<Value = Map<String, Value>> {
    let with = |key: &'static str| move |path: Value| Map::from_iter([(key.to_owned(), path)]);
    let element = || select(ELEMENTS).prop_map(Value::from);
    prop_oneof![
        Just(Map::new()),
        element().prop_map(with("forEach")),
        element().prop_map(with("forEachOrNull")),
        select(REPEATS)
            .prop_map(|paths| json!(paths))
            .prop_map(with("repeat")),
    ]
}

/// A select whose columns have no names yet; the branches of its union have the same columns.
fn any_select() -> impl Strategy<Value = Value> {
    let leaf = (iteration(), columns()).prop_map(|(mut select, columns)| {
        select.insert("column".into(), columns.into());
        Value::Object(select)
    });
    leaf.prop_recursive(2, 6, 2, |inner| {
        let union = option::of((vec(iteration(), 1..3), inner.clone()));
        (iteration(), columns(), vec(inner, 0..2), union).prop_map(
            |(mut select, columns, selects, union)| {
                select.insert("column".into(), columns.into());
                select.insert("select".into(), selects.into());
                if let Some((iterations, branch)) = union {
                    let branches: Vec<Value> = iterations
                        .into_iter()
                        .map(|mut around| {
                            around.insert("select".into(), json!([branch]));
                            Value::Object(around)
                        })
                        .collect();
                    select.insert("unionAll".into(), branches.into());
                }
                Value::Object(select)
            },
        )
    })
}

/// Names the columns in the order of the table.
fn name_columns(select: &mut Value, next: &mut usize) {
    for column in list(select, "column") {
        column["name"] = json!(format!("c{next}"));
        *next += 1;
    }
    for nested in list(select, "select") {
        name_columns(nested, next);
    }
    let first = *next;
    for branch in list(select, "unionAll") {
        *next = first;
        name_columns(branch, next);
    }
}

fn list<'v>(select: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    select
        .get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
}

/// A view with at least one column.
pub(crate) fn any_view() -> impl Strategy<Value = Value> {
    vec(any_select(), 1..3).prop_map(|mut selects| {
        let mut next = 0;
        for select in &mut selects {
            name_columns(select, &mut next);
        }
        selects.push(json!({"column": [{"name": "last", "path": "id"}]}));
        json!({"resource": "Patient", "select": selects})
    })
}
