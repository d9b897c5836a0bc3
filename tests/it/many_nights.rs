//! Many nights on one data directory: what is kept of them stays few files, and says the same.

use std::fs;

use serde_json::{Value, json};

use crate::command::{Bench, Ended};
use crate::files::names_below;

/// Bodies of three claims, one of which changes every night.
fn bodies(night: u32) -> String {
    let claim = |id: &str, updated: u32| {
        let claim = json!({
            "resourceType": "ExplanationOfBenefit",
            "id": id,
            "status": "active",
            "meta": {"lastUpdated": format!("2026-01-01T00:00:{updated:02}Z")},
            "patient": {"reference": format!("Patient/{}", &id[7..])},
        });
        format!("{claim}\n")
    };
    let changing = claim("carrier--1", night);
    match night {
        1 => [changing, claim("carrier--2", 1), claim("carrier--3", 1)].concat(),
        _ => changing,
    }
}

/// One command, with old snapshots removed as soon as there are three newer ones.
fn command(bench: &Bench, arguments: &[&str], crash_at: Option<&str>) -> Ended {
    let mut command = bench.command(&[&["--json", "--data", "d"], arguments].concat());
    command.env("CLAIMLAKE_LOAD_KEEP_HOURS", "0");
    command.env("CLAIMLAKE_LOAD_KEEP_SNAPSHOTS", "3");
    if let Some(place) = crash_at {
        command.env("CLAIMLAKE_CRASH_AT", place);
    }
    Ended::of(&mut command)
}

fn night(bench: &Bench, number: u32, crash_at: Option<&str>) -> Ended {
    fs::write(bench.path().join("in.ndjson"), bodies(number)).unwrap();
    command(bench, &["import", "in.ndjson", "--api", "v2"], None).exits(0);
    command(bench, &["transform"], None).exits(0);
    command(bench, &["load"], crash_at)
}

fn records(bench: &Bench) -> usize {
    let names = names_below(&bench.path().join("d/transformed"));
    names
        .iter()
        .filter(|name| name.ends_with("/manifest.json"))
        .count()
}

/// Everything that was ever read, as `status` adds it up, and what `trace` finds.
fn answers(bench: &Bench) -> (Value, usize, usize) {
    let status = command(bench, &["status"], None).exits(0).summary();
    let trace = command(bench, &["trace", "carrier--1"], None)
        .exits(0)
        .stdout;
    let changes = command(bench, &["changes"], None)
        .exits(0)
        .events_of("change");
    (
        status["rejects"].clone(),
        trace.lines().count(),
        changes.len(),
    )
}

#[test]
fn records_of_old_runs_are_folded_and_a_kill_on_the_way_changes_nothing() {
    for place in [None, Some("fold-written"), Some("fold-placed")] {
        let bench = Bench::new();
        for number in 1..=10 {
            night(&bench, number, None).exits(0);
        }
        assert_eq!(records(&bench), 10);
        let last = night(&bench, 11, place);
        match place {
            None => assert_eq!(last.exits(0).summary()["folded records"], 8),
            Some(_) => assert_ne!(last.exit, 0),
        }
        command(&bench, &["verify"], None).exits(0);
        let before = answers(&bench);
        let nothing = command(&bench, &["transform"], None).exits(0).summary();
        assert_eq!(nothing["transform"]["changed"], false, "{place:?}");
        // Whatever was left over, the next load ends it.
        command(&bench, &["load"], None).exits(0);
        assert_eq!(records(&bench), 4, "{place:?}");
        assert_eq!(answers(&bench), before, "{place:?}");
        let names = names_below(&bench.path().join("d/transformed"));
        assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
        night(&bench, 12, None).exits(0);
        command(&bench, &["verify"], None).exits(0);
        let (_, bodies, changes) = answers(&bench);
        assert_eq!((bodies, changes), (before.1 + 1, before.2 + 1));
    }
}

#[test]
fn the_oldest_kept_snapshot_can_be_gone_back_to_after_folding() {
    let bench = Bench::new();
    for number in 1..=14 {
        night(&bench, number, None).exits(0);
    }
    let (_, bodies, _) = answers(&bench);
    command(&bench, &["snapshots", "rollback", "12"], None).exits(0);
    // Only what the two later snapshots had is transformed again.
    let again = command(&bench, &["transform"], None).exits(0).summary();
    assert_eq!(again["transform"]["full"], false, "{again}");
    assert_eq!(again["transform"]["resources"], 2, "{again}");
    command(&bench, &["load", "--unpin"], None).exits(0);
    command(&bench, &["verify"], None).exits(0);
    assert_eq!(answers(&bench).1, bodies);
}

#[test]
fn a_damaged_record_of_many_runs_is_named_and_what_it_was_about_is_read_again() {
    let bench = Bench::new();
    for number in 1..=11 {
        night(&bench, number, None).exits(0);
    }
    let records = bench.path().join("d/transformed");
    let names = names_below(&records);
    let folded = names.iter().find(|name| name.starts_with("runs=")).unwrap();
    let folded = folded.split_once('/').unwrap().0;
    fs::write(records.join(folded).join("unread.json"), "{}").unwrap();
    let wrong = command(&bench, &["verify"], None);
    wrong.prints(folded);
    assert_eq!(wrong.exit, 1);
    let again = command(&bench, &["transform"], None).exits(0).summary();
    assert_eq!(again["transform"]["full"], true);
    command(&bench, &["load"], None).exits(0);
    command(&bench, &["verify"], None).exits(0);
}

/// Folders of landing that have a manifest, and how many of them have several runs.
fn landing_folders(bench: &Bench) -> (usize, usize) {
    let landing = bench.path().join("d/landing");
    let names = names_below(&landing);
    let manifests = names.iter().filter(|name| name.ends_with("/manifest.json"));
    let several = names.iter().filter(|name| name.contains("/manifests-"));
    (manifests.count(), several.count())
}

/// What `trace` finds, without the part of the answer that says where a frame lies now.
fn traced(bench: &Bench) -> Vec<Value> {
    let ended = command(bench, &["trace", "carrier--1"], None).exits(0);
    let mut bodies = ended.events_of("landed");
    for body in &mut bodies {
        body.as_object_mut().unwrap().remove("kept_in");
    }
    bodies
}

#[test]
fn landing_runs_are_joined_and_a_kill_on_the_way_changes_nothing() {
    let places = [
        "compact-begun",
        "compact-copied",
        "compact-written",
        "compact-both-sums",
        "compact-switched",
        "compact-new-sum",
    ];
    for place in places {
        let bench = Bench::new();
        for number in 1..=7 {
            night(&bench, number, None).exits(0);
        }
        assert_eq!(landing_folders(&bench), (7, 0));
        let before = traced(&bench);
        fs::write(bench.path().join("in.ndjson"), bodies(8)).unwrap();
        let import = ["import", "in.ndjson", "--api", "v2"];
        command(&bench, &import, Some(place)).was_killed();
        // It had landed before.
        let killed = traced(&bench);
        assert_eq!(killed.len(), 8, "{place}");
        for (one, other) in before.iter().zip(&killed).take(6) {
            assert_eq!(one, other, "{place}");
        }
        command(&bench, &["transform"], None).exits(0);
        command(&bench, &["load"], None).exits(0);
        night(&bench, 9, None).exits(0);
        night(&bench, 10, None).exits(0);
        let (folders, several) = landing_folders(&bench);
        assert!(folders <= 3 && several == 1, "{place}: {folders} {several}");
        command(&bench, &["verify"], None).exits(0);
        let after = traced(&bench);
        let lines: Vec<&str> = after
            .iter()
            .filter_map(|body| body["file"].as_str())
            .collect();
        assert_eq!(lines.len(), 10, "{place}");
        assert_eq!(&after[..7], &killed[..7], "{place}");
        // Landing alone makes the same tables again.
        let full = command(&bench, &["transform", "--full"], None)
            .exits(0)
            .summary();
        assert_eq!(full["transform"]["resources"], 12, "{place}: {full}");
        command(&bench, &["load", "--rebuild"], None).exits(0);
        command(&bench, &["verify"], None).exits(0);
    }
}

#[test]
fn a_damaged_part_in_a_folder_of_several_runs_is_repaired_as_verify_says() {
    let bench = Bench::new();
    for number in 1..=9 {
        night(&bench, number, None).exits(0);
    }
    command(&bench, &["verify"], None).exits(0);
    let landing = bench.path().join("d/landing");
    let names = names_below(&landing);
    let several = names
        .iter()
        .find(|name| name.contains("/manifests-"))
        .unwrap();
    let part = landing.join(several.replace("/manifests-", "/part-"));
    let mut bytes = fs::read(&part).unwrap();
    bytes[30] ^= 1;
    fs::write(&part, bytes).unwrap();
    let wrong = command(&bench, &["verify"], None).exits(1);
    assert!(wrong.wrong().contains(&"landing_checksums".to_owned()));
    command(&bench, &["transform", "--full"], None);
    fs::write(bench.path().join("in.ndjson"), bodies(1)).unwrap();
    command(&bench, &["import", "in.ndjson", "--api", "v2"], None).exits(0);
    command(&bench, &["transform"], None).exits(0);
    command(&bench, &["load", "--rebuild"], None).exits(0);
    command(&bench, &["verify"], None).exits(0);
}
