//! Partition values are never null: not what is staged, and not what an older build wrote.

use std::path::{Path, PathBuf};

use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person};
use claimlake_loader::{ForgetRequest, LoadOptions, forget, load};
use sha2::{Digest, Sha256};

use crate::basic::{many, request};
use crate::lake_rows::{bytes, files, of, rows};
use crate::staged_runs::{Claim, Staging, run_id, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// Makes folders of the current snapshot those of null, as an older build wrote them.
fn age(lake: &Path, folders: &[&str]) {
    let snapshot = lake.join("current").canonicalize().unwrap();
    let manifest = snapshot.join("manifest.json");
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    for folder in folders {
        let null = format!("{}={NULL}", folder.split_once('=').unwrap().0);
        assert!(text.contains(&format!("/{folder}/")), "no {folder}");
        text = text.replace(&format!("/{folder}/"), &format!("/{null}/"));
        rename(&snapshot, folder, &null);
    }
    std::fs::write(&manifest, &text).unwrap();
    let sum: String = Sha256::digest(&text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(
        snapshot.join("manifest.json.sha256"),
        format!("{sum}  manifest.json\n"),
    )
    .unwrap();
}

fn rename(within: &Path, from: &str, to: &str) {
    let entries: Vec<PathBuf> = std::fs::read_dir(within)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for path in entries.into_iter().filter(|path| path.is_dir()) {
        rename(&path, from, to);
        if path.file_name().unwrap() == from {
            std::fs::rename(&path, path.with_file_name(to)).unwrap();
        }
    }
}

/// Claims of which every fourth has a kind, or a year, that an older build's null is put in place of.
fn claims(is_old: bool) -> Vec<Claim> {
    let mut claims = many(60);
    for (index, claim) in claims.iter_mut().enumerate() {
        if index % 4 == 0 {
            claim.eob_type = is_old.then_some("OLD");
        }
        if index % 6 == 0 {
            claim.year = is_old.then_some(1900);
        }
    }
    claims
}

fn load_all(data: &Path, number: u32, claims: &[Claim]) -> bool {
    let staged = stage(data, number, claims, &Staging::default());
    load(&request(&data.join("lake"), number, &[staged]), &NoProgress)
        .unwrap()
        .changed
}

/// A lake whose null partitions lie beside those that there are now, and the lake it has to become.
fn aged_and_expected() -> (tempfile::TempDir, tempfile::TempDir) {
    let (aged, expected) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    load_all(aged.path(), 1, &claims(true));
    age(
        &aged.path().join("lake"),
        &["eob_type=OLD", "service_year=1900"],
    );
    load_all(expected.path(), 1, &claims(false));
    (aged, expected)
}

fn assert_same(aged: &Path, expected: &Path, how: &str) {
    let lake = aged.join("lake");
    for table in TABLES {
        let paths = files(&lake, table);
        let null = paths
            .iter()
            .find(|path| path.to_string_lossy().contains(NULL));
        assert_eq!(null, None, "{how}");
        assert!(
            paths
                .iter()
                .any(|path| path.starts_with("eob_type=UNKNOWN/service_year=0"))
        );
    }
    assert_eq!(
        bytes(&lake, &TABLES),
        bytes(&expected.join("lake"), &TABLES),
        "{how}"
    );
}

#[test]
fn partitions_of_null_are_remade_by_whatever_changes_the_lake() {
    let other = Claim::new("other").with(|claim| claim.year = Some(1999));
    for (how, more) in [
        ("a claim elsewhere", vec![other]),
        ("nothing new", claims(true)[1..2].to_vec()),
    ] {
        let (aged, expected) = aged_and_expected();
        assert!(load_all(aged.path(), 2, &more), "{how}");
        load_all(expected.path(), 2, &more);
        assert_same(aged.path(), expected.path(), how);
        // Once is enough.
        assert!(!load_all(aged.path(), 3, &more), "{how}");
    }
}

#[test]
fn forgetting_a_person_remakes_partitions_of_null() {
    let (aged, expected) = aged_and_expected();
    for data in [&aged, &expected] {
        let request = ForgetRequest {
            lake: data.path().join("lake"),
            person: Person {
                ids: [(ApiVersion::V2, PatientId::new("p3"))].into(),
                ..Person::default()
            },
            resources: Vec::new(),
            run: run_id(2),
            options: LoadOptions::default(),
            published_at: "2026-01-02T00:00:00Z".to_owned(),
        };
        assert!(forget(&request, &NoProgress).unwrap().changed);
    }
    assert_same(aged.path(), expected.path(), "forget");
    let left = rows(&aged.path().join("lake"), "eob");
    assert!(!left.is_empty() && left.iter().all(|row| row["patient_id"] != "p3"));
}

#[test]
fn a_table_without_rows_has_a_file_whose_folders_are_values() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let bare = |id: &str| Claim::new(id).with(|claim| claim.items = 0);
    load_all(data.path(), 1, &[bare("1")]);
    let folder = Path::new("eob_type=UNKNOWN/service_year=0");
    let parent = |lake: &Path| {
        files(lake, "eob_item")
            .iter()
            .map(|file| file.parent().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(parent(&lake), [folder]);
    // That of an older build lay in the folders of null.
    let snapshot = lake.join("current").canonicalize().unwrap();
    let text = std::fs::read_to_string(snapshot.join("manifest.json")).unwrap();
    assert!(
        text.contains("eob_item/eob_type=UNKNOWN/service_year=0/"),
        "{text}"
    );
    age(&lake, &["eob_type=UNKNOWN", "service_year=0"]);
    assert!(load_all(data.path(), 2, &[bare("2")]));
    assert_eq!(parent(&lake), [folder]);
    assert_eq!(rows(&lake, "eob").len(), 2);
}

#[test]
fn a_text_that_names_no_folder_loads_as_unknown_whoever_staged_it() {
    let leaked = |text: String| -> &'static str { text.leak() };
    let kinds: Vec<(Option<&'static str>, &str)> = vec![
        (Some("CARRIER"), "CARRIER"),
        (None, "UNKNOWN"),
        (Some(""), "UNKNOWN"),
        (Some("Null"), "UNKNOWN"),
        (Some(NULL), "UNKNOWN"),
        (Some(leaked("x".repeat(247))), "UNKNOWN"),
        (Some(leaked("x".repeat(246))), leaked("x".repeat(246))),
        (Some(leaked("/".repeat(83))), "UNKNOWN"),
        (Some(leaked("/".repeat(82))), leaked("%2F".repeat(82))),
        (Some(leaked("é".repeat(124))), "UNKNOWN"),
        (Some(leaked("x".repeat(70_000))), "UNKNOWN"),
    ];
    for streams in [false, true] {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        let all: Vec<Claim> = kinds
            .iter()
            .enumerate()
            .map(|(index, (kind, _))| {
                Claim::new(&format!("{index:02}")).with(|claim| claim.eob_type = *kind)
            })
            .collect();
        let staging = Staging {
            streams,
            ..Staging::default()
        };
        let staged = stage(data.path(), 1, &all, &staging);
        load(&request(&lake, 1, &[staged]), &NoProgress).unwrap();
        let expected: Vec<String> = kinds
            .iter()
            .enumerate()
            .map(|(index, (_, folder))| format!("{index:02} {folder}"))
            .collect();
        assert_eq!(of(&rows(&lake, "eob"), &["eob_id", "eob_type"]), expected);
        // The next load finds all of them again.
        let other = [Claim::new("99").with(|claim| claim.eob_type = None)];
        assert!(load_all(data.path(), 2, &other));
        assert_eq!(rows(&lake, "eob").len(), kinds.len() + 1);
    }
}
