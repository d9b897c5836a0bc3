//! Whom a line speaks of and which resource it is, where its keys are escaped, twice or nearly
//! another key.

use claimlake_contract::{ApiVersion, PatientId, Person, ResourceType};
use serde::Deserialize;

use super::super::{is_about, patients_named};
use crate::{quoted_id, resource_id, subject_of, text_member};

#[derive(Deserialize)]
struct Case {
    case: String,
    line: String,
    person: String,
    table: String,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../../../../fixtures/odd_keys.json")).unwrap()
}

#[test]
fn a_line_that_has_rows_is_of_the_resource_and_patient_that_the_tables_read() {
    let with_rows = cases().into_iter().filter(|case| case.table == "row");
    let (mut own, mut anothers) = (0, 0);
    for Case {
        case, line, person, ..
    } in with_rows
    {
        let text = line.as_bytes();
        let reference = subject_of("ExplanationOfBenefit", text).and_then(|one| one.reference);
        // `beneficiary` is not where a claim names its patient: the check refuses it all the same.
        let patient = match (
            person.as_str(),
            line.contains("beneficiary") || line.contains("benefici\\u0061ry"),
        ) {
            ("own", _) | (_, true) => "Patient/-19",
            _ => "Patient/-20",
        };
        own += u32::from(patient == "Patient/-19");
        anothers += u32::from(patient == "Patient/-20");
        assert_eq!(reference.as_deref(), Some(patient), "{case}");
        let of_type = text_member(text, "resourceType");
        assert_eq!(of_type.as_deref(), Some("ExplanationOfBenefit"), "{case}");
        let id = resource_id(text).unwrap();
        assert!(id.starts_with("c-"), "{case}");
        assert_eq!(quoted_id(text).unwrap(), format!("\"{id}\"").as_bytes());
    }
    assert!(own > 5 && anothers > 0);
}

#[test]
fn who_is_forgotten_is_found_in_every_line_that_names_them_whatever_its_keys() {
    let claims = ResourceType::explanation_of_benefit();
    let all: Vec<(String, String)> = cases()
        .into_iter()
        .map(|case| (case.case, case.line))
        .chain([
            (
                "half a surrogate in a value before the patient".to_owned(),
                r#"{"resourceType":"ExplanationOfBenefit","note":"\ud800","patient":{"reference":"Patient/-19"}}"#.to_owned(),
            ),
            (
                "half a surrogate in the middle of a key".to_owned(),
                r#"{"x\udc00":1,"resourceType":"ExplanationOfBenefit","patient":{"reference":"Pat\u0069ent/-19"}}"#.to_owned(),
            ),
        ])
        .collect();
    for (case, line) in all {
        for id in ["-19", "-20"] {
            let mut person = Person::default();
            person.ids.insert((ApiVersion::V2, PatientId::new(id)));
            let found = is_about(&person, ApiVersion::V2, &claims, line.as_bytes(), &[]);
            assert_eq!(found, line.contains(&format!("/{id}\"")), "{case}, {id}");
            let people = patients_named(&claims, line.as_bytes());
            assert_eq!(
                people.contains(&PatientId::new(id)),
                line.contains(&format!("/{id}\"")),
                "{case}, {id}"
            );
        }
    }
}
