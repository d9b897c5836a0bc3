//! Who is forgotten though their claims do not say the patient's id: by an earlier import, or by an
//! identifier alone.

use std::fs;

use serde_json::{Value, json};

use crate::command::{Bench, Ended};
use crate::forget::scene::landed;
use crate::references::{PATIENT, bundle, claim, column, import, patient, verified};

const MBI: &str = "http://hl7.org/fhir/sid/us-mbi";

fn forget(bench: &Bench, who: &str) -> Ended {
    bench.run(&["--json", "--data", "d", "forget", "--yes", who])
}

/// The ids of all landed claims.
fn landed_claims(bench: &Bench) -> Vec<String> {
    let mut landed = landed(&bench.path().join("d"));
    landed.retain(|one| one["resourceType"] == "ExplanationOfBenefit");
    let ids = landed
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned());
    ids.collect()
}

#[test]
fn a_claim_that_landed_before_its_patient_is_forgotten_with_them() {
    let bench = Bench::new();
    let eob = || claim("eob-1", json!({"reference": PATIENT}));
    let other = claim("eob-2", json!({"reference": "Patient/pat-2"}));
    import(&bench, "d", &[bundle(vec![("", eob()), ("", other)])]);
    import(
        &bench,
        "d",
        &[bundle(vec![
            (PATIENT, patient("pat-1", "1S00E00AA32")),
            ("", eob()),
        ])],
    );
    assert_eq!(column(&bench, "d", "eob", "patient_id"), ["pat-1", "pat-2"]);

    let forgotten = forget(&bench, "pat-1").exits(0);
    let landing = &forgotten.summary()["forget"]["landing"];
    assert_eq!(
        *landing,
        json!({"v2/ExplanationOfBenefit": 2, "v2/Patient": 1})
    );
    assert_eq!(landed_claims(&bench), ["eob-2"]);
    let left = || column(&bench, "d", "eob", "eob_id");
    assert_eq!(left(), ["eob-2"]);
    verified(&bench, "d");
    // What would make all of it anew.
    bench.done(&["--data", "d", "transform", "--full"]);
    bench.done(&["--data", "d", "load"]);
    assert_eq!(left(), ["eob-2"]);
    verified(&bench, "d");
}

#[test]
fn a_person_without_a_patient_is_forgotten_by_what_claims_name_them_by() {
    let logical =
        |system: &str, value: &str| json!({"identifier": {"system": system, "value": value}});
    let by_query = |query: &str| json!({"reference": format!("Patient?identifier={query}")});
    let plan = "https://payer.example/member";
    let mbi = format!("{MBI}|1S00E00AA32");
    let typed_plan = format!("{plan}|m-1");
    let cases: Vec<(&str, Value, &str)> = vec![
        ("1S00E00AA32", logical(MBI, "1S00E00AA32"), MBI),
        ("1S00E00AA32", by_query(&mbi), MBI),
        (&mbi, logical(MBI, "1S00E00AA32"), MBI),
        (&typed_plan, logical(plan, "m-1"), plan),
    ];
    for (wanted, subject, system) in cases {
        let bench = Bench::new();
        let files = [bundle(vec![
            ("", claim("eob-1", subject)),
            ("", claim("eob-2", logical(MBI, "1S00E00AA45"))),
        ])];
        import(&bench, "d", &files);
        forget(&bench, "1S00E00AA3").exits(2);
        let forgotten = forget(&bench, wanted).exits(0);
        let shown: Vec<Value> = forgotten
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|event: &Value| event["event"] == "forget_identifier")
            .collect();
        assert_eq!(shown.len(), 1, "{}", forgotten.stdout);
        assert_eq!(shown[0]["system"], system);
        assert!(!forgotten.stderr.contains(wanted), "{}", forgotten.stderr);
        assert_eq!(column(&bench, "d", "eob", "eob_id"), ["eob-2"]);
        assert_eq!(landed_claims(&bench), ["eob-2"]);
        verified(&bench, "d");
        let again = import(&bench, "d", &files);
        assert_eq!(again["forgotten"], 1, "{again}");
        assert_eq!(column(&bench, "d", "eob", "eob_id"), ["eob-2"]);
        forget(&bench, wanted).exits(0);
    }
}

#[test]
fn an_identifier_that_claims_give_to_two_ids_takes_nobody_unasked() {
    let bench = Bench::new();
    let of = |id: &str| {
        json!({"reference": format!("Patient/{id}"),
            "identifier": {"system": MBI, "value": "1S00E00AA32"}})
    };
    let entries = vec![
        ("", claim("eob-1", of("pat-1"))),
        ("", claim("eob-2", of("pat-2"))),
    ];
    import(&bench, "d", &[bundle(entries)]);
    let refused = forget(&bench, "1S00E00AA32").exits(2);
    assert_eq!(refused.stdout.matches("forget_candidate").count(), 2);
    let names = fs::read_dir(bench.path().join("d/lake/snapshots")).unwrap();
    assert_eq!(names.count(), 1, "nothing was published");
    assert_eq!(column(&bench, "d", "eob", "eob_id"), ["eob-1", "eob-2"]);
    forget(&bench, "v2:pat-1").exits(0);
    assert_eq!(column(&bench, "d", "eob", "eob_id"), ["eob-2"]);
    verified(&bench, "d");
}
