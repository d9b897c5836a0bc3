use std::ops::ControlFlow;

use claimlake_contract::{ApiVersion, IdHash, ResourceType, RunId};
use claimlake_fhir::{id_hash, quoted_id};

use super::Gone;
use crate::test_zone::{self, Extracted, Zone};
use crate::{lines_of_patient, sealed_runs};

fn noise(number: u32) -> String {
    format!("{number:04x}")
}

fn run(number: u32) -> RunId {
    test_zone::run(&noise(number))
}

fn hash(id: &str) -> IdHash {
    id_hash(format!("\"{id}\"").as_bytes())
}

fn line(id: &str) -> String {
    // The first `id` is not the resource's.
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","item":[{{"id":"x"}}],"id":"{id}","use":"claim"}}"#
    )
}

fn import(zone: &Zone, number: u32, ids: &[&str]) {
    let lines: Vec<String> = ids.iter().map(|id| line(id)).collect();
    zone.import(&noise(number), &lines);
}

/// A full read of one patient: what landed, and what was no longer found.
fn extracted<'e>(patient: &'e str, ids: &[&str], gone: &[&str]) -> Extracted<'e> {
    let lines = ids.iter().map(|id| line(id)).collect();
    (patient, lines, gone.iter().map(|id| hash(id)).collect())
}

fn extract(zone: &Zone, number: u32, ids: &[&str], gone: &[&str]) {
    zone.extract(&noise(number), &[extracted("-1", ids, gone)]);
}

/// Of each run whether the body of `id` would count, had the run landed one.
fn counts(zone: &Zone, id: &str, runs: std::ops::Range<u32>) -> Vec<bool> {
    let gone = Gone::of(&sealed_runs(&zone.layout).unwrap(), |_| true);
    let eob = ResourceType::explanation_of_benefit();
    runs.map(|number| !gone.leaves_out(ApiVersion::V2, &eob, hash(id), &run(number)))
        .collect()
}

#[test]
fn bodies_that_landed_before_a_resource_was_gone_do_not_count_and_later_ones_do() {
    let zone = Zone::new();
    extract(&zone, 1, &["a", "b"], &[]);
    extract(&zone, 2, &[], &["a"]);
    extract(&zone, 3, &["a"], &[]);
    extract(&zone, 4, &["c"], &["a"]);
    extract(&zone, 5, &["a"], &["b"]);
    assert_eq!(counts(&zone, "a", 1..6), [false, false, false, true, true]);
    assert_eq!(counts(&zone, "b", 1..6), [false, false, false, false, true]);
    assert_eq!(counts(&zone, "c", 1..6), [true; 5]);
    // By the runs that are looked at alone.
    let runs = sealed_runs(&zone.layout).unwrap();
    let gone = Gone::of(&runs, |sealed| sealed.manifest.run <= run(2));
    let eob = ResourceType::explanation_of_benefit();
    assert!(!gone.leaves_out(ApiVersion::V2, &eob, hash("a"), &run(3)));
    assert!(!gone.leaves_out(ApiVersion::V3, &eob, hash("a"), &run(1)));
    assert!(!gone.leaves_out(
        ApiVersion::V2,
        &ResourceType::coverage(),
        hash("a"),
        &run(1)
    ));
}

#[test]
fn what_was_imported_before_stays_whatever_a_full_read_lacks() {
    let zone = Zone::new();
    extract(&zone, 1, &["a", "b", "c"], &[]);
    extract(&zone, 2, &[], &["c"]);
    import(&zone, 3, &["a", "c", "d"]);
    extract(&zone, 4, &[], &["a", "b", "c"]);
    assert_eq!(counts(&zone, "a", 1..5), [true; 4]);
    assert_eq!(counts(&zone, "b", 1..5), [false, false, false, true]);
    // It was gone before it was imported: what landed before that does not come back.
    assert_eq!(counts(&zone, "c", 1..5), [false, true, true, true]);
}

/// Runs in their order, each with patients: `1+` landed claim `x` for patient 1, `1-` no longer found it.
#[test]
fn what_another_patient_has_by_now_is_not_gone() {
    // From which run on the bodies of `x` count.
    let cases = [
        ("it is gone", "1+, 1-", 2),
        ("it moved, then the first patient is read", "1+, 2+, 1-", 1),
        ("both are read in one run", "1+, 1- 2+", 2),
        ("the first patient is read before it comes", "1+, 1-, 2+", 2),
        ("it moved and is gone there, too", "1+, 2+, 1-, 2-", 4),
        (
            "it is gone there before the first patient is read",
            "1+, 2+, 2-, 1-",
            4,
        ),
        ("it moved and came back", "1+, 2+, 1+, 2-", 1),
        ("it moved on to a third patient", "1+, 2+, 3+, 2-, 1-", 1),
        ("two had it at once, one no longer has it", "1+ 2+, 1-", 1),
        (
            "two had it at once, none has it any more",
            "1+ 2+, 1-, 2-",
            3,
        ),
        (
            "two had it at once and lose it in one run",
            "1+ 2+, 1- 2-",
            2,
        ),
        ("another patient had it before", "2+, 1+, 1-", 3),
    ];
    for (what, runs, from) in cases {
        let zone = Zone::new();
        let runs: Vec<&str> = runs.split(", ").collect();
        for (number, patients) in (1..).zip(&runs) {
            let read = |one| match str::split_at(one, 1) {
                (patient, "+") => extracted(patient, &["x"], &[]),
                (patient, _) => extracted(patient, &[], &["x"]),
            };
            let patients: Vec<Extracted<'_>> = patients.split(' ').map(read).collect();
            zone.extract(&noise(number), &patients);
        }
        let all = u32::try_from(runs.len()).unwrap() + 1;
        let expected: Vec<bool> = (1..all).map(|number| number >= from).collect();
        assert_eq!(counts(&zone, "x", 1..all), expected, "{what}");
        // Read run by run, as increments are, they say the same.
        let sealed = sealed_runs(&zone.layout).unwrap();
        let eob = ResourceType::explanation_of_benefit();
        let last = (1..all).filter(|number| {
            let gone = Gone::of(&sealed, |one| one.manifest.run == run(*number));
            gone.since(ApiVersion::V2, &eob, hash("x")).is_some()
        });
        assert_eq!(last.max().unwrap_or(1), from, "{what}");
    }
}

#[test]
fn a_manifest_without_the_field_and_one_with_it_are_read() {
    let zone = Zone::new();
    extract(&zone, 1, &["a"], &[]);
    extract(&zone, 2, &[], &["a"]);
    let text = |number: u32| {
        let eob = ResourceType::explanation_of_benefit();
        let folder = zone.layout.run_folder(ApiVersion::V2, &eob, &run(number));
        std::fs::read_to_string(folder.join("manifest.json")).unwrap()
    };
    assert!(!text(1).contains("gone"), "{}", text(1));
    let manifest: serde_json::Value = serde_json::from_str(&text(2)).unwrap();
    assert_eq!(manifest["patients"][0]["gone"][0], String::from(hash("a")));
    assert_eq!(manifest["parts"], serde_json::json!([]));
    assert_eq!(sealed_runs(&zone.layout).unwrap().len(), 2);
}

#[test]
fn lines_of_a_patient_are_visited_until_enough_and_the_id_is_the_resources() {
    let zone = Zone::new();
    extract(&zone, 1, &["a", "b", "c"], &[]);
    let runs = sealed_runs(&zone.layout).unwrap();
    let mut lines = Vec::new();
    let ended = lines_of_patient(&runs[0], &runs[0].manifest.patients[0], |line| {
        lines.push(quoted_id(line).unwrap().to_vec());
        match lines.len() {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    });
    assert_eq!(lines, [b"\"a\"".to_vec(), b"\"b\"".to_vec()]);
    assert!(ended.is_break());
    assert_eq!(quoted_id(b"{\"id\":7}"), None);
    assert_eq!(quoted_id(b"[]"), None);
}
