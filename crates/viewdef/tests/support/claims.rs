//! Claims whose lines point to arrays of the claim and have amounts by coding: as they are sent, and
//! with everything that can be wrong with them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A number as claims have it, now and then something else.
fn sequence() -> impl Strategy<Value = Value> {
    prop_oneof![
        120 => (1_u8..6).prop_map(Value::from),
        1 => select(vec![
            r#""2""#, "1.0", "2e0", "-1", "0", "[1,2]", "[3]", "[]", "null", "{}", "true",
            r#"{"value":1}"#, "1234567890123456789012", "0.5", r#""2024-01-02""#, "[null]", "[[1]]",
        ])
        .prop_map(|text| serde_json::from_str(text).unwrap()),
    ]
}

fn sequences() -> impl Strategy<Value = Value> {
    prop_oneof![
        40 => vec((1_u8..7).prop_map(Value::from), 1..4).prop_map(Value::from),
        2 => vec(sequence(), 1..4).prop_map(Value::from),
        1 => sequence(),
    ]
}

fn coding() -> impl Strategy<Value = Value> {
    let text = |texts: &'static [&'static str]| {
        prop_oneof![
            120 => select(texts).prop_map(Value::from),
            1 => select(vec!["[\"a\",\"b\"]", "1", "null", "{}", "[]", "true"])
                .prop_map(|text| serde_json::from_str(text).unwrap()),
        ]
    };
    let system = proptest::option::weighted(0.9, text(&["s", "t", "s\u{e9}\n"]));
    let code = proptest::option::weighted(0.95, text(&["a", "b", "c", "d", "\"quoted\""]));
    (system, code).prop_map(|(system, code)| members([("system", system), ("code", code)]))
}

fn concept() -> impl Strategy<Value = Value> {
    prop_oneof![
        80 => vec(coding(), 1..4).prop_map(|codings| json!({ "coding": codings })),
        1 => coding().prop_map(|coding| json!({ "coding": coding })),
        1 => select(vec!["{}", "null", "[]", "\"text\"", "[{\"coding\":[{\"system\":\"s\",\"code\":\"a\"}]},{}]"])
            .prop_map(|text| serde_json::from_str(text).unwrap()),
    ]
}

fn members<const N: usize>(found: [(&str, Option<Value>); N]) -> Value {
    let found = found.into_iter();
    let object: Map<String, Value> = found
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    Value::Object(object)
}

fn maybe<S: Strategy<Value = Value>>(value: S) -> impl Strategy<Value = Option<Value>> {
    proptest::option::weighted(0.85, value)
}

/// An element that lines point to.
fn pointed_to() -> impl Strategy<Value = Value> {
    let name = select(vec!["A", "B", "\"C\""]).prop_map(Value::from);
    (maybe(sequence()), maybe(name), maybe(concept())).prop_map(|(sequence, name, role)| {
        members([
            ("sequence", sequence),
            ("name", name),
            ("role", role),
            ("flag", Some(json!(true))),
        ])
    })
}

fn adjudication() -> impl Strategy<Value = Value> {
    let amount = (0_u16..999).prop_map(|cents| json!({ "value": cents }));
    (maybe(concept()), maybe(amount), maybe(pointed_to())).prop_map(|(category, amount, other)| {
        members([("category", category), ("amount", amount), ("other", other)])
    })
}

fn line() -> impl Strategy<Value = Value> {
    let line = || {
        let adjudications = vec(adjudication(), 1..5).prop_map(Value::from);
        (
            maybe(sequence()),
            maybe(sequences()),
            maybe(sequences()),
            maybe(adjudications),
        )
    };
    (line(), vec(line(), 0..2)).prop_map(|(own, below)| {
        let object = |(sequence, team, diagnoses, adjudications)| {
            members([
                ("sequence", sequence),
                ("careTeamSequence", team),
                ("diagnosisSequence", diagnoses),
                ("adjudication", adjudications),
            ])
        };
        let mut line: Value = object(own);
        let below: Vec<Value> = below.into_iter().map(object).collect();
        if !below.is_empty() {
            line["detail"] = below.into();
        }
        line
    })
}

/// A claim.
pub(crate) fn claim() -> impl Strategy<Value = Value> {
    let array = |of: BoxedStrategy<Value>| {
        let usual = vec(of.clone(), 1..5).prop_map(Value::from);
        maybe(prop_oneof![20 => usual, 1 => of, 1 => select(vec![Value::Null, json!([])])])
    };
    let parts = (
        array(pointed_to().boxed()),
        array(pointed_to().boxed()),
        array(line().boxed()),
    );
    parts.prop_map(|(team, diagnoses, lines)| {
        members([
            ("resourceType", Some("Patient".into())),
            ("id", Some("c".into())),
            ("careTeam", team),
            ("diagnosis", diagnoses),
            ("item", lines),
        ])
    })
}
