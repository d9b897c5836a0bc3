use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::data_dir::{DataDir, read_staged_manifest};
use crate::running::Process;

fn id(prefix: &str, night: u64) -> String {
    format!(
        "2026{prefix}T00{:02}{:02}.000Z-0001",
        night / 60,
        night % 60
    )
}

/// The record of a night: it read one landing run with ten resources, and is in the snapshot of its
/// number.
fn record(data: &DataDir, night: u64, full: bool, rejects: &str) -> PathBuf {
    let run = id("1101", night);
    let folder = data.transformed().join(format!("run={run}"));
    fs::create_dir_all(&folder).unwrap();
    let manifest = json!({
        "format": 1, "run": run, "pipeline_hash": format!("hash of {night}"), "rules": 4,
        "landing_runs": [id("1001", night)], "full": full, "tables": [],
        "resources": 10, "without_view": 1, "rejected_resources": 2, "rejected_cells": 3,
    });
    let unread = json!({"format": 1, "paths": [
        {"api": "v3", "resource": "Coverage", "path": "a", "count": 1},
        {"api": "v3", "resource": "Coverage", "path": format!("of.{night}"), "count": night},
    ]});
    fs::write(folder.join("manifest.json"), manifest.to_string()).unwrap();
    fs::write(folder.join("unread.json"), unread.to_string()).unwrap();
    fs::write(folder.join("rejects.ndjson"), rejects).unwrap();
    fs::write(folder.join("snapshot"), night.to_string()).unwrap();
    folder
}

fn nights(count: u64) -> (tempfile::TempDir, DataDir) {
    let folder = tempfile::tempdir().unwrap();
    let data = DataDir::at(folder.path().into());
    for night in 1..=count {
        record(&data, night, false, "");
    }
    (folder, data)
}

fn landing_runs(data: &DataDir) -> BTreeSet<String> {
    let records = data.transformed_runs().unwrap();
    let runs = records.iter().flat_map(|record| &record.landing_runs);
    runs.map(ToString::to_string).collect()
}

fn read(folder: &Path, file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_folded_record_says_what_those_that_it_stands_for_said() {
    let (_folder, data) = nights(20);
    let before = landing_runs(&data);
    assert_eq!(data.fold_records(18, false).unwrap(), 17);
    let folders = data.transformed_folders().unwrap();
    assert_eq!(folders.len(), 4, "{folders:?}");
    assert_eq!(landing_runs(&data), before);
    let folded = read_staged_manifest(&folders[0]).unwrap();
    assert_eq!(folded.run.to_string(), id("1101", 17));
    assert_eq!(folded.pipeline_hash, "hash of 17");
    assert!(!folded.full);
    let counts = [
        folded.resources,
        folded.without_view,
        folded.rejected_resources,
        folded.rejected_cells,
    ];
    assert_eq!(counts, [170, 17, 34, 51]);
    let paths = read(&folders[0], "unread.json")["paths"].clone();
    assert_eq!(paths.as_array().unwrap().len(), 18);
    assert_eq!(paths[0]["count"], 17);
    assert_eq!(
        fs::read_to_string(folders[0].join("snapshot")).unwrap(),
        "17"
    );
    assert!(
        claimlake_loader::check_record(&folders[0])
            .unwrap()
            .is_empty()
    );
    // A rollback to what is still kept takes none of it back.
    data.forget_transformed_after(18).unwrap();
    assert_eq!(landing_runs(&data).len(), 18);
    assert_eq!(data.fold_records(18, false).unwrap(), 0);
}

#[test]
fn the_records_of_a_thousand_nights_become_few() {
    let (_folder, data) = nights(3);
    for night in 4..=1_000 {
        record(&data, night, false, "");
        data.fold_records(night - 2, false).unwrap();
        let folders = data.transformed_folders().unwrap();
        assert!(folders.len() < 20, "{} after night {night}", folders.len());
    }
    assert_eq!(landing_runs(&data).len(), 1_000);
}

#[test]
fn what_came_before_a_run_over_all_of_landing_counts_no_longer_but_stays_known() {
    let (_folder, data) = nights(12);
    record(&data, 6, true, "");
    assert_eq!(data.fold_records(13, false).unwrap(), 12);
    let folders = data.transformed_folders().unwrap();
    let folded = read_staged_manifest(&folders[0]).unwrap();
    assert!(folded.full);
    assert_eq!((folded.resources, folded.landing_runs.len()), (70, 12));
    assert_eq!(read(&folders[0], "unread.json")["paths"][0]["count"], 7);
}

#[test]
fn records_with_rejects_are_folded_only_if_these_are_kept_for_ever() {
    let (_folder, data) = nights(20);
    record(&data, 10, false, "{\"line\":1}\n");
    record(&data, 11, false, "{\"line\":2}\n");
    // Nine before them and nine behind them.
    assert_eq!(data.fold_records(21, false).unwrap(), 18);
    assert_eq!(data.transformed_folders().unwrap().len(), 4);
    assert_eq!(landing_runs(&data).len(), 20);

    let (_folder, data) = nights(20);
    record(&data, 10, false, "{\"line\":1}\n");
    record(&data, 11, false, "{\"line\":2}\n");
    assert_eq!(data.fold_records(21, true).unwrap(), 20);
    let folders = data.transformed_folders().unwrap();
    let rejects = fs::read_to_string(folders[0].join("rejects.ndjson")).unwrap();
    assert_eq!(rejects, "{\"line\":1}\n{\"line\":2}\n");
}

#[test]
fn records_that_a_kill_left_beside_the_folded_one_are_not_read_and_go() {
    let (folder, data) = nights(12);
    let old: Vec<PathBuf> = data.transformed_folders().unwrap();
    let kept = folder.path().join("kept");
    for record in &old {
        copy(record, &kept.join(record.file_name().unwrap()));
    }
    data.fold_records(13, false).unwrap();
    for record in &old {
        copy(&kept.join(record.file_name().unwrap()), record);
    }
    let folders = data.transformed_folders().unwrap();
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert_eq!(read_staged_manifest(&folders[0]).unwrap().resources, 120);
    let this = Process::this("load", "2026-11-23T16:40:12Z".parse().unwrap());
    let lock = data
        .lock_staged(&folder.path().join("lake"), &this)
        .unwrap();
    drop(lock);
    assert!(old.iter().all(|record| !record.exists()));
    assert!(folders[0].exists());
}

#[test]
fn a_damaged_record_is_not_folded() {
    let (_folder, data) = nights(12);
    let folders = data.transformed_folders().unwrap();
    fs::write(folders[3].join("manifest.json"), "{").unwrap();
    assert_eq!(data.fold_records(13, false).unwrap(), 8);
    let sums = format!("{}  manifest.json\n", "0".repeat(64));
    let (_folder, data) = nights(12);
    let folders = data.transformed_folders().unwrap();
    fs::write(folders[3].join("SHA256SUMS"), sums).unwrap();
    assert_eq!(data.fold_records(13, false).unwrap(), 0);
}
