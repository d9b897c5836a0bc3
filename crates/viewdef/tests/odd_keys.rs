//! What a view reads of a claim whose keys are escaped, twice or nearly another key: the fast engine
//! and the reference evaluator alike.

use claimlake_viewdef::definition::ViewDefinition;
use claimlake_viewdef::{json, reference};
use serde_json::Value;

const CASES: &str = include_str!("../../../fixtures/odd_keys.json");

#[test]
fn a_key_twice_is_refused_however_it_is_written_and_an_escaped_one_is_read() {
    let view = serde_json::json!({"resourceType": "ViewDefinition", "resource": "ExplanationOfBenefit",
        "status": "active", "name": "odd",
        "select": [{"column": [{"name": "id", "path": "id", "type": "string"},
            {"name": "patient", "path": "patient.reference", "type": "string"}]}]});
    let view = ViewDefinition::from_text(&view.to_string()).unwrap();
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for case in cases {
        let name = case["case"].as_str().unwrap();
        let line = case["line"].as_str().unwrap();
        let found = json::value(line.as_bytes());
        match case["table"].as_str().unwrap() {
            "twice" => assert_eq!(found, Err(json::ValueFault::DuplicateKey), "{name}"),
            "refused" => assert_eq!(found, Err(json::ValueFault::LoneSurrogate), "{name}"),
            _ => {
                let rows = reference::evaluate(&view, &found.unwrap()).unwrap().rows;
                assert_eq!(rows.len(), 1, "{name}");
                let row = format!("{:?}", rows[0]);
                let read = match case["person"].as_str().unwrap() {
                    "foreign" if !name.contains("beneficiary") => "Patient/-20",
                    _ => "Patient/-19",
                };
                assert!(row.contains(read), "{name}: {row}");
            }
        }
    }
}
