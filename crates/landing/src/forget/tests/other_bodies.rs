//! Bodies of a person's claims that landed before it was known whose they are.

use claimlake_contract::{ApiVersion, Identifier, Person};

use super::{Zone, claim, person};
use crate::forget::{forget, landed_of};

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

/// A bundle of a Patient by uuid, if any, and other resources.
fn bundle(patient: Option<&str>, resources: &[String]) -> String {
    let mut entries: Vec<String> = resources
        .iter()
        .map(|one| format!(r#"{{"resource":{one}}}"#))
        .collect();
    if let Some(id) = patient {
        entries.push(format!(
            r#"{{"fullUrl":"{UUID}","resource":{{"resourceType":"Patient","id":"{id}"}}}}"#
        ));
    }
    format!(
        r#"{{"resourceType":"Bundle","entry":[{}]}}"#,
        entries.join(",")
    )
}

fn with_mbi(mut person: Person, value: &str) -> Person {
    person.identifiers.insert(Identifier::new(Some(MBI), value));
    person
}

#[test]
fn an_earlier_body_goes_with_the_claim_unless_it_says_that_it_is_somebody_elses() {
    let healed = || bundle(Some("-1"), &[eob("a", &reference(UUID))]);
    let v3 = ApiVersion::V3;
    let v2 = ApiVersion::V2;
    let cases: Vec<(&str, ApiVersion, String, Person, bool)> = vec![
        (
            "by uuid",
            v2,
            eob("a", &reference(UUID)),
            person("-1"),
            true,
        ),
        (
            "by another uuid",
            v2,
            eob("a", &reference("urn:uuid:77")),
            person("-1"),
            true,
        ),
        (
            "contained, without a name",
            v2,
            eob("a", &reference("#p")),
            person("-1"),
            true,
        ),
        (
            "by its name",
            v2,
            eob("a", r#"{"display":"Doe"}"#),
            person("-1"),
            true,
        ),
        (
            "without a patient",
            v2,
            r#"{"resourceType":"ExplanationOfBenefit","id":"a"}"#.into(),
            person("-1"),
            true,
        ),
        (
            "escaped id",
            v2,
            eob(r"\u0061", &reference(UUID)),
            person("-1"),
            true,
        ),
        (
            "an mbi of nobody known",
            v2,
            eob("a", &logical(MBI, "9")),
            person("-1"),
            true,
        ),
        (
            "another mbi",
            v2,
            eob("a", &logical(MBI, "9")),
            with_mbi(person("-1"), "1"),
            false,
        ),
        (
            "another id",
            v2,
            eob("a", &reference("Patient/-2")),
            person("-1"),
            false,
        ),
        (
            "another claim",
            v2,
            eob("b", &reference(UUID)),
            person("-1"),
            false,
        ),
        (
            "a coverage of that id",
            v2,
            with("Coverage", "a", &reference(UUID)),
            person("-1"),
            false,
        ),
        (
            "the same id in v3",
            v3,
            eob("a", &reference(UUID)),
            person("-1"),
            false,
        ),
    ];
    for (name, api, line, who, goes) in cases {
        // A uuid leads to a Patient that landed before, so the bare line comes first, and also last
        // where nothing leads from it.
        let zone = Zone::new();
        zone.import_of(api, "0001", &[line.clone(), claim("z", "-3")]);
        zone.import("0002", &[healed()]);
        let expected = 2 + u64::from(goes);
        let landed = landed_of(&zone.layout, &who).unwrap();
        assert_eq!(landed.lines.values().sum::<u64>(), expected, "{name}");
        assert_eq!(zone.forget(&who), expected, "{name}");
        let left: Vec<String> = zone.lines().into_iter().flat_map(|(_, l)| l).collect();
        assert_eq!(left.contains(&line), !goes, "{name}");
        assert!(left.contains(&claim("z", "-3")), "{name}");
        assert_eq!(zone.forget(&who), 0, "{name}");
    }
}

#[test]
fn what_was_resolved_to_somebody_else_stays_though_the_claim_has_the_same_id() {
    let zone = Zone::new();
    let of_one = eob("a", &reference(UUID));
    let of_two = eob("a", &reference("urn:uuid:02"));
    zone.import("0001", &[bundle(Some("-1"), &[of_one])]);
    let two = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"resource":{of_two}}},{{"fullUrl":"urn:uuid:02","resource":{{"resourceType":"Patient","id":"-2"}}}}]}}"#
    );
    zone.import("0002", &[two]);
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
    zone.import("0002", &[bundle(Some("-1"), &[eob("a", &reference(UUID))])]);
    assert_eq!(landed_of(&zone.layout, &person("-1")).unwrap().rejected, 1);
    zone.forget(&person("-1"));
    let file = zone.layout.rejected_file(&super::run("0001"));
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
        zone.import("0003", &[bundle(Some("-1"), &[eob("a", &reference(UUID))])]);
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
