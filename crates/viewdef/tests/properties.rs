//! What holds for every text, view and resource.

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::fhirpath::{Constants, Decimal, parse};
use claimlake_viewdef::oracle;
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
    "highBoundary()",
    "getReferenceKey(Patient)",
    "getResourceKey()",
    "toInteger()",
    "toDecimal()",
    "toString()",
    "length()",
    "substring(1, 2)",
    "abs()",
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

fn json_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        select(vec![
            "x",
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

fn patient() -> impl Strategy<Value = Value> {
    json_value().prop_map(|body| {
        let mut patient = body.as_object().cloned().unwrap_or_default();
        patient.insert("resourceType".into(), "Patient".into());
        Value::Object(patient)
    })
}

/// Expressions that are right by the grammar.
fn expression() -> impl Strategy<Value = String> {
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

fn pieces() -> impl Strategy<Value = String> {
    vec(select(PIECES), 1..14).prop_map(|pieces| pieces.join(" "))
}

/// The same cases in every run.
fn seeded(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    }
}

fn view_of(path: &str, for_each: &str) -> Value {
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

proptest! {
    #![proptest_config(seeded(1_000))]

    #[test]
    fn any_text_is_an_expression_or_an_error_within_it(
        text in prop_oneof!["\\PC{0,60}", pieces()],
    ) {
        if let Err(error) = parse(&text, &Constants::new()) {
            prop_assert!(error.character <= text.chars().count() + 1);
        }
    }

    #[test]
    fn spans_lie_within_the_source(source in expression()) {
        if let Ok(expression) = parse(&source, &Constants::new()) {
            let mut open = vec![&expression];
            while let Some(next) = open.pop() {
                prop_assert!(source.get(next.span.start..next.span.end).is_some());
                open.extend(next.children());
            }
        }
    }

    #[test]
    fn any_view_over_any_resource_gives_whole_rows_or_a_problem(
        path in expression(),
        for_each in select(vec!["name", "extension", "name.given", "value", "$this"]),
        patient in patient(),
    ) {
        let Ok(view) = ViewDefinition::from_json(&view_of(&path, for_each)) else {
            return Ok(());
        };
        if let Ok(evaluation) = oracle::evaluate(&view, &patient) {
            prop_assert!(!evaluation.rows.is_empty());
            for row in &evaluation.rows {
                prop_assert_eq!(row.len(), 3);
                prop_assert!(row[1].is_array() || row[1].is_null());
            }
            for problem in &evaluation.problems {
                prop_assert!(problem.column < 3);
            }
        }
    }

    #[test]
    fn any_json_is_a_view_or_refused(value in json_value()) {
        prop_assert!(ViewDefinition::from_json(&value).is_err());
        let view = json!({"resource": "Patient", "select": [value.clone()], "where": [value]});
        prop_assert!(ViewDefinition::from_json(&view).is_err());
    }

    #[test]
    fn a_decimal_is_written_as_it_was_read(whole in 0_u64..u64::MAX, fraction in "[0-9]{0,15}") {
        let text = if fraction.is_empty() {
            whole.to_string()
        } else {
            format!("{whole}.{fraction}")
        };
        prop_assert_eq!(Decimal::parse(&text).map(|decimal| decimal.to_string()), Some(text));
    }

    #[test]
    fn sums_and_differences_are_those_of_integers(left in -1_000_000_i64..1_000_000, right in -1_000_000_i64..1_000_000) {
        let hundredths = |number: i64| Decimal::new(i128::from(number), 2).unwrap();
        let sum = hundredths(left).checked_add(hundredths(right));
        prop_assert_eq!(sum, Decimal::new(i128::from(left + right), 2));
        prop_assert_eq!(hundredths(left).cmp(&hundredths(right)), left.cmp(&right));
    }
}
