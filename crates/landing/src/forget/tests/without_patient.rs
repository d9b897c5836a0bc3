//! People whose Patient never landed, by what their claims and coverages name them by.

use claimlake_contract::{ApiVersion, Person};

use crate::forget::named_by_claims;
use crate::test_zone::Zone;

const MBI: &str = "http://hl7.org/fhir/sid/us-mbi";
const CMS_MBI: &str = "http://terminology.hl7.org/NamingSystem/cmsMBI";
const PLAN: &str = "https://payer.example/member";
const NPI: &str = "http://hl7.org/fhir/sid/us-npi";

fn eob(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","provider":{{"identifier":{{"system":"{NPI}","value":"9999999989"}}}},"patient":{patient}}}"#
    )
}

fn logical(system: &str, value: &str) -> String {
    format!(r#"{{"identifier":{{"system":"{system}","value":"{value}"}}}}"#)
}

fn conditional(query: &str) -> String {
    format!(r#"{{"reference":"Patient?identifier={query}"}}"#)
}

fn coverage(id: &str, more: &str) -> String {
    format!(r#"{{"resourceType":"Coverage","id":"{id}",{more}}}"#)
}

#[test]
fn what_claims_name_their_patient_by_finds_them_and_nothing_else_does() {
    let zone = Zone::new();
    let contained = format!(
        r##"{{"resourceType":"ExplanationOfBenefit","id":"c1","contained":[{{"resourceType":"Patient","id":"p","identifier":[{{"system":"{MBI}","value":"MC"}}]}}],"patient":{{"reference":"#p"}}}}"##
    );
    zone.import(
        "0001",
        &[
            eob("a1", &logical(MBI, "MA")),
            eob("a2", &conditional(&format!("{MBI}|MA"))),
            eob("a3", &logical(CMS_MBI, "MA")),
            eob("a4", &logical(PLAN, "MA")),
            eob("b1", &conditional("MB")),
            contained,
            coverage("d1", r#""subscriberId":"MD""#),
            coverage(
                "e1",
                r#""subscriberId":"ME","beneficiary":{"reference":"Patient/-5"}"#,
            ),
            eob("f1", &logical(PLAN, "PF")),
            eob(
                "g1",
                &format!(
                    r#"{{"reference":"Patient/-7","identifier":{{"system":"{MBI}","value":"MG"}}}}"#
                ),
            ),
            eob("h1", r#"{"display":"9999999989"}"#),
        ],
    );
    // What is typed, the identifiers it finds, the patient ids beside them, and the lines.
    let cases = [
        (
            "MA",
            vec![format!("{MBI}|MA"), format!("{CMS_MBI}|MA")],
            &[][..],
            3,
        ),
        (&format!("{MBI}|MA"), vec![format!("{MBI}|MA")], &[], 2),
        ("MB", vec!["MB".into()], &[], 1),
        ("MC", vec![format!("{MBI}|MC")], &[], 1),
        // A coverage's subscriber, where nothing else says whose it is.
        ("MD", vec![format!("{MBI}|MD")], &[], 1),
        ("ME", vec![], &[], 0),
        // What several people may have, only with its system.
        ("PF", vec![], &[], 0),
        (&format!("{PLAN}|PF"), vec![format!("{PLAN}|PF")], &[], 1),
        ("MG", vec![format!("{MBI}|MG")], &["-7"], 1),
        // A provider's identifier names no patient.
        ("9999999989", vec![], &[], 0),
        (&format!("{NPI}|9999999989"), vec![], &[], 0),
        // Neither a part of a value nor another spelling.
        ("M", vec![], &[], 0),
        ("ma", vec![], &[], 0),
        ("", vec![], &[], 0),
        (&format!("{MBI}|"), vec![], &[], 0),
    ];
    for (wanted, identifiers, patients, lines) in cases {
        let found = named_by_claims(&zone.layout, wanted).unwrap();
        let shown: Vec<String> = found.identifiers.iter().map(ToString::to_string).collect();
        assert_eq!(shown, identifiers, "{wanted}");
        let ids: Vec<(ApiVersion, &str)> = found
            .patients
            .iter()
            .map(|(api, id)| (*api, id.expose()))
            .collect();
        let expected: Vec<_> = patients.iter().map(|id| (ApiVersion::V2, *id)).collect();
        assert_eq!(ids, expected, "{wanted}");
        let person = Person {
            ids: found.patients.clone(),
            identifiers: found.identifiers.clone(),
            ..Person::default()
        };
        let landed = crate::landed_of(&zone.layout, &person).unwrap();
        assert_eq!(landed.lines.values().sum::<u64>(), lines, "{wanted}");
    }
}
