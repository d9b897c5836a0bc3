//! Bodies of a person's claims that landed before it was known whose they are.

use claimlake_contract::{ApiVersion, Identifier, Person};

use super::{bundle as bundle_of, claim, entry, person};
use crate::forget::{forget, landed_of};
use crate::test_zone::{Zone, run};

const UUID: &str = "urn:uuid:01";
const MBI: &str = "http://hl7.org/fhir/sid/us-mbi";

fn with(resource: &str, id: &str, subject: &str) -> String {
    let member = match resource {
        "Coverage" => "beneficiary",
        _ => "patient",
    };
    format!(r#"{{"resourceType":"{resource}","id":"{id}","{member}":{subject}}}"#)
}

fn eob(id: &str, subject: &str) -> String {
    with("ExplanationOfBenefit", id, subject)
}

fn reference(text: &str) -> String {
    format!(r#"{{"reference":"{text}"}}"#)
}

fn logical(system: &str, value: &str) -> String {
    format!(r#"{{"identifier":{{"system":"{system}","value":"{value}"}}}}"#)
}

/// A Bundle of a Patient, whom the uuid names, and other resources.
fn bundle(patient: &str, resources: &[String]) -> String {
    let entry_of = |one: &String| format!(r#"{{"resource":{one}}}"#);
    let mut entries: Vec<String> = resources.iter().map(entry_of).collect();
    let patient = format!(r#"{{"resourceType":"Patient","id":"{patient}"}}"#);
    entries.push(entry(UUID, &patient));
    bundle_of(&entries)
}

fn with_mbi(mut person: Person, value: &str) -> Person {
    person.identifiers.insert(Identifier::new(Some(MBI), value));
    person
}

#[test]
fn an_earlier_body_goes_with_the_claim_unless_it_says_that_it_is_somebody_elses() {
    let healed = || bundle("-1", &[eob("a", &reference(UUID))]);
    let by_uuid = |id: &str| eob(id, &reference(UUID));
    let bare = r#"{"resourceType":"ExplanationOfBenefit","id":"a"}"#;
    let cases: [(&str, String, bool); 12] = [
        ("by uuid", by_uuid("a"), true),
        ("by another uuid", eob("a", &reference("urn:uuid:77")), true),
        (
            "contained, without a name",
            eob("a", &reference("#p")),
            true,
        ),
        ("by its name", eob("a", r#"{"display":"Doe"}"#), true),
        ("without a patient", bare.into(), true),
        ("escaped id", by_uuid(r"\u0061"), true),
        (
            "an MBI, none of the person's is known",
            eob("a", &logical(MBI, "9")),
            true,
        ),
        ("another MBI", eob("a", &logical(MBI, "9")), false),
        ("another id", eob("a", &reference("Patient/-2")), false),
        ("another claim", by_uuid("b"), false),
        (
            "a coverage of that id",
            with("Coverage", "a", &reference(UUID)),
            false,
        ),
        ("the same id in v3", by_uuid("a"), false),
    ];
    for (name, line, is_removed) in cases {
        let api = match name {
            "the same id in v3" => ApiVersion::V3,
            _ => ApiVersion::V2,
        };
        let who = match name {
            "another MBI" => with_mbi(person("-1"), "1"),
            _ => person("-1"),
        };
        // A uuid leads to a Patient that landed before, so the bare line comes first, and also last
        // where nothing leads from it.
        let zone = Zone::new();
        zone.import_of(api, "0001", &[line.clone(), claim("z", "-3")]);
        zone.import("0002", &[healed()]);
        let expected = 2 + u64::from(is_removed);
        let landed = landed_of(&zone.layout, &who).unwrap();
        assert_eq!(landed.lines.values().sum::<u64>(), expected, "{name}");
        assert_eq!(zone.forget(&who), expected, "{name}");
        let left: Vec<String> = zone.lines().into_iter().flat_map(|(_, l)| l).collect();
        assert_eq!(left.contains(&line), !is_removed, "{name}");
        assert!(left.contains(&claim("z", "-3")), "{name}");
        assert_eq!(zone.forget(&who), 0, "{name}");
    }
}

#[test]
fn what_was_resolved_to_somebody_else_stays_though_the_claim_has_the_same_id() {
    let zone = Zone::new();
    let of_one = eob("a", &reference(UUID));
    let of_two = eob("a", &reference("urn:uuid:02"));
    zone.import("0001", &[bundle("-1", &[of_one])]);
    let of_bundle = [
        format!(r#"{{"resource":{of_two}}}"#),
        entry("urn:uuid:02", r#"{"resourceType":"Patient","id":"-2"}"#),
    ];
    zone.import("0002", &[bundle_of(&of_bundle)]);
    assert_eq!(zone.forget(&person("-1")), 2);
    let left: Vec<String> = zone.lines().into_iter().flat_map(|(_, l)| l).collect();
    assert!(left.contains(&of_two), "{left:?}");
    assert_eq!(zone.forget(&person("-2")), 2);
}

#[test]
fn rejected_beginnings_of_the_persons_claims_go_and_those_of_others_stay() {
    let zone = Zone::new();
    let broken = |id: &str, of: &str| {
        format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"{of}"}},"x":""#
        )
    };
    let stay = [broken("b", UUID), broken("a", "Patient/-2")];
    let mut lines = vec![claim("z", "-3")];
    lines.extend(stay.clone());
    lines.push(broken("a", UUID));
    zone.import("0001", &lines);
    zone.import("0002", &[bundle("-1", &[eob("a", &reference(UUID))])]);
    assert_eq!(landed_of(&zone.layout, &person("-1")).unwrap().rejected, 1);
    zone.forget(&person("-1"));
    let file = zone.layout.rejected_file(&run("0001"));
    let text = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    let kept: Vec<String> = String::from_utf8(text)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kept, stay);
}

#[test]
fn a_removal_that_stops_anywhere_still_finds_the_earlier_bodies() {
    let make = || {
        let zone = Zone::new();
        // The line that says whose it is lies before, between and behind those that do not.
        zone.import("0001", &[eob("b", &reference("Patient/-1"))]);
        let bare = |id: &str| eob(id, &reference("urn:uuid:77"));
        zone.import("0002", &[bare("a"), bare("b"), claim("z", "-3")]);
        zone.import("0003", &[bundle("-1", &[eob("a", &reference(UUID))])]);
        zone.import("0004", &[bare("a"), bare("y")]);
        zone
    };
    let lines = |zone: &Zone| -> Vec<String> {
        zone.lines()
            .into_iter()
            .flat_map(|(_, lines)| lines)
            .collect()
    };
    let expected = [claim("z", "-3"), eob("y", &reference("urn:uuid:77"))];
    for stop_at in 0..40 {
        let zone = make();
        let mut step = 0;
        let stopped = forget(&zone.layout, &person("-1"), &mut |_| {
            step += 1;
            match step > stop_at {
                true => Err(std::io::Error::other("stopped")),
                false => Ok(()),
            }
        });
        zone.forget(&person("-1"));
        assert_eq!(lines(&zone), expected, "{stop_at}");
        if stopped.is_ok() {
            assert!(stop_at > 8, "{stop_at}");
            return;
        }
    }
    unreachable!("a removal of few steps never came to its end");
}
