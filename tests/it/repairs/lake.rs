//! Damage in the lake.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::damage::{ALL, Damage, files_with};
use super::scene::{Copy, Scene};

/// Files of a snapshot that can be damaged beside each other, each with the one that it may change
/// places with: Parquet of a partitioned and of another table, of `changes` and `extract_status`, row
/// owners, keys, what is current, views.
fn files(copy: &Copy<'_>) -> Vec<(PathBuf, PathBuf)> {
    let current = copy.current();
    let one = |words: &[&str]| files_with(&current, words)[0].clone();
    let in_partition = files_with(&current, &["eob_item/", ".parquet"]);
    let owners = files_with(&current, &["keys/rows/ExplanationOfBenefit", ".arrow"]);
    let last = |files: &[PathBuf]| files.last().unwrap().clone();
    vec![
        (in_partition[0].clone(), last(&in_partition)),
        (
            one(&["patient/", ".parquet"]),
            one(&["coverage/", ".parquet"]),
        ),
        (
            one(&["changes/", ".parquet"]),
            one(&["extract_status/", ".parquet"]),
        ),
        (one(&["keys/keys.arrow"]), one(&["keys/current.arrow"])),
        (owners[0].clone(), last(&owners)),
        (one(&["views.duckdb.sql"]), one(&["views.spark.sql"])),
    ]
}

/// `changes` is a history that nothing else holds: damaged, it is reported as lost.
fn without_history(files: Vec<(PathBuf, PathBuf)>) -> Vec<(PathBuf, PathBuf)> {
    let is_history = |path: &PathBuf| path.display().to_string().contains("/changes/");
    files
        .into_iter()
        .filter(|(one, _)| !is_history(one))
        .collect()
}

fn shown(copy: &Copy<'_>, files: &[(PathBuf, PathBuf)]) -> Vec<String> {
    files.iter().map(|(file, _)| copy.shown(file)).collect()
}

#[test]
fn damaged_files_of_a_snapshot_are_made_again() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let files = without_history(files(&copy));
        copy.repaired(damage, &files, &shown(&copy, &files));
    }
    // The other one of each pair.
    let copy = scene.copy();
    let others: Vec<_> = files(&copy)
        .into_iter()
        .map(|(one, other)| (other, one))
        .collect();
    copy.repaired(Damage::Flip, &others, &shown(&copy, &others));
}

#[test]
fn a_damaged_history_is_reported_as_lost_and_what_the_lake_held_is_not_new_again() {
    let scene = Scene::new();
    for damage in ALL {
        let copy = scene.copy();
        let mut files = files(&copy);
        files.retain(|(file, _)| copy.shown(file).contains("/changes/"));
        copy.repaired(damage, &files, &shown(&copy, &files));
        let changes = copy.run(&["--json", "changes"]).stdout;
        let is_new = |line: &&str| line.contains("\"kind\":\"new\"");
        let whole = scene.copy().run(&["--json", "changes"]).stdout;
        assert!(changes.lines().filter(is_new).count() <= whole.lines().filter(is_new).count());
    }
}

#[test]
fn a_snapshot_without_its_manifest_or_checksum_is_replaced_by_a_new_one() {
    let scene = Scene::new();
    for damage in ALL {
        for (of_current, of_older) in [
            ("manifest.json", "manifest.json.sha256"),
            ("manifest.json.sha256", "manifest.json"),
        ] {
            let copy = scene.copy();
            let older = copy.path("lake/snapshots/1");
            let current = copy.current();
            let files = match damage {
                // With the one of the snapshot between them.
                Damage::Swap => vec![(
                    current.join(of_current),
                    copy.path("lake/snapshots/2").join(of_current),
                )],
                _ => vec![
                    (current.join(of_current), PathBuf::new()),
                    (older.join(of_older), PathBuf::new()),
                ],
            };
            let mut named = vec!["lake/snapshots/3".to_owned()];
            if damage != Damage::Swap {
                named.push("older snapshot 1".to_owned());
            }
            copy.repaired(damage, &files, &named);
            assert!(!current.exists(), "nobody may go back to it");
        }
    }
}

#[test]
fn an_older_snapshot_that_cannot_be_made_again_goes_and_the_others_stay() {
    let scene = Scene::new();
    for damage in [Damage::Flip, Damage::Delete] {
        let copy = scene.copy();
        let older = copy.path("lake/snapshots/1");
        let keys = older.join("keys/keys.arrow");
        copy.repaired(
            damage,
            &[(keys.clone(), keys)],
            &["older snapshot 1".to_owned()],
        );
        assert!(!older.exists() && copy.path("lake/snapshots/2").exists());
        copy.done(&["snapshots", "rollback", "2"]);
    }
}

#[test]
fn a_lake_whose_link_is_gone_or_leads_nowhere_is_found_again() {
    let scene = Scene::new();
    for target in [None, Some("snapshots/99"), Some("elsewhere")] {
        let copy = scene.copy();
        let link = copy.path("lake/current");
        fs::remove_file(&link).unwrap();
        if let Some(target) = target {
            std::os::unix::fs::symlink(target, &link).unwrap();
        }
        copy.repaired_by_advice("current", &["lake/current".to_owned()]);
        assert!(copy.current().ends_with("snapshots/3"));
    }
    // A copy that followed the link.
    let copy = scene.copy();
    let link = copy.path("lake/current");
    let target = fs::canonicalize(&link).unwrap();
    fs::remove_file(&link).unwrap();
    let mut copied = std::process::Command::new("cp");
    let copied = copied.arg("-a").args([&target, &link]);
    assert!(copied.status().unwrap().success());
    copy.repaired_by_advice("current", &["lake/current".to_owned()]);
    assert!(link.is_symlink() && copy.current().ends_with("snapshots/3"));
    // The next run finds it as well, and begins no history of its own.
    let copy = scene.copy();
    fs::remove_file(copy.path("lake/current")).unwrap();
    copy.done(&["run", "--from", "transform"]);
    assert!(copy.current().ends_with("snapshots/3"));
}

#[test]
fn a_pin_that_names_no_snapshot_is_removed_and_a_pinned_lake_is_repaired() {
    let scene = Scene::new();
    for text in ["", "x\n", "1", "\u{0}"] {
        let copy = scene.copy();
        fs::write(copy.path("lake/pinned"), text).unwrap();
        if text == "1" {
            // It holds the lake, if at another snapshot than the current one.
            copy.done(&["verify"]);
            continue;
        }
        let report = copy.run(&["--json", "verify"]).summary()["verify"].clone();
        let commands: Vec<&str> = report["repair"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(Value::as_str)
            .collect();
        assert!(
            commands.len() == 1 && commands[0].ends_with(" load --unpin"),
            "{report}"
        );
        let wrong = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["failed"] != 0);
        assert_eq!(
            wrong.unwrap()["repair"],
            serde_json::json!(["load --unpin"])
        );
        copy.repaired_by_advice("pinned", &["lake/pinned".to_owned()]);
        assert!(!copy.path("lake/pinned").exists());
    }
    let copy = scene.copy();
    copy.done(&["snapshots", "rollback", "3"]);
    let files = &files(&copy)[..1];
    copy.repaired(Damage::Truncate, files, &shown(&copy, files));
}

#[test]
fn what_no_manifest_names_goes() {
    let scene = Scene::new();
    let copy = scene.copy();
    let more = copy.current().join("eob/more.parquet");
    fs::write(&more, "x").unwrap();
    copy.repaired_by_advice("more", &[copy.shown(&more)]);
}
