//! Tests of whose a line is.

mod odd_keys;

use claimlake_contract::{ApiVersion, Identifier, PatientId, Person, ResourceType};

use super::{is_about, mentions, patients_named};

fn person() -> Person {
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new("-17")));
    let mbi = Identifier::new(Some("http://hl7.org/fhir/sid/us-mbi"), "1S00E00AA32");
    person.identifiers.insert(mbi);
    person
}

fn is_theirs(api: ApiVersion, resource: &str, line: &str) -> bool {
    let resource: ResourceType = resource.parse().unwrap();
    is_about(&person(), api, &resource, line.as_bytes(), &[])
}

#[test]
fn a_claim_is_the_persons_by_its_reference_however_it_is_written() {
    for reference in [
        "Patient/-17",
        "https://x.example/v2/fhir/Patient/-17",
        r"Patient\/-17",
        r"Patient/\u002d17",
        "Patient/-17/_history/2",
    ] {
        let line = format!(r#"{{"id":"a","n":1.50,"patient":{{"reference":"{reference}"}}}}"#);
        assert!(is_theirs(ApiVersion::V2, "ExplanationOfBenefit", &line));
        assert!(!is_theirs(ApiVersion::V3, "ExplanationOfBenefit", &line));
    }
}

#[test]
fn a_longer_id_and_a_claim_of_that_id_are_others() {
    for line in [
        r#"{"id":"-17","patient":{"reference":"Patient/-18"}}"#,
        r#"{"id":"a","patient":{"reference":"Patient/-170"}}"#,
        r#"{"id":"a","patient":{"reference":"NotAPatient/-17"}}"#,
    ] {
        assert!(!is_theirs(ApiVersion::V2, "ExplanationOfBenefit", line));
    }
    assert!(is_theirs(ApiVersion::V2, "Patient", r#"{"id":"-17"}"#));
}

#[test]
fn identifiers_are_compared_by_exact_system_and_where_nothing_else_says_whose_it_is() {
    let mbi = r#"{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00E00AA32"}"#;
    let of_columbia = r#"{"system":"https://columbia.example/mrn","value":"1S00E00AA32"}"#;
    let cases = [
        ("Patient", format!(r#"{{"identifier":[{mbi}]}}"#), true),
        ("Patient", format!(r#"{{"identifier":[{of_columbia}]}}"#), false),
        // A Patient with an id is known by it: whether it is the same person is asked before.
        ("Patient", format!(r#"{{"id":"9","identifier":[{mbi}]}}"#), false),
        ("ExplanationOfBenefit", format!(r#"{{"id":"9","patient":{{"identifier":{mbi}}}}}"#), true),
        ("ExplanationOfBenefit", format!(r#"{{"id":"9","patient":{{"identifier":{of_columbia}}}}}"#), false),
        (
            "ExplanationOfBenefit",
            r#"{"id":"9","patient":{"reference":"Patient?identifier=http://hl7.org/fhir/sid/us-mbi|1S00E00AA32"}}"#.to_owned(),
            true,
        ),
        (
            "ExplanationOfBenefit",
            format!(r##"{{"contained":[{{"resourceType":"Patient","id":"p","identifier":[{mbi}]}}],"patient":{{"reference":"#p"}}}}"##),
            true,
        ),
        ("Coverage", r#"{"resourceType":"Coverage","subscriberId":"1S00E00AA32"}"#.to_owned(), true),
        (
            "Coverage",
            r#"{"resourceType":"Coverage","subscriberId":"1S00E00AA32","beneficiary":{"reference":"Patient/5"}}"#.to_owned(),
            false,
        ),
        ("Coverage", r#"{"resourceType":"Coverage","note":"1S00E00AA32"}"#.to_owned(), false),
    ];
    for (resource, line, expected) in cases {
        assert_eq!(
            is_theirs(ApiVersion::V2, resource, &line),
            expected,
            "{line}"
        );
    }
}

#[test]
fn a_claim_is_the_persons_by_what_its_reference_was_resolved_to() {
    let record = |id: &str| {
        serde_json::from_str(&format!(
            r#"{{"line":1,"reference":"urn:uuid:0b","type":"Patient","id":"{id}"}}"#
        ))
        .unwrap()
    };
    let eob = ResourceType::explanation_of_benefit();
    let line = br#"{"id":"a","patient":{"reference":"urn:uuid:0b"}}"#;
    let about = |api, id: &str| is_about(&person(), api, &eob, line, &[record(id)]);
    assert!(about(ApiVersion::V2, "-17"));
    assert!(!about(ApiVersion::V2, "-18"));
    assert!(!about(ApiVersion::V3, "-17"));
}

#[test]
fn broken_text_mentions_a_name_as_a_word_only() {
    assert!(mentions(&person(), br#"{"id":"-17","#));
    assert!(mentions(&person(), b"x,1S00E00AA32,y"));
    assert!(!mentions(&person(), b"2026-170"));
    assert!(!mentions(&person(), b"11S00E00AA32"));
}

#[test]
fn each_patient_of_a_line_is_named_once() {
    let line = br#"{"id":"-17","link":[{"other":{"reference":"Patient/5"}},{"r":"Patient/5"}]}"#;
    let patients = patients_named(&ResourceType::patient(), line);
    let patients: Vec<&str> = patients.iter().map(PatientId::expose).collect();
    assert_eq!(patients, ["-17", "5"]);
}
