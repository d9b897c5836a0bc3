//! Tests of taking a person out of the raw zone.

mod other_bodies;
mod without_patient;

use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person};

use super::{ForgetStep, LandedPatients, forget, landed_of};
use crate::test_zone::{Zone, run};
use crate::{import_refusing, sealed_runs};

fn claim(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient/{patient}"}}}}"#
    )
}

fn person(id: &str) -> Person {
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new(id)));
    person
}

#[test]
fn a_part_keeps_the_others_lines_and_reports_where_they_are() {
    let zone = Zone::new();
    let (a, b, c) = (claim("1", "-1"), claim("2", "-2"), claim("3", "-3"));
    zone.import("0001", &[a.clone(), b, c.clone()]);
    let before = zone.lines();
    let mut moves = Vec::new();
    let mut note = |step: ForgetStep<'_>| {
        if let ForgetStep::Moving(parts) = step {
            moves.extend(parts.to_vec());
        }
        Ok(())
    };
    let removed = forget(&zone.layout, &person("-2"), &mut note).unwrap();
    assert_eq!(removed, 1);
    let after = zone.lines();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].1, [a, c]);
    assert_eq!((&moves[0].from, &moves[0].to), (&before[0].0, &after[0].0));
    let places: Vec<Option<u64>> = (1..=3).map(|line| moves[0].line(line)).collect();
    assert_eq!(places, [Some(1), None, Some(2)]);
    // The old part is gone, and a second removal has nothing to do.
    assert!(!zone.layout.root().join("..").join(&before[0].0).exists());
    assert_eq!(zone.forget(&person("-2")), 0);
    assert_eq!(zone.lines(), after);
}

#[test]
fn the_frames_of_others_are_found_where_the_manifest_says() {
    let zone = Zone::new();
    let of = |patient: &str| vec![claim(&format!("a{patient}"), patient)];
    let (one, two, three) = (of("-1"), of("-2"), of("-3"));
    let of_three = [("-1", one), ("-2", two.clone()), ("-3", three.clone())];
    zone.extract(
        "0001",
        &of_three.map(|(patient, lines)| (patient, lines, Vec::new())),
    );
    assert_eq!(
        landed_of(&zone.layout, &person("-1"))
            .unwrap()
            .resources
            .len(),
        1
    );
    assert_eq!(zone.forget(&person("-1")), 1);
    let manifest = sealed_runs(&zone.layout).unwrap().remove(0).manifest;
    let patients: Vec<(&str, &[(u32, u32)])> = manifest
        .patients
        .iter()
        .map(|patient| (patient.patient.expose(), patient.frames.as_slice()))
        .collect();
    assert_eq!(patients, [("-2", &[(0, 0)][..]), ("-3", &[(0, 1)][..])]);
    assert_eq!(zone.lines()[0].1, [two, three].concat());
    // The last ones leave a run that is whole, and empty.
    zone.forget(&person("-2"));
    zone.forget(&person("-3"));
    assert_eq!(zone.lines(), []);
    assert_eq!(sealed_runs(&zone.layout).unwrap().len(), 1);
}

#[test]
fn a_removal_that_stops_anywhere_comes_to_the_same_when_begun_again() {
    let lines: Vec<String> = (0..40)
        .map(|n| claim(&n.to_string(), ["-1", "-2"][n % 2]))
        .collect();
    let whole = Zone::new();
    whole.import("0001", &lines);
    whole.import("0002", &lines);
    whole.forget(&person("-1"));
    for stop_at in 0..7 {
        let zone = Zone::new();
        zone.import("0001", &lines);
        zone.import("0002", &lines);
        let mut step = 0;
        let stopped = forget(&zone.layout, &person("-1"), &mut |_| {
            step += 1;
            match step > stop_at {
                true => Err(std::io::Error::other("stopped")),
                false => Ok(()),
            }
        });
        assert!(stopped.is_err(), "{stop_at}");
        zone.forget(&person("-1"));
        assert_eq!(zone.lines(), whole.lines(), "{stop_at}");
        let folder = &sealed_runs(&zone.layout).unwrap()[0].folder;
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(files, 3, "part, manifest, checksum: {stop_at}");
    }
}

#[test]
fn rejected_texts_of_the_person_go_and_those_of_others_stay() {
    let zone = Zone::new();
    let broken = |id: &str| format!(r#"{{"id":"x","patient":{{"reference":"Patient/{id}"#);
    zone.import("0001", &[claim("1", "-1"), broken("-2"), broken("-3")]);
    assert_eq!(landed_of(&zone.layout, &person("-2")).unwrap().rejected, 1);
    zone.forget(&person("-2"));
    let file = zone.layout.rejected_file(&run("0001"));
    let text = zstd::decode_all(std::fs::File::open(&file).unwrap()).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("Patient/-3") && !text.contains("Patient/-2"),
        "{text}"
    );
    zone.forget(&person("-3"));
    assert!(!file.exists());
}

fn entry(url: &str, resource: &str) -> String {
    format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#)
}

fn bundle(entries: &[String]) -> String {
    let entries = entries.join(",");
    format!(r#"{{"resourceType":"Bundle","entry":[{entries}]}}"#)
}

fn patient_with(id: &str, mbi: &str, more: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"http://hl7.org/fhir/sid/us-mbi","value":"{mbi}"}},{{"system":"http://plan.example","value":"plan"}}]{more}}}"#
    )
}

/// The ids that a name finds, `v2:` or `v3:` before each, and how many share an identifier.
fn search(zone: &Zone, wanted: &str, include_shared: bool) -> (Vec<String>, usize, usize) {
    let mut person = Person::default();
    let layout = &zone.layout;
    let found =
        LandedPatients::read(layout)
            .unwrap()
            .find(Some(wanted), include_shared, &mut person);
    let mut reached: Vec<String> = found
        .reached
        .iter()
        .map(|one| format!("{}:{}", one.api, one.id.expose()))
        .collect();
    reached.sort();
    assert_eq!(reached.len(), person.ids.len());
    let shared = found.shared.iter().flat_map(|shared| &shared.others);
    (reached, shared.count(), found.candidates.len())
}

#[test]
fn a_person_is_found_by_their_own_identifiers_and_nobody_by_a_shared_one() {
    let zone = Zone::new();
    let merged = r#","link":[{"other":{"reference":"Patient/-12"},"type":"replaces"}]"#;
    let born = |day: &str| format!(r#","birthDate":"{day}""#);
    zone.import(
        "0001",
        &[
            patient_with("-1", "A", merged),
            patient_with("-2", "B", &born("1950-01-01")),
            patient_with("-3", "C", ""),
            patient_with("-4", "C", ""),
            patient_with("-5", "C", ""),
            patient_with("-6", "D", &born("1950-01-01")),
        ],
    );
    zone.import_of(
        ApiVersion::V3,
        "0002",
        &[
            patient_with("1001", "A", ""),
            patient_with("1002", "B", &born("1950-01-01")),
            patient_with("1006", "D", &born("1961-06-06")),
            patient_with("-3", "E", ""),
        ],
    );
    let cases: &[(&str, &[&str], usize, usize)] = &[
        // The same human in both versions, and who they are linked to.
        ("A", &["v2:-1", "v2:-12", "v3:1001"], 0, 0),
        ("-1", &["v2:-1", "v2:-12", "v3:1001"], 0, 0),
        ("1002", &["v2:-2", "v3:1002"], 0, 0),
        (
            "http://hl7.org/fhir/sid/us-mbi|B",
            &["v2:-2", "v3:1002"],
            0,
            0,
        ),
        ("https://columbia.example/mrn|B", &[], 0, 0),
        // One identifier of three people.
        ("-4", &["v2:-4"], 2, 0),
        ("C", &[], 0, 3),
        // Born on different days.
        ("-6", &["v2:-6"], 1, 0),
        // One id in two id spaces.
        ("-3", &[], 0, 2),
        ("v2:-3", &["v2:-3"], 2, 0),
        ("v3:-3", &["v3:-3"], 0, 0),
        // An identifier that all have is of no one.
        ("plan", &[], 0, 10),
        ("nobody", &[], 0, 0),
    ];
    for (wanted, reached, shared, candidates) in cases {
        let reached: Vec<String> = reached.iter().map(|id| (*id).to_owned()).collect();
        let expected = (reached, *shared, *candidates);
        assert_eq!(search(&zone, wanted, false), expected, "{wanted}");
    }
    let all = ["v2:-3", "v2:-4", "v2:-5"].map(str::to_owned).to_vec();
    assert_eq!(search(&zone, "-4", true), (all.clone(), 0, 0));
    assert_eq!(search(&zone, "C", true), (all, 0, 0));
}

#[test]
fn a_person_is_found_by_a_link_whose_reference_was_resolved() {
    let zone = Zone::new();
    let linked = r#"{"resourceType":"Patient","id":"-1","link":[{"other":{"reference":"urn:uuid:02"},"type":"replaces"}]}"#;
    let entries = [
        entry("urn:uuid:01", linked),
        entry("urn:uuid:02", r#"{"resourceType":"Patient","id":"-2"}"#),
    ];
    zone.import("0001", &[bundle(&entries)]);
    let both = vec!["v2:-1".to_owned(), "v2:-2".to_owned()];
    assert_eq!(search(&zone, "-1", false), (both.clone(), 0, 0));
    assert_eq!(search(&zone, "-2", false), (both, 0, 0));
}

#[test]
fn what_references_were_resolved_to_moves_with_the_lines() {
    let zone = Zone::new();
    let of = |id: &str, url: &str| {
        format!(
            r#"{{"resourceType":"Coverage","id":"{id}","beneficiary":{{"reference":"{url}"}}}}"#
        )
    };
    let entries = [
        entry("urn:uuid:01", r#"{"resourceType":"Patient","id":"-1"}"#),
        entry("urn:uuid:02", r#"{"resourceType":"Patient","id":"-2"}"#),
        entry("urn:uuid:11", &of("a", "urn:uuid:01")),
        entry("urn:uuid:12", &of("b", "urn:uuid:02")),
        entry("urn:uuid:13", &of("c", "Patient/-9")),
        entry("urn:uuid:14", &of("d", "urn:uuid:02")),
    ];
    zone.import("0001", &[bundle(&entries)]);
    assert_eq!(
        landed_of(&zone.layout, &person("-1"))
            .unwrap()
            .lines
            .values()
            .sum::<u64>(),
        2
    );
    assert_eq!(zone.forget(&person("-1")), 2);
    let mut left = Vec::new();
    for run in sealed_runs(&zone.layout).unwrap() {
        let files = std::fs::read_dir(&run.folder).unwrap().count();
        // The manifest, its checksum, the part and its references: nothing of before.
        assert_eq!(files, 4);
    }
    for (part, lines) in zone.landed() {
        if part.resource.as_str() == "Coverage" {
            left.extend(lines.into_iter().map(|(line, records)| {
                let id = claimlake_fhir::resource_id(line.as_bytes()).unwrap();
                let patients = records.iter().filter_map(|record| record.patient());
                format!("{id} {:?}", patients.collect::<Vec<_>>())
            }));
        }
    }
    assert_eq!(left, [r#"b ["-2"]"#, "c []", r#"d ["-2"]"#]);
}

#[test]
fn an_import_passes_over_whom_it_must_refuse_and_counts_them() {
    let zone = Zone::new();
    let input = zone.input("in.ndjson", [claim("1", "-1"), claim("2", "-2")].join("\n"));
    let refused = person("-1");
    let outcome = import_refusing(
        &[input],
        Some(ApiVersion::V2),
        &zone.layout,
        &run("0001"),
        &NoProgress,
        &|api, resource, line, references| {
            claimlake_fhir::is_about(&refused, api, resource, line, references)
        },
    )
    .unwrap();
    assert_eq!(
        (outcome.forgotten, outcome.resources, outcome.rejected),
        (1, 1, 0)
    );
    assert_eq!(zone.lines()[0].1, [claim("2", "-2")]);
}
