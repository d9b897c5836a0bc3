//! Damage to files of a snapshot: `verify` names it, and no load publishes anything wrong by it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::{Bench, Ended, a_patient, words};
use crate::files::{copy_folder, names_below, set_mode};

/// A data directory with the claims, coverages and people of a small sandbox, published.
pub(crate) fn published() -> Bench {
    let bench = Bench::new();
    done(&bench, "d", &["run"]);
    bench
}

pub(crate) fn run(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    let mut command = bench.command(&[&["--json", "--data", data], arguments].concat());
    for (name, value) in [("PATIENTS", "2"), ("EOBS", "4"), ("SEED", "11")] {
        command.env(format!("CLAIMLAKE_SOURCE_{name}"), value);
    }
    Ended::of(command.env("CLAIMLAKE_LOAD_KEEP_SNAPSHOTS", "9"))
}

pub(crate) fn done(bench: &Bench, data: &str, arguments: &[&str]) -> Ended {
    run(bench, data, arguments).exits(0)
}

/// A copy of the data directory, in which files may be damaged.
pub(crate) fn copied(bench: &Bench, name: &str) -> PathBuf {
    copy_folder(&bench.path().join("d"), &bench.path().join(name));
    bench.path().join(name).join("lake/snapshots/1")
}

/// The names of the hard checks that failed, and all places they name.
pub(crate) fn failed(verified: &Ended) -> (Vec<String>, String) {
    let wrong = verified.wrong();
    let mut checks = verified.checks();
    checks.retain(|check| check["severity"] == "hard" && check["failed"] != 0);
    let places = checks.iter().map(|check| check["places"].to_string());
    (wrong, places.collect())
}

/// The beginnings of the paths of every kind of file that a snapshot has.
const TABLES: [&str; 2] = ["eob/", "patient/"];
const RUN_TABLES: [&str; 2] = ["changes/", "extract_status/"];
const KEYS: [&str; 4] = [
    "keys/keys.arrow",
    "keys/current.arrow",
    "keys/rows/ExplanationOfBenefit/",
    "keys/rows/Patient/",
];
const OTHERS: [&str; 3] = ["views.duckdb.sql", "views.spark.sql", "manifest.json"];

const DAMAGES: [&str; 5] = ["flip", "truncate", "empty", "delete", "swap"];

/// Damages the first file of the kind; answers its path, or none where it has no counterpart to be
/// swapped with.
fn damage(snapshot: &Path, kind: &str, damage: &str) -> Option<String> {
    let files = names_below(snapshot);
    let mut of_kind = files.iter().filter(|file| file.starts_with(kind));
    let file = of_kind.next().unwrap().clone();
    let path = snapshot.join(&file);
    let mut bytes = std::fs::read(&path).unwrap();
    match damage {
        "flip" => {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).unwrap();
        }
        "truncate" => std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        "empty" => std::fs::write(path, "").unwrap(),
        "delete" => std::fs::remove_file(path).unwrap(),
        _ => {
            let other = snapshot.join(of_kind.next_back()?);
            let others = std::fs::read(&other).unwrap();
            if others == bytes {
                return None;
            }
            std::fs::write(other, bytes).unwrap();
            std::fs::write(path, others).unwrap();
        }
    }
    Some(file)
}

#[test]
fn damaged_tables_are_named_and_a_load_publishes_nothing_wrong() {
    are_protected(&TABLES);
}

#[test]
fn damaged_tables_about_runs_are_named_and_a_load_publishes_nothing_wrong() {
    are_protected(&RUN_TABLES);
}

#[test]
fn damaged_keys_are_named_and_a_load_publishes_nothing_wrong() {
    are_protected(&KEYS);
}

#[test]
fn damaged_views_and_manifests_are_named_and_a_load_publishes_nothing_wrong() {
    are_protected(&OTHERS);
}

/// Damages a file of each kind, in each way: `verify` names it, and what a load then publishes, if
/// it does, is right as soon as the file is whole again.
fn are_protected(kinds: &[&str]) {
    let bench = published();
    // Newer bodies of all claims, so that a load touches every partition of theirs.
    let made = words("sandbox generate --patients 2 --eobs 4 --seed 11");
    let made = [&made[..], &["--resource", "ExplanationOfBenefit"]].concat();
    let mut newer = String::new();
    for line in bench.done(&made).stdout.lines() {
        let mut claim: Value = serde_json::from_str(line).unwrap();
        claim["meta"]["lastUpdated"] = "2027-01-01T00:00:00Z".into();
        claim["payment"]["amount"]["value"] = 77.77.into();
        newer.push_str(&format!("{claim}\n"));
    }
    bench.write("newer.ndjson", &newer);
    let mut number = 0;
    for kind in kinds {
        for what in DAMAGES {
            number += 1;
            let name = format!("d{number}");
            let snapshot = copied(&bench, &name);
            let Some(file) = damage(&snapshot, kind, what) else {
                continue;
            };
            let context = format!("{kind}, {what}");
            let verified = run(&bench, &name, &["verify"]);
            assert_eq!(verified.exit, 1, "{context}");
            let (names, places) = failed(&verified);
            assert!(places.contains(&file), "{context}: {places}");
            let expected = if *kind == "manifest.json" {
                "lake_manifest"
            } else {
                "lake_files"
            };
            assert!(names.contains(&expected.to_owned()), "{context}: {names:?}");
            assert!(!verified.stderr.contains("panicked"), "{context}");

            done(&bench, &name, &["import", "--api", "v2", "newer.ndjson"]);
            let transformed = run(&bench, &name, &["transform"]);
            let lake = bench.path().join(&name).join("lake");
            if transformed.exit == 0 {
                let loaded = run(&bench, &name, &["load"]);
                let is_refused = loaded.exit != 0;
                if is_refused {
                    assert!(
                        loaded.error_line().contains(&file),
                        "{context}: {}",
                        loaded.stderr
                    );
                    let current = std::fs::read_link(lake.join("current")).unwrap();
                    assert_eq!(current, Path::new("snapshots/1"), "{context}");
                } else {
                    // Nothing was built on it. What is whole again is all that was wrong.
                    repair(&bench, &snapshot, &lake.join("snapshots/2"));
                    let verified = run(&bench, &name, &["verify"]);
                    assert_eq!(verified.exit, 0, "{context}: {}", failed(&verified).1);
                }
            }
            std::fs::remove_dir_all(bench.path().join(name)).unwrap();
        }
    }
}

/// Puts the files of the first snapshot back that were damaged, there and where they were linked to.
fn repair(bench: &Bench, snapshot: &Path, later: &Path) {
    let whole = bench.path().join("d/lake/snapshots/1");
    for file in names_below(&whole) {
        let bytes = std::fs::read(whole.join(&file)).unwrap();
        if std::fs::read(snapshot.join(&file)).is_ok_and(|found| found == bytes) {
            continue;
        }
        let damaged = snapshot.join(&file);
        let _ = std::fs::remove_file(&damaged);
        std::fs::write(damaged, &bytes).unwrap();
        // Files without a hash in their names are another snapshot's own.
        let is_shared = file.ends_with(".parquet") || file.starts_with("keys/rows/");
        if is_shared && later.join(&file).exists() {
            std::fs::write(later.join(&file), bytes).unwrap();
        }
    }
}

#[test]
fn a_file_that_no_manifest_names_is_named_wherever_it_is() {
    let bench = published();
    for (number, extra) in [
        "eob/x.parquet",
        "keys/rows/x.arrow",
        "keys/x",
        "other/eob_type=PDE/x.parquet",
        "x.sql",
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("d{number}");
        let path = copied(&bench, &name).join(extra);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x").unwrap();
        let verified = run(&bench, &name, &["verify"]);
        assert_eq!(verified.exit, 1, "{extra}");
        assert!(failed(&verified).1.contains(extra), "{extra}");
    }
}

#[test]
fn a_lake_that_others_may_read_is_warned_of() {
    let bench = published();
    let modes = |verified: &Ended| {
        let modes = verified.check("modes");
        let failed = modes["failed"].as_u64().unwrap();
        (failed, modes["places"].to_string())
    };
    assert_eq!(modes(&done(&bench, "d", &["verify"])).0, 0);
    let lake = bench.path().join("d/lake");
    for (path, mode) in [
        ("snapshots/1/manifest.json", 0o644),
        ("snapshots/1/keys", 0o755),
        ("snapshots/1/views.spark.sql", 0o620),
        ("snapshots", 0o750),
    ] {
        set_mode(&lake.join(path), mode);
    }
    let (failed, places) = modes(&done(&bench, "d", &["verify"]));
    assert_eq!(failed, 4, "{places}");
    assert!(
        places.contains("lake/snapshots/1/keys: mode 0755, at most 0700"),
        "{places}"
    );
    // As the check says.
    let mut chmod = Command::new("chmod");
    let chmod = chmod.args(["-R", "go-rwx"]).arg(&lake);
    assert!(chmod.status().unwrap().success());
    assert_eq!(modes(&done(&bench, "d", &["verify"])).0, 0);
}

#[test]
fn rollback_refuses_a_damaged_snapshot_by_its_file() {
    let bench = published();
    // Another snapshot: the same people, read again, with a claim more.
    bench.import("d", "more.ndjson", &a_patient("more"));
    done(&bench, "d", &["run", "--from", "transform"]);
    let lake = bench.path().join("d/lake");
    let file = damage(&lake.join("snapshots/1"), "keys/rows/Patient/", "flip").unwrap();
    let refused = run(&bench, "d", &["snapshots", "rollback", "1"]);
    assert_ne!(refused.exit, 0);
    refused.fails_with(&file);
    assert!(
        refused
            .error_line()
            .ends_with("these have all of their files: 2"),
        "{}",
        refused.stderr
    );
    assert_eq!(
        std::fs::read_link(lake.join("current")).unwrap(),
        Path::new("snapshots/2")
    );
    done(&bench, "d", &["load"]);
}

#[test]
fn a_demo_snapshot_has_one_file_of_owners_for_each_partition() {
    let bench = published();
    let files = names_below(&bench.path().join("d/lake/snapshots/1"));
    let partition = |file: &&String| {
        let mut folders = file.split('/').filter(|folder| folder.contains('='));
        Some(format!("{}/{}", folders.next()?, folders.next()?))
    };
    let rows = files.iter().filter(|file| file.ends_with(".parquet"));
    let partitions: std::collections::BTreeSet<String> =
        rows.clone().filter_map(|file| partition(&file)).collect();
    let owners = files.iter().filter(|file| file.starts_with("keys/rows/"));
    // Tables of people and coverages have no partitions, and one file each type.
    let of_partitions = owners
        .clone()
        .filter(|file| partition(file).is_some())
        .count();
    assert!(
        of_partitions <= partitions.len(),
        "{of_partitions} of {}",
        partitions.len()
    );
    assert_eq!(owners.count() - of_partitions, 2);
    assert_eq!(files.len(), rows.count() + of_partitions + 2 + 6);
}
