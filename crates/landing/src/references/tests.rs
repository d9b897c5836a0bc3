//! Tests of resolving references on import, and of the files that keep the answers.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use claimlake_contract::{ApiVersion, ReferenceRecord, ResourceType};
use claimlake_fhir::content_hash;
use serde::Deserialize;

use crate::test_zone::{Zone, lines_of, run, writer};
use crate::{ImportOutcome, SealedPart, WriterOptions, landing_runs, read_chunks, sealed_runs};

const ONE: &str = "urn:uuid:0b6e3f0c-1111-4222-8333-444455556666";
const TWO: &str = "urn:uuid:0b6e3f0c-2222-4222-8333-444455556666";
const BY_MBI: &str = "Patient?identifier=http://hl7.org/fhir/sid/us-mbi|1S00E00AA32";
const MBI: &str = r#"{"system":"http://hl7.org/fhir/sid/us-mbi","value":"1S00E00AA32"}"#;

type Line = (String, Vec<ReferenceRecord>);

impl Zone {
    /// Imports texts, a file each.
    fn import_files(&self, noise: &str, files: &[String]) -> ImportOutcome {
        let write = |(number, text)| self.input(&format!("{noise}-{number}.json"), text);
        let inputs: Vec<PathBuf> = files.iter().enumerate().map(write).collect();
        let api = Some(ApiVersion::V2);
        self.import_inputs(noise, &inputs, api).unwrap()
    }

    fn claim_parts(&self) -> Vec<SealedPart> {
        let runs = sealed_runs(&self.layout).unwrap();
        let parts = runs.iter().flat_map(|run| run.parts().collect::<Vec<_>>());
        let is_claims = |part: &SealedPart| part.resource.as_str() == "ExplanationOfBenefit";
        parts.filter(is_claims).collect()
    }

    /// The claims with their records, in landing order.
    fn claims(&self) -> Vec<Line> {
        let parts = self.claim_parts().into_iter();
        parts.flat_map(|part| lines_of(part).1).collect()
    }

    /// Of each claim, the patients that its references were resolved to.
    fn patients(&self) -> Vec<String> {
        let patients = |(_, records): &Line| {
            let ids = records.iter().filter_map(ReferenceRecord::patient);
            ids.collect::<Vec<_>>().join(" ")
        };
        self.claims().iter().map(patients).collect()
    }
}

fn claim(id: &str, patient: &str) -> String {
    format!(r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{patient}}}"#)
}

fn by(reference: &str) -> String {
    claim("e", &format!(r#"{{"reference":"{reference}"}}"#))
}

fn patient(id: &str, identifiers: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","identifier":[{identifiers}]}}"#)
}

/// A Bundle of entries: a `fullUrl`, which may be empty, and a resource.
fn bundle(entries: &[(&str, String)]) -> String {
    let entry = |(url, resource): &(&str, String)| match url.is_empty() {
        true => format!(r#"{{"resource":{resource}}}"#),
        false => format!(r#"{{"fullUrl":"{url}","resource":{resource}}}"#),
    };
    let entries: Vec<String> = entries.iter().map(entry).collect();
    format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#,
        entries.join(",")
    )
}

/// A way to name a patient, and what it is resolved to.
#[derive(Deserialize)]
struct Case {
    case: String,
    files: Vec<serde_json::Value>,
    /// Of each claim, the patients that its references were resolved to; empty: to none.
    patients: Vec<String>,
    /// What is counted as without a patient, by the reason.
    without: BTreeMap<String, u64>,
}

#[test]
fn references_are_resolved_within_their_bundle_by_full_url_and_by_identifier() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("tests/cases.json")).unwrap();
    assert_eq!(cases.len(), 27);
    for case in cases {
        let zone = Zone::new();
        let files: Vec<String> = case.files.iter().map(ToString::to_string).collect();
        let outcome = zone.import_files("0001", &files);
        assert_eq!(zone.patients(), case.patients, "{}", case.case);
        let counts = outcome.without_patient.iter();
        let found: BTreeMap<String, u64> = counts
            .map(|(why, count)| (why.as_str().to_owned(), *count))
            .collect();
        assert_eq!(found, case.without, "{}", case.case);
        let listed = outcome.first_without_patient.len() as u64;
        assert_eq!(listed, case.without.values().sum::<u64>(), "{}", case.case);
    }
}

#[test]
fn a_claim_finds_the_patient_of_an_earlier_import() {
    let zone = Zone::new();
    assert_eq!(
        zone.import_files("0001", &[by(ONE)]).without_patient.len(),
        1
    );
    zone.import_files("0002", &[bundle(&[(ONE, patient("p1", MBI))])]);
    zone.import_files("0003", &[by(ONE), by(BY_MBI), by("Patient/p1")]);
    assert_eq!(zone.patients(), ["", "p1", "p1", ""]);
    // The claim with its patient is another body than the one without; landed lines are as sent.
    let lines = zone.claims();
    assert_eq!(lines[0].0, lines[1].0);
    assert_eq!(lines[0].0, by(ONE));
    let hash = |of: &Line| content_hash(ApiVersion::V2, of.0.as_bytes(), &of.1);
    assert_ne!(hash(&lines[0]), hash(&lines[1]));
    assert_eq!(
        hash(&lines[0]),
        content_hash(ApiVersion::V2, by(ONE).as_bytes(), &[])
    );
}

#[test]
fn coverages_and_providers_are_resolved_too_and_each_reference_once() {
    let zone = Zone::new();
    let text = format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"e","patient":{{"reference":"{ONE}"}},"provider":{{"reference":"{TWO}"}},"careTeam":[{{"provider":{{"reference":"{TWO}"}}}}],"insurance":[{{"coverage":{{"reference":"urn:uuid:03"}}}}],"claim":{{"reference":"urn:uuid:04"}}}}"#
    );
    zone.import_files("0001", &[bundle(&[
        ("", text),
        (ONE, patient("p1", "")),
        (TWO, r#"{"resourceType":"Practitioner","id":"d1"}"#.into()),
        ("urn:uuid:03", r#"{"resourceType":"Coverage","id":"c1","beneficiary":{"reference":"urn:uuid:0b6e3f0c-1111-4222-8333-444455556666"}}"#.into()),
    ])]);
    let lines = zone.claims();
    let named = |record: &ReferenceRecord| {
        let (resource, id) = record.target().unwrap();
        format!("{} {resource}/{id}", record.key().unwrap())
    };
    let found: Vec<String> = lines[0].1.iter().map(named).collect();
    let expected = [
        format!("{ONE} Patient/p1"),
        "urn:uuid:03 Coverage/c1".to_owned(),
        format!("{TWO} Practitioner/d1"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_part_without_resolved_references_has_no_file_and_the_same_manifest_as_before() {
    let zone = Zone::new();
    zone.import_files(
        "0001",
        &[bundle(&[("", patient("p1", MBI)), ("", by("Patient/p1"))])],
    );
    for run in sealed_runs(&zone.layout).unwrap() {
        let text = std::fs::read_to_string(run.folder.join("manifest.json")).unwrap();
        assert!(!text.contains("references"), "{text}");
        assert_eq!(std::fs::read_dir(&run.folder).unwrap().count(), 3);
    }
}

#[test]
fn records_lie_frame_for_frame_beside_their_part_for_their_owner_alone() {
    let zone = Zone::new();
    let filler = "x".repeat(400_000);
    let claim = |number: usize| {
        let reference = if number == 4 { ONE } else { "Patient/p1" };
        format!(
            r#"{{"resourceType":"ExplanationOfBenefit","id":"e{number}","patient":{{"reference":"{reference}"}},"note":"{filler}"}}"#
        )
    };
    let mut lines: Vec<String> = (0..8).map(claim).collect();
    lines.push(bundle(&[(ONE, patient("p1", MBI))]));
    zone.import_files("0001", &[lines.join("\n")]);
    let parts = zone.claim_parts();
    let references = parts[0].part.references.as_ref().unwrap();
    assert!(parts[0].part.frames.len() > 2);
    assert_eq!(references.frames.len(), parts[0].part.frames.len());
    assert_eq!(
        references
            .frames
            .iter()
            .filter(|frame| frame.length > 0)
            .count(),
        1
    );
    let path = parts[0].references_path().unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
    let expected = format!(r#"{{"line":2,"reference":"{ONE}","type":"Patient","id":"p1"}}"#);
    assert_eq!(String::from_utf8(text).unwrap().trim_end(), expected);
    let patients = zone.patients();
    assert_eq!(patients[4], "p1");
    assert_eq!(
        patients.iter().filter(|patient| patient.is_empty()).count(),
        7
    );
}

/// Without its references a frame says something else, so it is not read at all.
#[test]
fn damaged_references_damage_the_frames_they_belong_to() {
    let damages: [fn(&std::path::Path); 3] = [
        |path| std::fs::remove_file(path).unwrap(),
        |path| std::fs::write(path, b"").unwrap(),
        |path| {
            let mut bytes = std::fs::read(path).unwrap();
            bytes[8] ^= 0x55;
            std::fs::write(path, bytes).unwrap();
        },
    ];
    for damage in damages {
        let zone = Zone::new();
        zone.import_files(
            "0001",
            &[bundle(&[
                (ONE, patient("p1", MBI)),
                ("", by(ONE)),
                ("", by(ONE)),
            ])],
        );
        let part = zone.claim_parts().remove(0);
        damage(&part.references_path().unwrap());
        let read = read_chunks(&part, 1 << 20).next().unwrap();
        assert_eq!(read.chunks, []);
        assert_eq!(read.damaged.len(), 1);
        assert_eq!(read.damaged[0].lines, 2);
        assert!(
            read.damaged[0].reason.contains("references"),
            "{}",
            read.damaged[0].reason
        );
    }
}

/// A kill between the records and the manifest, and one between two resource types.
#[test]
fn records_of_a_run_that_was_killed_are_seen_by_nobody_and_removed_by_the_next_import() {
    let zone = Zone::new();
    zone.import_files(
        "0001",
        &[bundle(&[(ONE, patient("p1", MBI)), ("", by(ONE))])],
    );
    let killed = run("0002");
    let record: ReferenceRecord = serde_json::from_str(
        r#"{"line":1,"reference":"urn:uuid:09","type":"Patient","id":"other"}"#,
    )
    .unwrap();
    let mut folders = Vec::new();
    for (resource, is_sealed) in [("ExplanationOfBenefit", true), ("Coverage", false)] {
        let resource: ResourceType = resource.parse().unwrap();
        let mut writer = writer(&zone.layout, &resource, "0002", WriterOptions::default()).unwrap();
        writer
            .append_with_references(b"{}\n", 1, std::slice::from_ref(&record))
            .unwrap();
        folders.push(writer.folder().to_path_buf());
        assert!(
            folders
                .last()
                .unwrap()
                .join("references-00000.ndjson.zst")
                .exists()
        );
        match is_sealed {
            true => drop(writer.seal(Vec::new()).unwrap()),
            false => drop(writer),
        }
    }
    let marker = zone.layout.root().join(format!("importing-run={killed}"));
    std::fs::write(&marker, b"").unwrap();
    let runs = landing_runs(&zone.layout).unwrap();
    assert!(runs.sealed.iter().all(|run| run.manifest.run != killed));
    assert_eq!((runs.unsealed.len(), runs.damaged.len()), (2, 0));
    assert_eq!(zone.patients(), ["p1"]);
    zone.import_files("0003", &[by("urn:uuid:09")]);
    assert!(folders.iter().all(|folder| !folder.exists()) && !marker.exists());
    assert_eq!(zone.patients(), ["p1", ""]);
}
