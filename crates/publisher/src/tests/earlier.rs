//! What is removed beside the newest state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::killed::{both, ending_at};
use super::scene::{Scene, latest, memory, newest_state, run_later, sum_at, sums_of_newest, wait};
use crate::request::Earlier;
use crate::store::Store;

fn paths(store: &Store) -> Vec<String> {
    let listed = wait(store.list()).unwrap();
    listed.into_iter().map(|(path, _)| path).collect()
}

/// What may be at a target: `claimlake.json`, the text beside the tables, and what its newest state
/// names.
fn only_the_newest(store: &Store) -> Vec<String> {
    let state = newest_state(store).unwrap();
    let mut expected = vec![
        "claimlake.json".to_owned(),
        format!("snapshots/{}.json", state.sequence),
        "views.sql".to_owned(),
    ];
    for table in &state.tables {
        let log = format!("{}/_delta_log", table.name);
        let version = table.delta_version;
        expected.push(format!("{log}/{version:020}.json"));
        expected.push(format!("{log}/{version:020}.checkpoint.parquet"));
        expected.push(format!("{log}/_last_checkpoint"));
        expected.extend(table.files.iter().map(|file| file.path.clone()));
    }
    expected.sort();
    expected
}

/// A commit of a publish that ended before its state was made, and files that no version names.
fn leave_unnamed(scene: &Scene, store: &Store) {
    scene.load(&[("AL", 666), ("TX", 667)]);
    let ended = Arc::new(AtomicUsize::new(0));
    // Files, the check of conditional writes and one commit.
    scene
        .publish(&ending_at(store, 9, &ended), "killed")
        .unwrap_err();
    let other = "bills/state=AL/00112233445566778899aabbccddeeff.parquet";
    wait(store.write(other, Bytes::from_static(b"rows"))).unwrap();
}

#[test]
fn after_a_removal_only_the_newest_state_is_there() {
    let scene = Scene::new();
    for store in [memory(), scene.folder_store()] {
        for load in 0..3 {
            scene.load(&[("AL", 1), ("TX", load)]);
            scene.publish(&store, &format!("p{load}")).unwrap();
        }
        leave_unnamed(&scene, &store);
        scene.load(&[("AL", 1), ("TX", 5)]);
        scene.earlier.set(Earlier::Remove);
        let outcome = scene.publish(&store, "last").unwrap();
        assert_eq!(paths(&store), only_the_newest(&store));
        assert!(outcome.changed && outcome.removed_states >= 3 && outcome.removed_files > 10);
        assert_eq!(sums_of_newest(&store), Some(both(6)));
        for table in ["bills", "totals"] {
            assert_eq!(sum_at(&store, table, latest(&store, table)), 6);
        }
        let again = scene.publish(&store, "again").unwrap();
        assert_eq!(
            (again.changed, again.removed_states, again.removed_files),
            (false, 0, 0)
        );
        // Publishing goes on from there.
        scene.earlier.set(super::scene::ALL);
        scene.load(&[("AL", 1), ("TX", 7)]);
        assert!(scene.publish(&store, "next").unwrap().changed);
        assert_eq!(sums_of_newest(&store), Some(both(8)));
    }
}

#[test]
fn what_a_newer_version_than_the_named_one_replaced_goes_too() {
    let scene = Scene::new();
    let store = memory();
    let one = scene.load(&[("AL", 1), ("TX", 2)]);
    scene.publish(&store, "one").unwrap();
    // Commits without a state, and the next publish brings the tables back by further commits.
    leave_unnamed(&scene, &store);
    scene.rollback(one);
    scene.publish(&store, "two").unwrap();
    let state = newest_state(&store).unwrap();
    assert!(
        state
            .tables
            .iter()
            .any(|table| table.delta_version < latest(&store, &table.name))
    );
    let newest = |store: &Store| ["bills", "totals"].map(|table| latest(store, table));
    let before = newest(&store);
    scene.earlier.set(Earlier::Remove);
    scene.publish(&store, "three").unwrap();
    assert_eq!(paths(&store), only_the_newest(&store));
    // No number of a version is used twice: readers keep what they know of versions.
    assert_eq!(newest(&store), before);
    assert_eq!(sums_of_newest(&store), Some(both(3)));
}

#[test]
fn what_others_put_there_is_removed_from_tables_and_left_alone_elsewhere() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1)]);
    scene.publish(&store, "one").unwrap();
    let theirs = [
        ("bills/part-0001.snappy.parquet", false),
        ("bills/_delta_log/00000000000000000000.crc", false),
        (
            "gone/state=AL/00112233445566778899aabbccddeeff.parquet",
            false,
        ),
        (
            "gone/_delta_log/00000000000000000000.checkpoint.parquet",
            false,
        ),
        ("notes.txt", true),
        ("other/claimlake.json", true),
        ("other/bills/00112233445566778899aabbccddeeff.parquet", true),
    ];
    for (path, _) in theirs {
        wait(store.write(path, Bytes::from_static(b"x"))).unwrap();
    }
    scene.earlier.set(Earlier::Remove);
    let outcome = scene.publish(&store, "two").unwrap();
    assert_eq!(outcome.left_alone, 1, "the other target is not this one's");
    for (path, stays) in theirs {
        assert_eq!(paths(&store).contains(&path.to_owned()), stays, "{path}");
    }
}

/// At every write and removal: readers of the newest state see the one before or the new one, and the
/// next try ends it.
#[test]
fn a_removal_that_ends_anywhere_is_ended_by_the_next_one() {
    let mut call = 0;
    loop {
        let scene = Scene::new();
        let store = memory();
        for load in 0..2 {
            scene.load(&[("AL", 1), ("TX", load)]);
            scene.publish(&store, &format!("p{load}")).unwrap();
        }
        leave_unnamed(&scene, &store);
        scene.load(&[("AL", 500), ("TX", 500)]);
        scene.earlier.set(Earlier::Remove);
        let ended = Arc::new(AtomicUsize::new(0));
        let outcome = scene.publish(&ending_at(&store, call, &ended), "killed");
        let shown = sums_of_newest(&store);
        if ended.load(Ordering::SeqCst) == 0 {
            assert!(outcome.is_ok() && call > 40, "only {call} calls");
            assert_eq!(paths(&store), only_the_newest(&store));
            break;
        }
        assert!(outcome.is_err(), "call {call}");
        assert!(
            shown == Some(both(2)) || shown == Some(both(1_000)),
            "call {call}: {shown:?}"
        );
        for table in ["bills", "totals"] {
            sum_at(&store, table, latest(&store, table));
        }
        scene.publish(&store, "next").unwrap();
        assert_eq!(paths(&store), only_the_newest(&store), "call {call}");
        assert_eq!(sums_of_newest(&store), Some(both(1_000)));
        call += 1;
    }
}

fn states(store: &Store) -> Vec<u64> {
    let paths = paths(store);
    let states = paths.iter();
    let mut states: Vec<u64> = states
        .filter_map(|path| {
            path.strip_prefix("snapshots/")?
                .strip_suffix(".json")?
                .parse()
                .ok()
        })
        .collect();
    states.sort_unstable();
    states
}

/// The versions below each table's log, without those of checkpoints.
fn versions(store: &Store, table: &str) -> Vec<u64> {
    let log = format!("{table}/_delta_log/");
    let paths = paths(store);
    let names = paths.iter().filter_map(|path| path.strip_prefix(&log));
    names
        .filter_map(|name| name.strip_suffix(".json")?.parse().ok())
        .collect()
}

#[test]
fn states_stay_by_their_number_and_by_when_they_were_the_newest() {
    let scene = Scene::new();
    for (kept, hours, later, expected) in [
        (3, 0, 1, vec![3, 4, 5]),
        (1, 0, 1, vec![5]),
        (1, 30, 29, vec![1, 2, 3, 4, 5]),
        (2, 30, 31, vec![4, 5]),
        (1, u64::MAX, 31, vec![1, 2, 3, 4, 5]),
        (9, 0, 99, vec![1, 2, 3, 4, 5]),
    ] {
        let store = memory();
        scene.earlier.set(super::scene::ALL);
        for load in 0..5 {
            scene.load(&[("AL", 1), ("TX", load)]);
            scene.publish(&store, &format!("p{load}")).unwrap();
        }
        scene.earlier.set(Earlier::Keep {
            states: kept,
            hours,
        });
        let outcome = run_later(&store, &scene.request("later"), later).unwrap();
        assert_eq!(states(&store), expected, "{kept} {hours} {later}");
        assert_eq!(outcome.removed_states, 5 - expected.len());
        assert!(!outcome.changed && outcome.not_removed.is_none());
        assert_eq!(sums_of_newest(&store), Some(both(5)));
    }
}

#[test]
fn files_that_no_kept_state_names_go_after_a_day_and_log_entries_before_a_checkpoint() {
    let scene = Scene::new();
    let store = memory();
    for load in 0..14 {
        scene.load(&[("AL", 1), ("TX", load)]);
        scene.publish(&store, &format!("p{load}")).unwrap();
    }
    let keep = |states| Earlier::Keep { states, hours: 0 };
    // The checkpoint of version 10 serves states 11 and later: 12 states are needed for one before.
    scene.earlier.set(keep(5));
    let outcome = run_later(&store, &scene.request("soon"), 23).unwrap();
    assert_eq!(states(&store), [10, 11, 12, 13, 14]);
    assert_eq!(versions(&store, "totals").len(), 14);
    assert_eq!(outcome.removed_files, 0, "nothing is a day old");

    scene.earlier.set(keep(3));
    run_later(&store, &scene.request("day"), 23).unwrap();
    assert_eq!(versions(&store, "totals"), [10, 11, 12, 13]);
    let parquet = |store: &Store| {
        let paths = paths(store);
        let files = paths.iter().filter(|path| path.ends_with(".parquet"));
        files.filter(|path| !path.contains("_delta_log")).count()
    };
    assert_eq!(parquet(&store), 1 + 14 + 14);
    let outcome = run_later(&store, &scene.request("days"), 25).unwrap();
    // One file of AL, three of TX and three of totals.
    assert_eq!((parquet(&store), outcome.removed_files), (7, 22));
    for version in [11, 12, 13] {
        let sum = i128::from(version) + 1;
        assert_eq!(sum_at(&store, "totals", version), sum);
        assert_eq!(sum_at(&store, "bills", version), sum);
    }
    assert!(
        !run_later(&store, &scene.request("again"), 25)
            .unwrap()
            .changed
    );
    scene.load(&[("AL", 1), ("TX", 99)]);
    scene.publish(&store, "next").unwrap();
    assert_eq!(sums_of_newest(&store), Some(both(100)));
}

#[test]
fn files_of_a_publish_that_runs_are_not_removed() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1), ("TX", 2)]);
    scene.publish(&store, "one").unwrap();
    leave_unnamed(&scene, &store);
    scene.rollback(1);
    scene.earlier.set(Earlier::Keep {
        states: 1,
        hours: 0,
    });
    let before = paths(&store).len();
    let outcome = run_later(&store, &scene.request("two"), 23).unwrap();
    assert_eq!(outcome.removed_files, 0);
    assert!(paths(&store).len() >= before);
}

#[test]
fn a_history_that_cannot_be_removed_does_not_undo_a_publish() {
    let scene = Scene::new();
    let store = memory();
    for load in 0..3 {
        scene.load(&[("AL", 1), ("TX", load)]);
        scene.publish(&store, &format!("p{load}")).unwrap();
    }
    wait(store.write("snapshots/2.json", Bytes::from_static(b"{"))).unwrap();
    scene.earlier.set(Earlier::Keep {
        states: 2,
        hours: 0,
    });
    let outcome = run_later(&store, &scene.request("later"), 48).unwrap();
    assert!(outcome.not_removed.unwrap().contains("snapshots/2.json"));
    assert_eq!(states(&store), [1, 2, 3]);
}
