//! Tests of folders with several runs: nothing that is read changes, at whatever step it ends.

mod damaged;
mod random_nights;
mod steps;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use claimlake_contract::{IdHash, LandingManifest, ReferenceRecord, ResourceType};

use super::compact::compact_in_steps;
use super::leftovers::remove_leftovers;
use super::manifest::BEGINNING;
use crate::folder::{entries, file_name};
use crate::manifest_file::{parse, sum_of, sums};
use crate::test_zone::{Zone, lines_of};
use crate::{Gone, PartStream, SealedPart, listed_runs, sealed_runs};

const MUCH: u64 = 1 << 30;

type Seen = (
    LandingManifest,
    Vec<(String, Vec<(String, Vec<ReferenceRecord>)>)>,
);

fn claim(id: &str, patient: &str, text: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","note":"{text}","patient":{{"reference":"Patient/{patient}"}}}}"#
    )
}

/// A claim whose patient is known by an identifier only.
fn by_identifier(id: &str, mbi: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","patient":{{"reference":"Patient?identifier=http://hl7.org/fhir/sid/us-mbi|{mbi}"}}}}"#
    )
}

fn patient(id: &str, mbi: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"http://hl7.org/fhir/sid/us-mbi","value":"{mbi}"}}]}}"#
    )
}

impl Zone {
    fn compact(&self) -> u64 {
        compact_in_steps(&self.layout, MUCH, &mut |_| Ok(())).unwrap()
    }

    /// An extraction of two patients, the second of whom lost a claim in some nights.
    fn night(&self, number: u32) {
        let lines = |patient: &str| {
            let id = format!("carrier-{patient}{number}");
            vec![claim(&id, patient, "x"), claim("same", patient, &id)]
        };
        let gone: Vec<IdHash> = match number % 3 {
            0 => vec![claimlake_fhir::id_hash(b"\"carrier--21\"")],
            _ => Vec::new(),
        };
        let two = [("-1", lines("-1"), Vec::new()), ("-2", lines("-2"), gone)];
        self.extract(&format!("{number:04x}"), &two);
    }

    /// An import of a claim by identifier, and of the Patient who has it.
    fn import_night(&self, number: u32) {
        let mbi = format!("1S00E00AA{:02}", number % 100);
        let lines = [
            patient(&format!("-{number}"), &mbi),
            by_identifier(&format!("imported-{number}"), &mbi),
        ];
        self.import(&format!("{number:04x}"), &lines);
    }

    /// All that readers find: manifests, places, lines and records; parts also as a stream.
    fn seen(&self) -> Vec<Seen> {
        let runs = sealed_runs(&self.layout).unwrap();
        let seen = runs.into_iter().map(|run| {
            let parts = run.parts().map(|part| {
                let mut stream = PartStream::open(&part, 1 << 20);
                assert!(
                    stream
                        .by_ref()
                        .all(|chunk| chunk.decompress().damaged.is_empty())
                );
                let found = stream.end().unwrap();
                assert_eq!(
                    (found.bytes, &found.sha256),
                    (part.part.bytes, &part.part.sha256)
                );
                let (part, lines) = lines_of(part);
                (part.relative, lines)
            });
            let parts = parts.collect();
            (run.manifest, parts)
        });
        seen.collect()
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        let mut apis = entries(self.layout.root()).unwrap();
        apis.retain(|path| file_name(path).starts_with("api="));
        for api in apis {
            let resources = entries(&api).unwrap();
            folders.extend(resources.iter().flat_map(|path| entries(path).unwrap()));
        }
        folders.retain(|path| file_name(path).starts_with("run="));
        folders.sort();
        folders
    }

    /// After the next command: every file is named, and every manifest has its one checksum.
    fn is_tidy(&self) {
        remove_leftovers(&self.layout).unwrap();
        let listed = listed_runs(&self.layout).unwrap();
        let folders: BTreeSet<&PathBuf> = listed.sealed.iter().map(|run| &run.folder).collect();
        assert_eq!(folders, self.folders().iter().collect::<BTreeSet<_>>());
        for folder in folders {
            let text = std::fs::read(folder.join("manifest.json")).unwrap();
            assert_eq!(sums(folder), [sum_of(&text)]);
            assert_eq!(names(folder), named(&text), "{}", folder.display());
        }
    }
}

fn names(folder: &Path) -> BTreeSet<String> {
    let paths = entries(folder).unwrap();
    paths
        .iter()
        .map(|path| file_name(path).to_owned())
        .collect()
}

/// The files that a manifest names, of one run or of several.
fn named(text: &[u8]) -> BTreeSet<String> {
    let manifest: serde_json::Value = serde_json::from_slice(text).unwrap();
    let mut names = BTreeSet::from(["manifest.json", "manifest.json.sha256"].map(String::from));
    let mut add = |file: &serde_json::Value| names.extend(file["file"].as_str().map(String::from));
    for part in manifest["parts"].as_array().into_iter().flatten() {
        add(part);
        add(&part["references"]);
    }
    for key in ["part", "references", "manifests"] {
        add(&manifest[key]);
    }
    names
}

fn mixed() -> Zone {
    let zone = Zone::new();
    for number in 1..=9 {
        zone.night(number);
        zone.import_night(100 + number);
    }
    zone
}

#[test]
fn joined_runs_are_read_as_they_were_sealed() {
    let zone = mixed();
    let (before, folders) = (zone.seen(), zone.folders());
    assert_eq!((before.len(), folders.len()), (27, 27));
    let resolved = before.iter().flat_map(|(_, parts)| parts);
    let resolved = resolved
        .flat_map(|(_, lines)| lines)
        .filter(|(_, records)| !records.is_empty());
    assert_eq!(resolved.count(), 9, "the imported claims");

    assert_eq!(zone.compact(), 27);
    assert_eq!(zone.seen(), before);
    assert_eq!(
        zone.folders(),
        folders,
        "whoever listed them before still finds them"
    );
    zone.is_tidy();
    assert_eq!(zone.folders().len(), 3);
    assert_eq!(zone.seen(), before);
    for path in zone
        .folders()
        .iter()
        .flat_map(|folder| entries(folder).unwrap())
    {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn hundreds_of_nights_lie_in_few_folders_and_a_reader_from_before_still_finds_its_files() {
    let zone = Zone::new();
    let mut most = 0;
    for number in 1..=300 {
        remove_leftovers(&zone.layout).unwrap();
        let from_before = sealed_runs(&zone.layout).unwrap();
        let id = format!("carrier-{number}");
        let read = [("-1", vec![claim(&id, "-1", "x")], Vec::new())];
        zone.extract(&format!("{number:04x}"), &read);
        zone.compact();
        most = most.max(zone.folders().len());
        if number % 97 == 0 {
            let parts = from_before
                .iter()
                .flat_map(|run| run.parts().collect::<Vec<_>>());
            assert_eq!(parts.map(lines_of).count(), number - 1);
        }
    }
    remove_leftovers(&zone.layout).unwrap();
    assert!(zone.folders().len() < 20, "{}", zone.folders().len());
    assert!(most < 40, "{most}");
    let ids: Vec<String> = zone
        .seen()
        .iter()
        .map(|(_, parts)| parts[0].1[0].0.clone())
        .collect();
    let expected = (1..=300).map(|number| claim(&format!("carrier-{number}"), "-1", "x"));
    assert_eq!(ids, expected.collect::<Vec<_>>());
}

#[test]
fn few_runs_large_ones_and_those_that_are_not_sealed_stay_as_they_are() {
    let zone = Zone::new();
    for number in 1..=7 {
        zone.night(number);
    }
    assert_eq!(zone.compact(), 0);
    let run = "20261123T164012.345Z-0008".parse().unwrap();
    crate::mark_unfinished(&zone.layout, &run).unwrap();
    zone.night(8);
    assert_eq!(zone.compact(), 0, "the eighth is not visible yet");
    crate::mark_finished(&zone.layout, &run).unwrap();
    let none_is_small = compact_in_steps(&zone.layout, 1, &mut |_| Ok(()));
    assert_eq!(none_is_small.unwrap(), 0);
    assert_eq!(zone.compact(), 8);
    zone.is_tidy();
    assert_eq!(zone.folders().len(), 1);
}

#[test]
fn no_folder_grows_beyond_its_size_by_much() {
    let zone = Zone::new();
    for number in 1..=24 {
        zone.night(number);
    }
    let before = zone.seen();
    let bytes = |folder: &PathBuf| {
        let files = entries(folder).unwrap().into_iter();
        files
            .map(|path| path.metadata().unwrap().len())
            .sum::<u64>()
    };
    let one = zone.folders().iter().map(bytes).max().unwrap();
    compact_in_steps(&zone.layout, one * 6, &mut |_| Ok(())).unwrap();
    zone.is_tidy();
    assert_eq!(zone.seen(), before);
    assert!(zone.folders().len() > 1);
    assert!(zone.folders().iter().all(|folder| bytes(folder) < one * 8));
}

#[test]
fn an_older_version_refuses_the_manifest_of_several_runs() {
    let zone = mixed();
    zone.compact();
    zone.is_tidy();
    for folder in zone.folders() {
        let path = folder.join("manifest.json");
        let text = std::fs::read(&path).unwrap();
        assert!(text.starts_with(BEGINNING));
        // Earlier versions read manifests like this.
        let refused = parse(&path, &text).unwrap_err().to_string();
        assert!(refused.contains("has format 2"), "{refused}");
    }
}

#[test]
fn what_is_gone_stays_gone() {
    let zone = mixed();
    let gone = |zone: &Zone| {
        let runs = sealed_runs(&zone.layout).unwrap();
        let gone = Gone::of(&runs, |_| true);
        let id = claimlake_fhir::id_hash(b"\"carrier--21\"");
        let claims = ResourceType::explanation_of_benefit();
        gone.since(claimlake_contract::ApiVersion::V2, &claims, id)
            .cloned()
    };
    let before = gone(&zone);
    assert_eq!(
        before.clone().unwrap().to_string(),
        "20261123T164012.345Z-0009"
    );
    zone.compact();
    zone.is_tidy();
    assert_eq!(gone(&zone), before);
}

#[test]
fn a_part_is_read_by_its_place_alone() {
    let zone = mixed();
    zone.compact();
    zone.is_tidy();
    let data = zone.layout.root().parent().unwrap();
    for part in sealed_runs(&zone.layout)
        .unwrap()
        .iter()
        .flat_map(|run| run.parts().collect::<Vec<_>>())
    {
        let place = serde_json::from_str(&serde_json::to_string(&part.place()).unwrap()).unwrap();
        let of = (part.api, part.resource.clone(), part.run.clone());
        let again = SealedPart::at((&place, data), part.relative.clone(), of, part.part.clone());
        assert!(
            !data.join(&part.relative).exists(),
            "it has no file of its own any more"
        );
        assert_eq!(lines_of(again).1, lines_of(part).1);
    }
}

#[test]
fn who_listed_runs_before_they_were_joined_finds_them_when_their_folders_are_gone() {
    let zone = mixed();
    let before = zone.seen();
    for more in 0..3_u32 {
        let listed = sealed_runs(&zone.layout).unwrap();
        for number in 1..=9 {
            zone.night(200 + more * 10 + number);
        }
        zone.compact();
        remove_leftovers(&zone.layout).unwrap();
        for (run, (manifest, parts)) in listed.iter().zip(&before) {
            assert_eq!(run.manifest, *manifest);
            for (part, (_, lines)) in run.parts().zip(parts) {
                assert!(more > 0 || !part.path.exists());
                let mut stream = PartStream::open(&part, 1 << 20);
                assert!(
                    stream
                        .by_ref()
                        .all(|chunk| chunk.decompress().damaged.is_empty())
                );
                assert_eq!(stream.end().unwrap().sha256, part.part.sha256);
                let read = crate::read_chunks(&part, 1 << 20).next().unwrap();
                assert_eq!(read.damaged, []);
                let found = read.chunks[0].lines();
                let found = found.map(|(_, text, records)| (text.to_vec(), records.to_vec()));
                let expected = lines.iter().cloned();
                let expected = expected.map(|(text, records)| (text.into_bytes(), records));
                assert_eq!(found.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            }
            for patient in &run.manifest.patients {
                let mut lines = 0;
                let _ = crate::lines_of_patient(run, patient, |_| {
                    lines += 1;
                    std::ops::ControlFlow::Continue(())
                });
                assert_eq!(lines, patient.resources);
            }
        }
    }
}
