//! Expressions, views and resources of every kind.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

/// Pieces that make a text that looks like an expression.
const PIECES: &[&str] = &[
    "name", "first()", "where(", "$this", "%c", "'text'", "1", "-2.5", "{}", "@2020-01", ".", "(",
    ")", "[", "]", ",", "=", "!~", "div", "and", "is", "iif(",
];

const TERMS: &[&str] = &[
    "name",
    "given",
    "value",
    "extension",
    "id",
    "$this",
    "%rowIndex",
    "%resource",
    "%context",
    "%c",
    "'text'",
    "1",
    "2.50",
    "true",
    "{}",
    "@2020-01",
    "@2020-01-02T03:04:05Z",
    "@T10:00",
    "Patient",
];

const STEPS: &[&str] = &[
    "given",
    "value",
    "reference",
    "extension",
    "first()",
    "last()",
    "tail()",
    "single()",
    "exists()",
    "empty()",
    "not()",
    "count()",
    "distinct()",
    "hasValue()",
    "ofType(string)",
    "ofType(Quantity)",
    "is(string)",
    "extension('x')",
    "join(',')",
    "lowBoundary()",
    "lowBoundary(6)",
    "highBoundary()",
    "getReferenceKey(Patient)",
    "getResourceKey()",
    "toInteger()",
    "toDecimal()",
    "toString()",
    "length()",
    "substring(1, 2)",
    "abs()",
    "upper()",
    "replace('e', 'a')",
    "matches('^[a-z]+$')",
    "replaceMatches('(t)', '$1$1')",
];

const OPERATORS: &[&str] = &[
    "=", "!=", "~", "!~", "<", "<=", ">", ">=", "+", "-", "*", "/", "div", "mod", "&", "|", "and",
    "or", "xor", "implies", "in", "contains",
];

const CALLS: &[&str] = &[
    "where",
    "exists",
    "all",
    "select",
    "skip",
    "take",
    "startsWith",
];

const KEYS: &[&str] = &[
    "name",
    "given",
    "value",
    "valueString",
    "valueQuantity",
    "_value",
    "_name",
    "extension",
    "url",
    "reference",
    "id",
    "resourceType",
];

pub(crate) fn json_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(vec![
            "x",
            "y",
            "tent",
            "text",
            "2020-01",
            "2020-01-02T03:04:05Z",
            "Patient/1",
            "10:00",
            ""
        ])
        .prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((select(KEYS), inner), 0..5).prop_map(|members| {
                let object: Map<String, Value> = members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect();
                Value::Object(object)
            }),
        ]
    })
}

pub(crate) fn patient() -> impl Strategy<Value = Value> {
    json_value().prop_map(|body| {
        let mut patient = body.as_object().cloned().unwrap_or_default();
        patient.insert("resourceType".into(), "Patient".into());
        patient.insert("id".into(), "p1".into());
        Value::Object(patient)
    })
}

/// Expressions that are right by the grammar.
pub(crate) fn expression() -> impl Strategy<Value = String> {
    select(TERMS)
        .prop_map(str::to_owned)
        .prop_recursive(4, 24, 2, |inner| {
            prop_oneof![
                (inner.clone(), select(STEPS)).prop_map(|(base, step)| format!("({base}).{step}")),
                (inner.clone(), select(OPERATORS), inner.clone())
                    .prop_map(|(left, operator, right)| format!("({left}) {operator} ({right})")),
                (inner.clone(), select(CALLS), inner.clone())
                    .prop_map(|(base, call, argument)| format!("({base}).{call}({argument})")),
                (inner.clone(), inner.clone())
                    .prop_map(|(base, index)| format!("({base})[{index}]")),
                (inner.clone(), inner.clone())
                    .prop_map(|(criterion, then)| format!("iif({criterion}, {then}, 1)")),
                inner.prop_map(|operand| format!("-({operand})")),
            ]
        })
}

pub(crate) fn pieces() -> impl Strategy<Value = String> {
    vec(select(PIECES), 1..14).prop_map(|pieces| pieces.join(" "))
}

/// The same cases in every run.
pub(crate) fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    }
}

/// A view of one expression for each row of an iteration, which may be typed.
pub(crate) fn view_of_one(path: &str, for_each: &str, fhir_type: &str) -> Value {
    json!({
        "resource": "Patient",
        "constant": [{"name": "c", "valueString": "text"}],
        "select": [
            {"column": [{"name": "a", "path": path, "type": fhir_type}]},
            {"forEachOrNull": for_each, "column": [{"name": "b", "path": path, "type": fhir_type}]},
        ],
    })
}

pub(crate) fn view_of(path: &str, for_each: &str) -> Value {
    json!({
        "resource": "Patient",
        "constant": [{"name": "c", "valueString": "text"}],
        "select": [
            {"column": [{"name": "a", "path": path}]},
            {"forEachOrNull": for_each, "column": [
                {"name": "b", "path": path, "collection": true},
                {"name": "n", "path": "%rowIndex", "type": "integer"},
            ]},
        ],
    })
}
