//! Targets that are somebody else's, or that others write to at the same time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;

use super::scene::{Scene, latest, memory, newest_state, run, sum_at, sums_of_newest, wait};
use crate::identity::LakeId;
use crate::store::{Created, Store};

#[test]
fn another_lakes_target_is_refused_and_left_as_it_is() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1)]);
    scene.publish(&store, "one").unwrap();
    let before = wait(store.list()).unwrap();
    let mut request = scene.request("two");
    request.lake_id = LakeId::from_random([8; 16]);
    let words = run(&store, &request).unwrap_err().to_string();
    assert!(words.contains("another lake"), "{words}");
    assert_eq!(wait(store.list()).unwrap(), before);
}

#[test]
fn a_place_with_other_files_is_refused() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1)]);
    let theirs = "t/_delta_log/00000000000000000000.json";
    wait(store.write(theirs, Bytes::from_static(b"{}"))).unwrap();
    let words = scene.publish(&store, "one").unwrap_err().to_string();
    assert!(
        words.contains("not empty") && words.contains(theirs),
        "{words}"
    );
    assert_eq!(wait(store.list()).unwrap().len(), 1);
}

#[test]
fn a_table_that_another_program_changed_is_named() {
    let scene = Scene::new();
    let store = memory();
    scene.load(&[("AL", 1)]);
    scene.publish(&store, "one").unwrap();
    let commit = r#"{"commitInfo":{"operation":"OPTIMIZE"}}"#;
    let path = "bills/_delta_log/00000000000000000001.json";
    wait(store.write(path, Bytes::from(commit))).unwrap();
    let words = scene.publish(&store, "two").unwrap_err().to_string();
    assert!(
        words.contains("bills") && words.contains("OPTIMIZE"),
        "{words}"
    );
    for (path, content) in [
        ("bills/_delta_log/00000000000000000001.json", "no JSON"),
        ("snapshots/1.json", "{"),
        ("snapshots/1.json", r#"{"format":9}"#),
        (
            "claimlake.json",
            r#"{"format":9,"lake":"07070707070707070707070707070707"}"#,
        ),
        ("claimlake.json", "x"),
    ] {
        wait(store.write(path, Bytes::from(content))).unwrap();
        assert!(scene.publish(&store, "two").is_err(), "{path}: {content}");
    }
}

/// What deltalake 1.6.6 writes into a log before and after it removes files.
#[test]
fn a_vacuum_of_another_program_is_no_change() {
    let scene = Scene::new();
    let store = scene.folder_store();
    scene.load(&[("AL", 1), ("TX", 2)]);
    scene.publish(&store, "one").unwrap();
    for (version, note) in [(1, "VACUUM START"), (2, "VACUUM END")] {
        let commit = format!(r#"{{"commitInfo":{{"operation":"{note}","engineInfo":"other"}}}}"#);
        let path = format!("bills/_delta_log/{version:020}.json");
        wait(store.write(&path, Bytes::from(commit))).unwrap();
    }
    let state = newest_state(&store).unwrap();
    wait(store.remove(&state.tables[0].files[0].path)).unwrap();
    let healed = scene.publish(&store, "two").unwrap();
    assert_eq!((healed.sequence, healed.sent_files), (1, 1));
    assert_eq!(latest(&store, "bills"), 2);
    assert_eq!(sums_of_newest(&store).unwrap()["bills"], 3);
    scene.load(&[("AL", 5)]);
    assert!(scene.publish(&store, "three").unwrap().changed);
    assert_eq!(sum_at(&store, "bills", 3), 5);
    // A note that says more is a change.
    let commit = r#"{"commitInfo":{"operation":"VACUUM END"}}
{"remove":{"path":"x","dataChange":true}}"#;
    let path = "bills/_delta_log/00000000000000000004.json";
    wait(store.write(path, Bytes::from(commit))).unwrap();
    let words = scene.publish(&store, "four").unwrap_err().to_string();
    assert!(words.contains("VACUUM"), "{words}");
}

#[test]
fn a_write_that_never_replaces_has_one_winner_who_may_ask_twice() {
    let scene = Scene::new();
    for store in [memory(), scene.folder_store()] {
        let create = |text: &'static str| wait(store.create("a/b", Bytes::from(text))).unwrap();
        assert_eq!(create("one"), Created::Yes);
        assert_eq!(create("two"), Created::Exists);
        // The answer to the first request was lost.
        assert_eq!(create("one"), Created::Yes);
        assert_eq!(wait(store.read("a/b")).unwrap(), Some(Bytes::from("one")));
    }
}

/// A store at which another publish of the same lake takes place before the `nth` write.
fn interrupted_by(store: &Store, nth: usize, other: impl Fn() + Send + Sync + 'static) -> Store {
    let count = AtomicUsize::new(0);
    let busy = AtomicBool::new(false);
    let mut interrupted = store.clone();
    interrupted.at_write = Some(Arc::new(move |_: &str| {
        let is_due = count.fetch_add(1, Ordering::SeqCst) == nth;
        if is_due && !busy.swap(true, Ordering::SeqCst) {
            // A runtime of its own.
            std::thread::scope(|scope| scope.spawn(&other).join().unwrap());
        }
        Ok(())
    }));
    interrupted
}

/// Two copies of a lake are published at the same time: whatever the moment, no table is torn, and
/// the newer snapshot is what stays.
#[test]
fn of_two_publishers_the_newer_snapshot_stays() {
    for other_is_newer in [true, false] {
        let mut lost = 0;
        let mut nth = 0;
        loop {
            let scene = Scene::new();
            let store = memory();
            let copy = scene.folder.path().join("copy");
            scene.load(&[("AL", 1), ("TX", 20)]);
            scene.publish(&store, "first").unwrap();
            let (older, newer) = match other_is_newer {
                true => (scene.lake(), copy),
                false => (copy, scene.lake()),
            };
            let before = scene.lake();
            if other_is_newer {
                copy_lake(&before, &newer);
            } else {
                copy_lake(&before, &older);
            }
            scene.load_into(&older, &[("AL", 1), ("TX", 300)]);
            scene.load_into(&newer, &[("AL", 4_000), ("TX", 4_000)]);
            let mut theirs = scene.request("theirs");
            theirs.lake = if other_is_newer { newer } else { older };
            let ended = Arc::new(AtomicBool::new(false));
            let other = {
                let (store, ended) = (store.clone(), Arc::clone(&ended));
                move || {
                    ended.store(true, Ordering::SeqCst);
                    run(&store, &theirs).unwrap();
                }
            };
            let outcome = run(&interrupted_by(&store, nth, other), &scene.request("ours"));
            if !ended.load(Ordering::SeqCst) {
                assert!(nth > 6, "only {nth} writes");
                break;
            }
            match outcome {
                Ok(_) => {}
                Err(error) => {
                    let words = error.to_string();
                    assert!(
                        other_is_newer && words.contains("which is newer"),
                        "{words}"
                    );
                    lost += 1;
                }
            }
            let sums = sums_of_newest(&store).unwrap();
            assert_eq!(
                (sums["bills"], sums["totals"]),
                (8_000, 8_000),
                "write {nth}"
            );
            for table in ["bills", "totals"] {
                let newest = sum_at(&store, table, latest(&store, table));
                assert_eq!(newest, 8_000, "{table}, write {nth}");
            }
            nth += 1;
        }
        assert_eq!(lost > 0, other_is_newer);
    }
}

fn copy_lake(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

#[test]
fn many_threads_make_one_sequence_of_whole_states() {
    let scene = Scene::new();
    let target = scene.folder.path().join("target");
    let lakes: Vec<_> = (0..6)
        .map(|number| {
            let lake = scene.folder.path().join(format!("lake{number}"));
            scene.load_into(&lake, &[("AL", 10 + number), ("TX", 10 + number)]);
            lake
        })
        .collect();
    std::thread::scope(|scope| {
        for (number, lake) in lakes.iter().enumerate() {
            let mut request = scene.request(&format!("p{number}"));
            request.lake.clone_from(lake);
            let store = Store::folder(&target);
            scope.spawn(move || {
                // Older ones may give way.
                let outcome = run(&store, &request);
                assert!(outcome.is_ok() || number < 5, "{outcome:?}");
            });
        }
    });
    let store = Store::folder(&target);
    let state = newest_state(&store).unwrap();
    assert!(state.sequence >= 1);
    let sums = sums_of_newest(&store).unwrap();
    // A thread that began after the newest had ended is a rollback.
    assert_eq!(sums["bills"], sums["totals"]);
    for table in ["bills", "totals"] {
        assert_eq!(sum_at(&store, table, latest(&store, table)), sums[table]);
    }
}
