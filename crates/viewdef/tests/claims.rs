//! Lines that point to arrays of their claim, and amounts by coding: the engine has a program for
//! such views, and its rows are those of the reference evaluator.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::definition::ViewDefinition;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use support::arbitrary::seeded;
use support::claims::claim;
use support::engines::{differences, fast_count, fast_rows, is_fast};

/// Columns of a line.
const COLUMNS: &[&str] = &[
    "%resource.careTeam.where(sequence in %context.careTeamSequence).name",
    "%resource.careTeam.where(sequence in %context.careTeamSequence).name.first()",
    "%resource.careTeam.where(%context.careTeamSequence contains sequence).name",
    "%resource.careTeam.where(sequence in %context.careTeamSequence and role.coding.exists(code = 'a')).name",
    "%resource.careTeam.where(role.coding.exists(code = 'a') and sequence in %context.careTeamSequence).first().name",
    "%resource.careTeam.where(sequence in %context.careTeamSequence and flag).name",
    "%resource.careTeam.where(sequence in %context.careTeamSequence or flag).first().name",
    "%resource.careTeam.where(sequence in %context.careTeamSequence).where(name = 'A').exists()",
    "%resource.careTeam.where(sequence in %context.careTeamSequence)[1].name",
    "%resource.careTeam.where((sequence in %context.careTeamSequence).not()).name.first()",
    "%resource.careTeam.where(sequence in %resource.diagnosis.sequence).name.first()",
    "%resource.diagnosis.where(sequence = %context.diagnosisSequence).name",
    "%resource.diagnosis.where(sequence = %context.diagnosisSequence[0]).name",
    "%resource.diagnosis.where(%context.diagnosisSequence[1] = sequence).name",
    "%resource.diagnosis.where(sequence in %context.diagnosisSequence[2]).name",
    "%resource.diagnosis.where(sequence in %context.diagnosisSequence.first()).name",
    "(%resource.careTeam.where(sequence in %context.careTeamSequence and name = 'A').name | %resource.careTeam.where(sequence in %context.careTeamSequence).name).first()",
    "(%resource.diagnosis.name | %resource.careTeam.where(sequence in %context.careTeamSequence).name).first()",
    "sequence in careTeamSequence",
    "%resource.careTeam.where(flag).name.first()",
    "adjudication.where(category.coding.exists(system = 's' and code = 'a')).amount.value",
    "adjudication.where(category.coding.exists(code = 'b' and system = 's')).amount.value",
    "adjudication.where(category.coding.exists(system = 't' and code = 'a')).amount.value.first()",
    "adjudication.where(category.coding.exists(system = 's\u{e9}\n' and code = '\"quoted\"')).amount.value",
    "adjudication.where(category.coding.exists(system = 's' and code = 'd')).first().amount.value",
    "adjudication.where(category.coding.exists(code = 'c')).amount.value",
    "adjudication.where(category.coding.where(code = 'a').exists()).amount.value",
    "adjudication.where(category.coding.exists(code = 'd')).exists()",
    "adjudication.where(category.coding.exists(code = 'b')).where(amount.exists()).amount.value",
    "adjudication.where(category.coding.exists(code = 'a' and code = 'b')).amount.value",
    "adjudication.other.where(sequence in %context.careTeamSequence).name.first()",
];

/// Columns of an adjudication, where `%context` is that and not the line.
const NESTED: &[&str] = &[
    "%resource.careTeam.where(sequence in %context.other.sequence).name",
    "category.coding.where(system = 's').code.first()",
];

fn columns(paths: &[&str], first: usize, list: bool) -> Value {
    let columns = paths.iter().enumerate().map(|(position, path)| {
        json!({"name": format!("c{}", first + position), "path": path, "collection": list})
    });
    columns.collect()
}

/// A view of one column of the lines: what another column cannot answer must not hide it.
fn one_column(path: &str, list: bool) -> ViewDefinition {
    let view = json!({"resource": "Patient", "select": [
        {"forEach": "item", "column": columns(&[path], 0, list)}]});
    ViewDefinition::from_json(&view).unwrap()
}

/// Iterations over what a line points to, behind one over something else.
fn iterating_view() -> ViewDefinition {
    let pointed_to = "%resource.careTeam.where(sequence in %context.careTeamSequence)";
    let below = "detail.where(sequence in %context.careTeamSequence)";
    let named = |name: &str, path: &str| json!([{"name": name, "path": path, "collection": true}]);
    let view = json!({"resource": "Patient", "select": [
        {"forEach": "item", "select": [
            {"forEachOrNull": "adjudication", "column": named("amount", "amount.value")},
            {"forEachOrNull": pointed_to, "column": named("name", "name")},
            {"unionAll": [
                {"forEach": pointed_to, "column": named("either", "name")},
                {"forEach": "detail", "column": named("either", "sequence")},
            ]},
        ]},
        {"repeat": ["item", below], "column": named("line", "sequence")},
    ]});
    ViewDefinition::from_json(&view).unwrap()
}

/// A view of columns of the lines; the columns of each line's adjudications before and behind.
fn view(paths: &[&str], list: bool, iteration: &str) -> ViewDefinition {
    let lines = match iteration {
        "repeat" => json!(["item", "detail"]),
        _ => json!("item"),
    };
    let nested =
        |first| json!({"forEachOrNull": "adjudication", "column": columns(NESTED, first, list)});
    let view = json!({"resource": "Patient", "select": [{iteration: lines, "select": [
        nested(100),
        {"column": columns(paths, 0, list)},
        {"forEachOrNull": "$this", "column": columns(paths, 200, list)},
    ]}]});
    ViewDefinition::from_json(&view).unwrap()
}

#[test]
fn the_engine_has_a_program_for_every_column() {
    for path in COLUMNS {
        for iteration in ["forEach", "forEachOrNull", "repeat"] {
            assert!(
                is_fast(&view(&[path], false, iteration)),
                "{iteration}: {path}"
            );
        }
    }
}

/// The first item is right and a later one is not: whoever has enough with the first must find that.
#[test]
fn what_is_wrong_behind_the_first_item_is_found() {
    let right = json!({"sequence": 1, "name": "A", "flag": true});
    let role = json!({"coding": [{"code": "a"}]});
    let wrong = [
        json!({"sequence": [1, 2], "name": "B", "flag": true}),
        json!({"sequence": 2, "name": "B", "flag": [true, false]}),
        json!({"sequence": "1", "name": "B", "role": role}),
        json!({"sequence": 1.0, "name": "B", "role": role}),
        json!({"sequence": {}, "name": "B"}),
    ];
    for wrong in wrong {
        for (first, second) in [(&right, &wrong), (&wrong, &right)] {
            let elements = json!([first, second]);
            for sequences in [
                json!([1]),
                json!([1, 2]),
                json!(1),
                json!("1"),
                json!([2, [1]]),
            ] {
                let line = json!({"sequence": 1, "careTeamSequence": sequences,
                    "diagnosisSequence": sequences, "adjudication": [{"other": elements}]});
                let claim = json!({"resourceType": "Patient", "id": "c", "careTeam": elements,
                    "diagnosis": elements, "item": [line, {"careTeamSequence": [7]}]});
                for path in COLUMNS {
                    let view = one_column(path, false);
                    let found = differences(&view, std::slice::from_ref(&claim));
                    assert_eq!(found, (1, Vec::new()), "{path}");
                }
            }
        }
    }
}

#[test]
fn most_claims_need_no_fallback() {
    let mut runner = TestRunner::new(seeded(1));
    let claims = vec(claim(), 200).new_tree(&mut runner).unwrap().current();
    let mut of_all = 0;
    for path in COLUMNS {
        let fast = fast_count(&one_column(path, true), &claims);
        assert!(fast > 60, "{path}: {fast} of {}", claims.len());
        of_all += fast;
    }
    println!("{of_all} of {}", COLUMNS.len() * claims.len());
}

proptest! {
    #![proptest_config(seeded(40))]

    #[test]
    fn both_engines_agree_on_any_claim(claims in vec(claim(), 10)) {
        let (_, differing) = differences(&iterating_view(), &claims);
        prop_assert!(differing.is_empty(), "{:?}", differing);
        for list in [false, true] {
            for iteration in ["forEach", "forEachOrNull", "repeat"] {
                let (compared, differences) = differences(&view(COLUMNS, list, iteration), &claims);
                prop_assert_eq!(compared, claims.len());
                prop_assert!(differences.is_empty(), "{:?}", differences);
            }
        }
    }

}

proptest! {
    #![proptest_config(seeded(300))]

    #[test]
    fn both_engines_agree_on_each_column(
        path in prop::sample::select(COLUMNS),
        list in any::<bool>(),
        claims in vec(claim(), 10),
    ) {
        let (compared, differences) = differences(&one_column(path, list), &claims);
        prop_assert_eq!(compared, claims.len());
        prop_assert!(differences.is_empty(), "{:?}", differences);
    }
}

/// What is written by hand: the line's sequences, the claim's care team, and the names found.
#[test]
fn a_line_finds_what_it_points_to() {
    let both = r#"[{"sequence":1,"name":"A"},{"sequence":2,"name":"B"}]"#;
    let twice =
        r#"[{"sequence":2,"name":"A"},{"sequence":1,"name":"B"},{"sequence":2,"name":"C"}]"#;
    for (sequences, team, expected) in [
        ("[2,1]", both, r#"["A", "B"]"#),
        ("[2]", both, r#"["B"]"#),
        ("[2,2]", both, r#"["B"]"#),
        ("[3]", both, "[]"),
        ("[]", both, "[]"),
        ("[1]", "[]", "[]"),
        ("[2]", twice, r#"["A", "C"]"#),
        ("[1,2]", twice, r#"["A", "B", "C"]"#),
        ("[2.0]", both, r#"["B"]"#),
        (r#"["2"]"#, both, "[]"),
        (
            "[2]",
            r#"[{"name":"A"},{"sequence":2.00,"name":"B"}]"#,
            r#"["B"]"#,
        ),
    ] {
        let line = format!(
            r#"{{"resourceType":"Patient","id":"c","careTeam":{team},"item":[{{"careTeamSequence":{sequences}}}]}}"#
        );
        let path = "%resource.careTeam.where(sequence in %context.careTeamSequence).name";
        let view = one_column(path, true);
        assert_eq!(
            fast_rows(&view, &line, &[]),
            [[expected]],
            "{sequences} of {team}"
        );
    }
}
