//! Snapshots: immutable, linked, kept for a while, gone back to.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use claimlake_contract::{BloomColumns, NoProgress, TableLayout};
use claimlake_loader::{
    LoadError, LoadRequest, RunTable, load, read_manifest, rollback, snapshots,
};

use crate::basic::{load_claims, many, request};
use crate::lake_rows::{files, of, rows};
use crate::staged_runs::{Claim, Staging, stage};

fn next(data: &Path, number: u32) -> LoadRequest {
    let claim = Claim::new(&format!("claim{number}")).with(|claim| {
        claim.year = Some(2000 + number as i32);
    });
    let staged = stage(data, number, &[claim], &Staging::default());
    request(&data.join("lake"), number, &[staged])
}

#[test]
fn unchanged_files_are_linked_and_a_published_snapshot_stays_as_it_is() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    load_claims(data.path(), 1, &many(20));
    let before = read_manifest(&lake.join("snapshots/1")).unwrap();
    let outcome = load(&next(data.path(), 2), &NoProgress).unwrap();
    assert_eq!((outcome.files_written, outcome.files_copied), (2, 0));
    assert!(outcome.files_linked > 10);
    for table in &before.tables {
        for file in &table.files {
            let path = lake.join("snapshots/1").join(&file.path);
            assert_eq!(std::fs::metadata(&path).unwrap().len(), file.bytes);
            let again = lake.join("snapshots/2").join(&file.path);
            assert_eq!(
                std::fs::metadata(path).unwrap().ino(),
                std::fs::metadata(again).unwrap().ino()
            );
        }
    }
}

#[test]
fn file_names_are_the_beginning_of_their_hash_and_the_manifest_counts_right() {
    use sha2::Digest;
    let data = tempfile::tempdir().unwrap();
    load_claims(data.path(), 1, &many(20));
    let folder = data.path().join("lake/current");
    for table in read_manifest(&folder).unwrap().tables {
        for file in &table.files {
            let bytes = std::fs::read(folder.join(&file.path)).unwrap();
            let hash: String = sha2::Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(file.sha256, hash);
            assert!(
                file.path.ends_with(&format!("/{}.parquet", &hash[..32])),
                "{}",
                file.path
            );
            let batches = crate::lake_rows::read(&folder.join(&file.path));
            let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows as u64, file.rows);
        }
    }
}

#[test]
fn snapshots_beyond_number_and_hours_are_removed() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let numbers = || -> Vec<u64> {
        snapshots(&lake)
            .unwrap()
            .into_iter()
            .map(|snapshot| snapshot.number)
            .collect()
    };
    for number in 1..=4 {
        let mut request = next(data.path(), number);
        request.options.keep_snapshots = 2;
        request.options.keep_hours = 48;
        request.published_at = format!("2026-01-{:02}T00:00:00Z", number * 10);
        load(&request, &NoProgress).unwrap();
    }
    assert_eq!(numbers(), [3, 4]);
    // Young ones are kept beyond the number.
    for number in 5..=6 {
        let mut request = next(data.path(), number);
        request.options.keep_snapshots = 1;
        request.options.keep_hours = 48;
        request.published_at = format!("2026-02-09T{number:02}:00:00+00:00");
        load(&request, &NoProgress).unwrap();
    }
    assert_eq!(numbers(), [4, 5, 6][1..]);
    assert_eq!(rows(&lake, "eob").len(), 6);
}

#[test]
fn after_a_rollback_load_refuses_until_told_to_go_on() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    for number in 1..=3 {
        load(&next(data.path(), number), &NoProgress).unwrap();
    }
    assert!(
        rollback(&lake, 9, &NoProgress)
            .unwrap_err()
            .to_string()
            .ends_with("there are 1, 2, 3")
    );
    let info = rollback(&lake, 1, &NoProgress).unwrap();
    assert!(info.is_current && info.is_pinned);
    assert_eq!(of(&rows(&lake, "eob"), &["eob_id"]), ["claim1"]);
    let mut request = next(data.path(), 4);
    let error = load(&request, &NoProgress).unwrap_err();
    assert!(matches!(error, LoadError::Pinned { snapshot: 1 }));
    request.options.unpin = true;
    let outcome = load(&request, &NoProgress).unwrap();
    assert_eq!(outcome.snapshot, Some(4));
    assert_eq!(of(&rows(&lake, "eob"), &["eob_id"]), ["claim1", "claim4"]);
    // From now on without `--unpin`.
    assert_eq!(
        load(&next(data.path(), 5), &NoProgress).unwrap().snapshot,
        Some(5)
    );
}

#[test]
fn two_loads_at_once_are_refused_and_what_a_killed_one_left_is_cleared() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    load(&next(data.path(), 1), &NoProgress).unwrap();
    let held = std::fs::File::open(lake.join(".lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let error = load(&next(data.path(), 2), &NoProgress).unwrap_err();
    assert!(matches!(error, LoadError::Locked { .. }) && error.is_retryable());
    drop(held);
    std::fs::create_dir_all(lake.join(".building/snapshot/eob")).unwrap();
    std::fs::write(lake.join(".building/snapshot/eob/unfinished"), "half").unwrap();
    std::fs::create_dir_all(lake.join(".removing/eob")).unwrap();
    // A snapshot that was placed and never became current.
    std::fs::create_dir_all(lake.join("snapshots/2")).unwrap();
    let outcome = load(&next(data.path(), 3), &NoProgress).unwrap();
    assert_eq!(outcome.snapshot, Some(3));
    assert!(!lake.join(".building").exists() && !lake.join(".removing").exists());
    assert_eq!(rows(&lake, "eob").len(), 2);
}

#[test]
fn the_lake_is_the_owners_alone_or_readable_by_the_group() {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    load(&next(data.path(), 1), &NoProgress).unwrap();
    let file = |lake: &Path| lake.join("current/eob").join(&files(lake, "eob")[0]);
    assert_eq!((mode(&lake), mode(&file(&lake))), (0o700, 0o600));
    let mut shared = next(data.path(), 2);
    shared.lake = data.path().join("shared");
    let own_group = std::fs::metadata(data.path()).unwrap().gid();
    shared.options.group = Some(own_group.to_string());
    load(&shared, &NoProgress).unwrap();
    assert_eq!(
        (mode(&shared.lake), mode(&file(&shared.lake))),
        (0o750, 0o640)
    );
    assert_eq!(
        std::fs::metadata(file(&shared.lake)).unwrap().gid(),
        own_group
    );
}

#[test]
fn a_group_that_is_named_later_can_read_all_kept_snapshots_and_what_they_share() {
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let first = load(&next(data.path(), 1), &NoProgress).unwrap();
    assert_eq!(first.given_to_group, 0);
    let own_group = std::fs::metadata(data.path()).unwrap().gid();
    let mut shared = next(data.path(), 2);
    shared.options.group = Some(own_group.to_string());
    assert!(load(&shared, &NoProgress).unwrap().given_to_group > 0);
    let mut folders = vec![lake.join("snapshots")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o750, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            assert_eq!(mode(&path), 0o640, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} files");
    assert_eq!(mode(&lake), 0o750);
    // Nothing more to give, whether or not something is new.
    let mut again = next(data.path(), 3);
    again.options.group = shared.options.group.clone();
    assert_eq!(load(&again, &NoProgress).unwrap().given_to_group, 0);
}

#[test]
fn the_views_name_the_snapshots_real_path_and_the_types_of_partition_columns() {
    let data = tempfile::tempdir().unwrap();
    let mut request = next(data.path(), 1);
    request.options.main_tables = vec!["eob".to_owned()];
    load(&request, &NoProgress).unwrap();
    let folder = data.path().canonicalize().unwrap().join("lake/snapshots/1");
    let duckdb = std::fs::read_to_string(folder.join("views.duckdb.sql")).unwrap();
    assert!(
        duckdb.contains(&format!("SET VARIABLE lake = '{}';\n", folder.display())),
        "{duckdb}"
    );
    assert!(duckdb.contains("|| '/eob/**/*.parquet'"), "{duckdb}");
    assert!(duckdb.contains("'service_year': INTEGER"), "{duckdb}");
    assert!(duckdb.contains("VIEW main.\"eob\""), "{duckdb}");
    assert!(!duckdb.contains("VIEW main.\"eob_item\""), "{duckdb}");
    assert!(duckdb.contains("VIEW lossless.\"eob_item\""), "{duckdb}");
    let spark = std::fs::read_to_string(folder.join("views.spark.sql")).unwrap();
    assert!(
        spark.contains(&format!("path '{}/eob_item'", folder.display())),
        "{spark}"
    );
}

#[test]
fn a_table_about_the_run_is_replaced_and_only_its_change_columns_are_news() {
    let data = tempfile::tempdir().unwrap();
    let lake = data.path().join("lake");
    let status = |run: &str, state: &str| RunTable {
        layout: TableLayout {
            name: "extract_status".to_owned(),
            partition_by: Vec::new(),
            sort_by: vec!["patient_id".to_owned()],
            bloom: BloomColumns::default(),
        },
        batches: vec![
            RecordBatch::try_from_iter([
                (
                    "patient_id",
                    Arc::new(StringArray::from(vec!["p2", "p1"])) as _,
                ),
                ("run", Arc::new(StringArray::from(vec![run, run])) as _),
                (
                    "state",
                    Arc::new(StringArray::from(vec!["complete", state])) as _,
                ),
            ])
            .unwrap(),
        ],
        change_columns: vec!["patient_id".to_owned(), "state".to_owned()],
    };
    let mut first = next(data.path(), 1);
    first.run_tables = vec![status("r1", "complete")];
    load(&first, &NoProgress).unwrap();
    let mut again = first.clone();
    again.run_tables = vec![status("r2", "complete")];
    assert!(!load(&again, &NoProgress).unwrap().changed);
    again.run_tables = vec![status("r3", "needs_consent")];
    assert!(load(&again, &NoProgress).unwrap().changed);
    let states = of(
        &rows(&lake, "extract_status"),
        &["patient_id", "run", "state"],
    );
    assert_eq!(states, ["p1 r3 needs_consent", "p2 r3 complete"]);
    // A load without it keeps it.
    load(&next(data.path(), 2), &NoProgress).unwrap();
    assert_eq!(rows(&lake, "extract_status").len(), 2);
}
