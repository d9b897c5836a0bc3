//! Claims of Bundles whose references do not say the id: the rows they give, the lake they heal,
//! and who is forgotten.

use std::fs;

use parquet::record::Field;
use serde_json::{Value, json};

use crate::command::{Bench, Ended};
use crate::lake_rows;

pub(crate) const PATIENT: &str = "urn:uuid:5d7a3c10-0001-4000-8000-000000000001";
const COVERAGE: &str = "urn:uuid:5d7a3c10-0002-4000-8000-000000000002";
const MBI: &str = "http://hl7.org/fhir/sid/us-mbi";

pub(crate) fn patient(id: &str, mbi: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "birthDate": "1950-05-05",
        "identifier": [{"system": MBI, "value": mbi}]})
}

pub(crate) fn claim(id: &str, patient: Value) -> Value {
    json!({"resourceType": "ExplanationOfBenefit", "id": id, "status": "active", "use": "claim",
        "meta": {"lastUpdated": "2024-03-01T00:00:00Z"}, "patient": patient,
        "billablePeriod": {"start": "2024-02-01", "end": "2024-02-01"}})
}

pub(crate) fn bundle(entries: Vec<(&str, Value)>) -> Value {
    let entries: Vec<Value> = entries
        .into_iter()
        .map(|(url, resource)| {
            let method = json!({"method": "POST", "url": resource["resourceType"]});
            match url {
                "" => json!({"resource": resource, "request": method}),
                url => json!({"fullUrl": url, "resource": resource, "request": method}),
            }
        })
        .collect();
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

/// As Synthea writes one: everything by uuid, the coverage contained or not, providers by NPI.
fn synthea() -> Value {
    let mut eob = claim("eob-1", json!({"reference": PATIENT}));
    eob["insurance"] = json!([{"focal": true, "coverage": {"reference": COVERAGE}}]);
    eob["provider"] =
        json!({"reference": "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|9999999989"});
    let coverage = json!({"resourceType": "Coverage", "id": "cov-1", "status": "active",
        "beneficiary": {"reference": PATIENT}});
    bundle(vec![
        ("urn:uuid:5d7a3c10-0003-4000-8000-000000000003", eob),
        (COVERAGE, coverage),
        (PATIENT, patient("pat-1", "1S00E00AA32")),
    ])
}

/// As a payer's PDex export: a searchset with addresses, one of them of a server that was moved.
fn pdex() -> Value {
    let base = "https://payer.example/fhir";
    let mut moved = bundle(vec![
        (
            &format!("{base}/Patient/old-1"),
            patient("pat-1", "1S00E00AA32"),
        ),
        (
            &format!("{base}/ExplanationOfBenefit/eob-1"),
            claim("eob-1", json!({"reference": "Patient/old-1"})),
        ),
    ]);
    moved["type"] = json!("searchset");
    moved
}

/// As the example of HL7: one claim with a contained patient, who is in another file.
fn hl7() -> Value {
    let mut eob = claim("eob-1", json!({"reference": "#patient-1"}));
    let contained = json!({"resourceType": "Patient", "id": "patient-1",
        "identifier": [{"system": MBI, "value": "1S00E00AA32"}]});
    eob["contained"] = json!([contained]);
    eob
}

/// Files, the patient and the coverage of the claim `eob-1`.
type Case = (
    &'static str,
    Vec<Value>,
    Option<&'static str>,
    Option<&'static str>,
);

fn cases() -> Vec<Case> {
    let conditional = json!({"reference": format!("Patient?identifier={MBI}|1S00E00AA32")});
    let own = || patient("pat-1", "1S00E00AA32");
    let with = |reference: &Value| claim("eob-1", reference.clone());
    vec![
        ("synthea", vec![synthea()], Some("pat-1"), Some("cov-1")),
        ("pdex", vec![pdex()], Some("pat-1"), None),
        ("hl7", vec![hl7(), own()], Some("pat-1"), None),
        ("hl7 alone", vec![hl7()], None, None),
        (
            "conditional, two files",
            vec![with(&conditional), own()],
            Some("pat-1"),
            None,
        ),
        (
            "conditional, two patients",
            vec![with(&conditional), own(), patient("pat-2", "1S00E00AA32")],
            None,
            None,
        ),
        (
            "logical",
            vec![bundle(vec![
                (
                    "",
                    with(&json!({"identifier": {"system": MBI, "value": "1S00E00AA32"}})),
                ),
                ("", own()),
            ])],
            Some("pat-1"),
            None,
        ),
        (
            "columbia",
            vec![
                with(
                    &json!({"identifier": {"system": "https://columbia.example/mrn", "value": "1S00E00AA32"}}),
                ),
                own(),
            ],
            None,
            None,
        ),
        (
            "uuid is the id",
            vec![with(&json!({"reference": "urn:uuid:pat-1"})), own()],
            Some("pat-1"),
            None,
        ),
        (
            "versioned",
            vec![
                with(&json!({"reference": "Patient/pat-1/_history/3"})),
                own(),
            ],
            Some("pat-1"),
            None,
        ),
        (
            "display alone",
            vec![with(&json!({"display": "somebody"})), own()],
            None,
            None,
        ),
    ]
}

/// The texts of a column of a table in the current snapshot, null as an empty one.
pub(crate) fn column(bench: &Bench, data: &str, table: &str, name: &str) -> Vec<String> {
    let root = bench
        .path()
        .join(data)
        .join("lake/current")
        .canonicalize()
        .unwrap();
    let rows = lake_rows::rows_below(&root.join(table));
    let mut values: Vec<String> = rows
        .iter()
        .map(|row| match lake_rows::cell(row, name) {
            Field::Str(text) => text.clone(),
            _ => String::new(),
        })
        .collect();
    values.sort();
    values
}

pub(crate) fn import(bench: &Bench, data: &str, files: &[Value]) -> Value {
    let names: Vec<String> = files
        .iter()
        .enumerate()
        .map(|(number, file)| {
            let name = format!("{data}-{number}.json");
            bench.write(&name, &file.to_string());
            name
        })
        .collect();
    let mut arguments = vec!["--json", "--data", data, "import", "--api", "v2"];
    arguments.extend(names.iter().map(String::as_str));
    let imported = bench.done(&arguments).summary()["import"].clone();
    bench.done(&["--data", data, "transform"]);
    bench.done(&["--data", data, "load"]);
    imported
}

pub(crate) fn verified(bench: &Bench, data: &str) -> Ended {
    bench.done(&["--json", "--data", data, "verify"])
}

#[test]
fn a_claim_has_its_patient_however_it_names_them_and_the_same_again_changes_nothing() {
    for (number, (name, files, patient, coverage)) in cases().into_iter().enumerate() {
        let bench = Bench::new();
        let data = format!("d{number}");
        let imported = import(&bench, &data, &files);
        let patients = column(&bench, &data, "eob", "patient_id");
        assert_eq!(patients, [patient.unwrap_or_default()], "{name}");
        if let Some(coverage) = coverage {
            assert_eq!(
                column(&bench, &data, "eob_insurance", "coverage_id"),
                [coverage]
            );
            assert_eq!(
                column(&bench, &data, "eob_insurance", "coverage_ref"),
                [COVERAGE]
            );
            assert_eq!(column(&bench, &data, "coverage", "patient_id"), ["pat-1"]);
        }
        let without: u64 = imported["without_patient"]
            .as_object()
            .unwrap()
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum();
        assert_eq!(without, u64::from(patient.is_none()), "{name}: {imported}");
        let checks = verified(&bench, &data).summary()["verify"]["checks"].clone();
        let check = checks
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"] == "patients");
        assert_eq!(check.unwrap()["failed"], without, "{name}");
        import(&bench, &data, &files);
        let snapshots = fs::read_dir(bench.path().join(&data).join("lake/snapshots")).unwrap();
        assert_eq!(
            snapshots.count(),
            1,
            "{name}: the same again made a snapshot"
        );
        verified(&bench, &data);
    }
}

#[test]
fn what_landed_without_its_patient_is_healed_by_importing_it_again() {
    let bench = Bench::new();
    let claims = bundle(vec![("", claim("eob-1", json!({"reference": PATIENT})))]);
    let first = import(&bench, "d", std::slice::from_ref(&claims));
    assert_eq!(first["without_patient"], json!({"not_found": 1}));
    assert_eq!(column(&bench, "d", "eob", "patient_id"), [""]);
    let listed: Vec<String> = fs::read_dir(bench.path().join("d/transformed"))
        .unwrap()
        .map(|run| fs::read_to_string(run.unwrap().path().join("rejects.ndjson")).unwrap())
        .collect();
    assert!(
        listed.concat().contains(r#""reason":"no_patient""#),
        "{listed:?}"
    );
    import(
        &bench,
        "d",
        &[bundle(vec![(PATIENT, patient("pat-1", "1S00E00AA32"))])],
    );
    import(&bench, "d", &[claims]);
    assert_eq!(column(&bench, "d", "eob", "patient_id"), ["pat-1"]);
    verified(&bench, "d");
}

#[test]
fn one_identifier_of_three_patients_takes_nobody_but_the_one_that_is_asked_for() {
    let bench = Bench::new();
    let mut entries: Vec<(&str, Value)> = Vec::new();
    for number in ["1", "2", "3"] {
        let id = format!("pat-{number}");
        entries.push(("", patient(&id, "1S00E00AA32")));
        let reference = json!({"reference": format!("Patient/{id}")});
        entries.push(("", claim(&format!("eob-{number}"), reference)));
    }
    entries.push((PATIENT, patient("pat-4", "1S00E00AA45")));
    entries.push(("", claim("eob-4", json!({"reference": PATIENT}))));
    let by_mbi = json!({"reference": format!("Patient?identifier={MBI}|1S00E00AA45")});
    entries.push(("", claim("eob-5", by_mbi)));
    let files = [bundle(entries)];
    import(&bench, "d", &files);
    let forget = |arguments: &[&str]| {
        bench.run(&[&["--json", "--data", "d", "forget", "--yes"], arguments].concat())
    };

    let refused = forget(&["1S00E00AA32"]).exits(2);
    refused.fails_with("--include-shared");
    assert_eq!(refused.stdout.matches("forget_candidate").count(), 3);
    assert!(!refused.stderr.contains("pat-"), "{}", refused.stderr);

    let one = forget(&["pat-1"]).exits(0);
    assert_eq!(one.stdout.matches("forget_shared").count(), 2);
    assert_eq!(
        column(&bench, "d", "patient", "patient_id"),
        ["pat-2", "pat-3", "pat-4"]
    );
    let claims = || column(&bench, "d", "eob", "eob_id");
    assert_eq!(claims(), ["eob-2", "eob-3", "eob-4", "eob-5"]);
    verified(&bench, "d");

    // By what its references were resolved to, and from an identifier that is theirs alone.
    forget(&["1S00E00AA45"]).exits(0);
    assert_eq!(claims(), ["eob-2", "eob-3"]);
    verified(&bench, "d");
    let again = import(&bench, "d", &files);
    assert_eq!(again["forgotten"], 5, "{again}");
    assert_eq!(claims(), ["eob-2", "eob-3"]);

    forget(&["--include-shared", "v2:pat-2"]).exits(0);
    assert_eq!(claims(), [""; 0]);
    verified(&bench, "d");
}
