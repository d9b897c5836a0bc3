//! Damaged files of a snapshot: whoever reads one refuses it by its name, and nothing is published.

use std::path::{Path, PathBuf};

use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person};
use claimlake_loader::{
    ForgetRequest, LoadError, LoadOptions, check_file, forget, load, person_in_lake, read_manifest,
    rollback,
};

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::bytes;
use crate::signed::{edit, files_below};
use crate::staged_runs::{Claim, Staging, run_id, stage};

fn options() -> LoadOptions {
    LoadOptions {
        current: vec![rule()],
        ..LoadOptions::default()
    }
}

fn load_into(data: &Path, number: u32, claims: &[Claim]) -> Result<bool, LoadError> {
    let staged = stage(data, number, claims, &Staging::default());
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = options();
    load(&request, &NoProgress).map(|outcome| outcome.changed)
}

/// A claim that touches the partition of every damaged file here.
fn update() -> Vec<Claim> {
    let touched = many(24)
        .into_iter()
        .filter(|claim| claim.eob_type == Some("PDE"));
    let updated = touched.map(|claim| {
        claim.with(|claim| {
            claim.last_updated = Some(9_000);
            claim.items += 1;
        })
    });
    updated.collect()
}

/// The first file of a kind in the current snapshot, and another of that kind.
fn of_kind(snapshot: &Path, kind: &str) -> (PathBuf, Option<PathBuf>) {
    let is_of_kind = |path: &&PathBuf| {
        let path = path.to_str().unwrap();
        match kind {
            "owners" => path.starts_with("keys/rows/") && path.contains("PDE"),
            "rows" => path.starts_with("eob/eob_type=PDE"),
            "items" => path.starts_with("eob_item/eob_type=PDE"),
            own => path == own,
        }
    };
    let files = files_below(snapshot);
    let mut of_kind = files.iter().filter(is_of_kind);
    let file = of_kind.next().unwrap().clone();
    (file, of_kind.next().cloned())
}

type Damage = fn(&Path, Option<&Path>);

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    rewrite(path, &bytes);
}

/// As a disk would: the file of all snapshots that share it.
fn rewrite(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

const DAMAGES: [(&str, Damage); 7] = [
    ("a bit at the beginning", |path, _| flip(path, 2)),
    ("a bit in the middle", |path, _| {
        flip(path, std::fs::metadata(path).unwrap().len() as usize / 2);
    }),
    ("a bit at the end", |path, _| {
        flip(path, std::fs::metadata(path).unwrap().len() as usize - 1);
    }),
    ("truncated", |path, _| {
        let bytes = std::fs::read(path).unwrap();
        rewrite(path, &bytes[..bytes.len() / 2]);
    }),
    ("empty", |path, _| rewrite(path, &[])),
    ("deleted", |path, _| std::fs::remove_file(path).unwrap()),
    ("swapped", |path, other| {
        if let Some(other) = other {
            let (one, two) = (std::fs::read(path).unwrap(), std::fs::read(other).unwrap());
            rewrite(path, &two);
            rewrite(other, &one);
        } else {
            flip(path, 40);
        }
    }),
];

#[test]
fn whatever_a_load_reads_of_the_snapshot_before_is_as_its_manifest_says_or_refused() {
    for kind in [
        "owners",
        "rows",
        "items",
        "keys/keys.arrow",
        "keys/current.arrow",
    ] {
        for (what, damage) in DAMAGES {
            let data = tempfile::tempdir().unwrap();
            let lake = data.path().join("lake");
            load_into(data.path(), 1, &many(24)).unwrap();
            let snapshot = lake.join("snapshots/1");
            let (file, other) = of_kind(&snapshot, kind);
            let whole = std::fs::read(snapshot.join(&file)).unwrap();
            let other = other.map(|other| snapshot.join(other));
            damage(&snapshot.join(&file), other.as_deref());
            let seen = bytes(&lake, &["eob"]);
            let error = load_into(data.path(), 2, &update()).unwrap_err();
            let words = error.to_string();
            let context = format!("{kind}, {what}: {words}");
            assert!(matches!(error, LoadError::Damaged { .. }), "{context}");
            let names = words.contains(file.to_str().unwrap())
                || other.is_some_and(|other| words.contains(other.to_str().unwrap()));
            assert!(names, "{context}");
            assert!(words.contains("`verify`"), "{context}");
            assert!(!lake.join("snapshots/2").exists(), "{context}");
            assert!(!lake.join(".building").exists(), "{context}");
            assert_eq!(bytes(&lake, &["eob"]), seen, "{context}");
            // Whole again, the load goes on.
            if what != "swapped" {
                std::fs::write(snapshot.join(&file), whole).unwrap();
                assert!(load_into(data.path(), 2, &update()).unwrap());
            }
        }
    }
}

#[test]
fn a_file_that_stays_as_it_is_must_be_as_long_as_it_was() {
    for (what, damage) in DAMAGES.into_iter().skip(3).take(3) {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        load_into(data.path(), 1, &many(24)).unwrap();
        let snapshot = lake.join("snapshots/1");
        let of_carrier = |path: &&PathBuf| path.to_str().unwrap().contains("eob_type=CARRIER");
        for file in files_below(&snapshot).iter().filter(of_carrier) {
            let whole = std::fs::read(snapshot.join(file)).unwrap();
            damage(&snapshot.join(file), None);
            let words = load_into(data.path(), 2, &update())
                .unwrap_err()
                .to_string();
            assert!(words.contains(file.to_str().unwrap()), "{what}: {words}");
            std::fs::write(snapshot.join(file), whole).unwrap();
        }
        assert!(load_into(data.path(), 2, &update()).unwrap());
    }
}

fn person() -> Person {
    Person {
        ids: [(ApiVersion::V2, PatientId::new("p3"))].into(),
        ..Person::default()
    }
}

#[test]
fn a_person_is_not_forgotten_by_damaged_owners_or_keys() {
    for kind in ["owners", "rows", "keys/keys.arrow"] {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        let theirs: Vec<Claim> = many(24)
            .into_iter()
            .map(|claim| claim.with(|claim| claim.patient = "p3".to_owned()))
            .collect();
        load_into(data.path(), 1, &theirs).unwrap();
        let snapshot = lake.join("snapshots/1");
        let (file, _) = of_kind(&snapshot, kind);
        flip(&snapshot.join(&file), 200);
        let request = ForgetRequest {
            lake: lake.clone(),
            person: person(),
            resources: Vec::new(),
            run: run_id(2),
            options: options(),
            published_at: "2026-01-02T00:00:00Z".to_owned(),
        };
        let words = forget(&request, &NoProgress).unwrap_err().to_string();
        assert!(words.contains(file.to_str().unwrap()), "{kind}: {words}");
        if kind != "rows" {
            let words = person_in_lake(&lake, &person(), &[])
                .unwrap_err()
                .to_string();
            assert!(words.contains(file.to_str().unwrap()), "{kind}: {words}");
        }
        assert!(snapshot.exists() && !lake.join("snapshots/2").exists());
    }
}

#[test]
fn nothing_goes_back_to_a_damaged_snapshot_and_whole_ones_are_named() {
    for kind in [
        "owners",
        "rows",
        "keys/keys.arrow",
        "keys/current.arrow",
        "views.duckdb.sql",
        "views.spark.sql",
        "manifest.json",
        "manifest.json.sha256",
    ] {
        for (what, damage) in DAMAGES {
            let data = tempfile::tempdir().unwrap();
            let lake = data.path().join("lake");
            load_into(data.path(), 1, &many(24)).unwrap();
            load_into(data.path(), 2, &[Claim::new("late")]).unwrap();
            // Shares none of the damaged files with the first.
            load_into(data.path(), 3, &update()).unwrap();
            let snapshot = lake.join("snapshots/1");
            let (file, other) = of_kind(&snapshot, kind);
            let whole = std::fs::read(snapshot.join(&file)).unwrap();
            let other = other.map(|other| snapshot.join(other));
            damage(&snapshot.join(&file), other.as_deref());
            let words = rollback(&lake, 1, &NoProgress).unwrap_err().to_string();
            let context = format!("{kind}, {what}: {words}");
            assert!(words.contains("snapshots/1"), "{context}");
            if !kind.starts_with("manifest") && what != "swapped" {
                assert!(words.contains(file.to_str().unwrap()), "{context}");
                assert!(
                    words.contains("these have all of their files: "),
                    "{context}"
                );
                assert!(words.ends_with('3'), "{context}");
            }
            let current = std::fs::read_link(lake.join("current")).unwrap();
            assert_eq!(current, Path::new("snapshots/3"), "{context}");
            assert!(!lake.join("pinned").exists(), "{context}");
            if what != "swapped" {
                std::fs::write(snapshot.join(&file), whole).unwrap();
                assert!(rollback(&lake, 1, &NoProgress).unwrap().is_current);
            }
        }
    }
}

#[test]
fn the_manifest_of_another_snapshot_is_not_that_of_this_one() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    load_into(data.path(), 1, &many(24)).unwrap();
    load_into(data.path(), 2, &update()).unwrap();
    for file in ["manifest.json", "manifest.json.sha256"] {
        std::fs::copy(
            lake.join("snapshots/1").join(file),
            lake.join("snapshots/2").join(file),
        )
        .unwrap();
    }
    let words = load_into(data.path(), 3, &[Claim::new("late")])
        .unwrap_err()
        .to_string();
    assert!(
        words.contains("the manifest is that of snapshot 1"),
        "{words}"
    );
}

#[test]
fn every_file_of_a_snapshot_is_in_its_manifest_with_its_hash() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    load_into(data.path(), 1, &many(24)).unwrap();
    load_into(data.path(), 2, &update()).unwrap();
    let snapshot = lake.join("snapshots/2");
    let manifest = read_manifest(&snapshot).unwrap();
    let mut named: Vec<PathBuf> = manifest
        .all_files()
        .map(|file| (&file.path).into())
        .collect();
    named.extend(["manifest.json", "manifest.json.sha256"].map(PathBuf::from));
    named.sort();
    assert_eq!(files_below(&snapshot), named);
    for file in manifest.all_files() {
        check_file(&snapshot, file).unwrap();
    }
    // Owners that the manifest does not name are not made up.
    edit(&snapshot, |manifest| {
        let owners = manifest["owners"].as_array_mut().unwrap();
        owners.retain(|file| !file["path"].as_str().unwrap().contains("PDE"));
    });
    let mut newer = update();
    newer
        .iter_mut()
        .for_each(|claim| claim.last_updated = Some(9_999));
    let words = load_into(data.path(), 3, &newer).unwrap_err().to_string();
    assert!(words.contains("names no owners of the rows in"), "{words}");
}
