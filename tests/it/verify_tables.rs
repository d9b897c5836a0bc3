//! What a source sends against itself, as the tables for questions show it: warnings that are counted.

use serde_json::{Value, json};

use crate::command::Bench;

const VARIABLES: &str = "https://bluebutton.cms.gov/resources/variables/";
const PATIENT: &str = "-1001";

fn claim(id: &str, day: &str, more: Value) -> Value {
    let mut claim = json!({
        "resourceType": "ExplanationOfBenefit", "id": id,
        "meta": {"lastUpdated": "2025-01-15T03:04:05Z"}, "status": "active", "use": "claim",
        "type": {"coding": [{"system": "https://bluebutton.cms.gov/resources/codesystem/eob-type", "code": "CARRIER"}]},
        "patient": {"reference": format!("Patient/{PATIENT}")},
        "billablePeriod": {"start": day, "end": day},
    });
    for (name, value) in more.as_object().unwrap() {
        claim[name] = value.clone();
    }
    claim
}

fn diagnosis(sequence: u32, system: &str, code: &str) -> Value {
    json!({"sequence": sequence, "diagnosisCodeableConcept": {"coding": [
        {"system": format!("http://hl7.org/fhir/sid/{system}"), "code": code}]}})
}

fn coverage(id: &str, part: &str, extensions: Value) -> Value {
    json!({
        "resourceType": "Coverage", "id": id, "status": "active",
        "meta": {"lastUpdated": "2026-12-15T03:04:05Z"},
        "beneficiary": {"reference": format!("Patient/{PATIENT}")},
        "class": [{"type": {"coding": [{"code": "plan"}]}, "value": format!("Part {part}")}],
        "extension": extensions,
    })
}

fn coded(url: &str, code: &str) -> Value {
    let url = format!("{VARIABLES}{url}");
    json!({"url": url, "valueCoding": {"system": url, "code": code}})
}

fn year(year: &str) -> Value {
    json!({"url": format!("{VARIABLES}rfrnc_yr"), "valueDate": year})
}

#[test]
fn contradictions_of_the_source_are_counted_and_the_exit_code_is_0() {
    let paid = |amount: f64| json!({"category": {"coding": [{"code": format!("{VARIABLES}line_nch_pmt_amt")}]}, "amount": {"value": amount}});
    let ndc =
        |code: &str| json!({"coding": [{"system": "http://hl7.org/fhir/sid/ndc", "code": code}]});
    let resources = [
        json!({"resourceType": "Patient", "id": PATIENT, "meta": {"lastUpdated": "2025-01-15T03:04:05Z"}}),
        // An ICD-10 code under ICD-9, and ICD-9 in 2024.
        claim(
            "carrier-1",
            "2024-02-01",
            json!({"diagnosis": [
            diagnosis(1, "icd-9-cm", "W5813XD"), diagnosis(2, "icd-10-cm", "E119")]}),
        ),
        // ICD-10 in 2012, and lines that do not add up.
        claim(
            "carrier-2",
            "2012-02-01",
            json!({
            "diagnosis": [diagnosis(1, "icd-10-cm", "E11.9"), diagnosis(2, "icd-9-cm", "250.00")],
            "item": [
                {"sequence": 1, "productOrService": ndc("0093721410"), "adjudication": [paid(10.0)]},
                {"sequence": 2, "productOrService": ndc("00093721410"), "adjudication": [paid(1.0)]},
            ],
            "payment": {"amount": {"value": 12.0}}}),
        ),
        coverage(
            "a-1",
            "A",
            json!([year("2026"), coded("buyin01", "3"), coded("buyin02", "3")]),
        ),
        coverage("a-2", "A", json!([year("2026"), coded("buyin01", "1")])),
        coverage(
            "d-1",
            "D",
            json!([
                year("2026"),
                coded("ptdcntrct01/2025-1", "S1"),
                coded("ptdcntrct02/2026-2", "S1")
            ]),
        ),
    ];
    let lines: String = resources.iter().map(|one| format!("{one}\n")).collect();
    let bench = Bench::new();
    bench.load("d", "all.ndjson", &lines);
    let summary = bench.done(&["--json", "--data", "d", "verify"]).summary();
    let checks = summary["verify"]["checks"].as_array().unwrap();
    let of = |name: &str| {
        let check = checks.iter().find(|check| check["name"] == name);
        let check = check.unwrap_or_else(|| panic!("{name}: {summary}"));
        let number = |key: &str| check[key].as_u64().unwrap();
        (
            check["severity"].as_str().unwrap(),
            number("checked"),
            number("failed"),
        )
    };
    assert_eq!(of("icd_pattern"), ("warning", 4, 1));
    assert_eq!(of("icd_date"), ("warning", 4, 2));
    assert_eq!(of("ndc_ten_digits"), ("warning", 2, 1));
    assert_eq!(of("enrolment_overlap"), ("warning", 5, 1));
    assert_eq!(of("reference_year"), ("warning", 2, 1));
    assert_eq!(of("line_payments"), ("warning", 1, 1));
    assert_eq!(of("allocated_payments"), ("hard", 1, 0));
    assert!(!summary.to_string().contains("W5813XD"));
}
