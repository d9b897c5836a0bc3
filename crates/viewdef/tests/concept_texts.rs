//! Concepts that are text alone have a column, and a system beside a code is of the same coding.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod support;

use claimlake_viewdef::reference;
use serde_json::{Value, json};
use support::engines::{differences, is_fast};
use support::pipeline_views;

/// A view, the members of a body, the columns and what its rows have there.
type Case<'c> = (&'c str, Value, &'c [&'c str], &'c [&'c [Option<&'c str>]]);

fn assert_cells(cases: Vec<Case<'_>>) {
    let views = pipeline_views();
    for (name, members, wanted, expected) in cases {
        let view = &views[name];
        assert!(is_fast(view), "{name}");
        let resource = view.resource.as_str();
        let mut body = json!({"resourceType": resource, "id": "1"});
        let members = members.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(members);
        let (_, found) = differences(view, std::slice::from_ref(&body));
        assert_eq!(found, Vec::<String>::new(), "{name}");
        let columns = view.columns();
        let place = |wanted: &&str| {
            let mut names = columns.iter();
            names.position(|column| column.name == *wanted).unwrap()
        };
        let places: Vec<usize> = wanted.iter().map(place).collect();
        let evaluation = reference::evaluate(view, &body).unwrap();
        let rows = evaluation.rows.iter();
        let found: Vec<Vec<Option<&str>>> = rows
            .map(|row| places.iter().map(|at| row[*at].as_str()).collect())
            .collect();
        assert_eq!(found, expected, "{name}: {body}");
    }
}

#[test]
fn a_concept_that_is_text_alone_has_a_column() {
    let text = json!({"text": "in words"});
    let shown = json!({"coding": [{"code": "c", "display": "shown"}], "text": "in words"});
    let item = |members: Value| json!({ "item": [members] });
    let words: &[&[Option<&str>]] = &[&[Some("in words")]];
    assert_cells(vec![
        (
            "eob_item",
            item(json!({"revenue": text})),
            &["revenue_display"],
            words,
        ),
        (
            "eob_item",
            item(json!({"revenue": shown})),
            &["revenue_code", "revenue_display"],
            &[&[Some("c"), Some("shown")]],
        ),
        (
            "eob_item",
            item(json!({"programCode": [text]})),
            &["program_display"],
            words,
        ),
        (
            "eob_item",
            item(json!({"programCode": [shown]})),
            &["program_code", "program_system", "program_display"],
            &[&[Some("c"), None, Some("shown")]],
        ),
        (
            "eob_item_modifier",
            item(json!({"modifier": [text, shown]})),
            &["modifier_text", "code", "display"],
            &[
                &[Some("in words"), None, None],
                &[Some("in words"), Some("c"), Some("shown")],
            ],
        ),
        (
            "eob_diagnosis",
            json!({"diagnosis": [{"onAdmission": text}]}),
            &["poa_display"],
            words,
        ),
        (
            "eob_diagnosis",
            json!({"diagnosis": [{"packageCode": text}]}),
            &["package_code_display"],
            words,
        ),
        (
            "eob_contained",
            json!({"contained": [{"resourceType": "Observation", "id": "o", "code": text}]}),
            &["obs_display"],
            words,
        ),
        (
            "eob_contained_identifier",
            json!({"contained": [{"resourceType": "Organization", "id": "o", "identifier": [{"type": text}]}]}),
            &["type_display"],
            words,
        ),
        (
            "eob",
            json!({"facility": {"identifier": {"type": text}}}),
            &["facility_identifier_type_display"],
            words,
        ),
        (
            "eob",
            json!({"referral": {"identifier": {"type": text}}}),
            &["referral_identifier_type_display"],
            words,
        ),
        (
            "eob_care_team",
            json!({"careTeam": [{"provider": {"identifier": {"type": text}}}]}),
            &["provider_identifier_type_display"],
            words,
        ),
        (
            "eob_extension",
            json!({"extension": [{"url": "u", "valueIdentifier": {"type": text}}]}),
            &["value_identifier_type_display"],
            words,
        ),
        (
            "coverage_extension",
            json!({"extension": [{"url": "u", "valueIdentifier": {"type": text}}]}),
            &["value_identifier_type_display"],
            words,
        ),
        (
            "patient_communication",
            json!({"communication": [{"language": text}]}),
            &["language_display"],
            words,
        ),
    ]);
}

#[test]
fn the_system_is_of_the_coding_that_has_the_code() {
    let split = json!({"coding": [{"system": "A"}, {"code": "x"}]});
    let own = json!({"coding": [{"system": "A"}, {"system": "B", "code": "x"}]});
    let extension =
        |of: &Value| json!({"extension": [{"url": "u", "valueIdentifier": {"type": of}}]});
    let observed =
        |of: &Value| json!({"contained": [{"resourceType": "Observation", "id": "o", "code": of}]});
    let identified = |of: &Value| json!({"contained": [{"resourceType": "Organization", "id": "o", "identifier": [{"type": of}]}]});
    let program =
        |of: &Value| json!({"item": [{"programCode": [of], "detail": [{"programCode": [of]}]}]});
    for (of, system) in [(&split, None), (&own, Some("B"))] {
        let row: &[&[Option<&str>]] = &[&[system, Some("x")]];
        let value = &["value_identifier_type_system", "value_identifier_type"];
        assert_cells(vec![
            (
                "eob_contained_identifier",
                identified(of),
                &["type_system", "type_code"],
                row,
            ),
            (
                "eob_contained",
                observed(of),
                &["obs_code_system", "obs_code"],
                row,
            ),
            ("eob_extension", extension(of), value, row),
            ("coverage_extension", extension(of), value, row),
            ("patient_extension", extension(of), value, row),
            (
                "eob_item",
                program(of),
                &["program_system", "program_code"],
                row,
            ),
            (
                "eob_item_detail",
                program(of),
                &["program_system", "program_code"],
                row,
            ),
        ]);
    }
}
