//! Targets that are compared with the lake.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use bytes::Bytes;
use claimlake_contract::NoProgress;

use super::killed::ending_at;
use super::scene::{Scene, memory, newest_state, wait};
use crate::compare::{Comparison, Repair, compare};
use crate::error::Result;
use crate::store::Store;
use crate::target::OpenTarget;

fn compared(scene: &Scene, store: &Store) -> Result<Comparison> {
    let target = OpenTarget {
        store: store.clone(),
    };
    let (lake, scratch) = (scene.lake(), scene.folder.path());
    wait(compare(
        &lake,
        &scene.lake_id,
        &target,
        scratch,
        &NoProgress,
    ))
}

fn published(store: &Store) -> Scene {
    let scene = Scene::new();
    for load in 0..12 {
        scene.load(&[("AL", 1), ("TX", load), ("VT", 7)]);
        scene.publish(store, &format!("p{load}")).unwrap();
    }
    scene
}

/// The newest file of `totals`.
fn a_file(store: &Store) -> (String, Bytes) {
    let state = newest_state(store).unwrap();
    let table = state.tables.iter().find(|table| table.name == "totals");
    let path = table.unwrap().files[0].path.clone();
    let content = wait(store.read(&path)).unwrap().unwrap();
    (path, content)
}

#[test]
fn what_was_published_agrees_and_every_byte_was_read() {
    let scene = Scene::new();
    for store in [memory(), scene.folder_store()] {
        assert!(compared(&scene, &store).is_err(), "nothing is there");
        scene.load(&[("AL", 1), ("TX", 30)]);
        scene.publish(&store, "one").unwrap();
        let found = compared(&scene, &store).unwrap();
        assert_eq!(found.differences, []);
        let pool: Vec<u64> = wait(store.list())
            .unwrap()
            .into_iter()
            .filter(|(path, _)| path.ends_with(".parquet"))
            .map(|(_, found)| found.bytes)
            .collect();
        assert_eq!((found.files, found.bytes), (pool.len(), pool.iter().sum()));
        assert_eq!((found.tables, found.rows), (2, 4));
        // Nothing is left of what was read.
        let names = std::fs::read_dir(scene.folder.path()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().file_name());
        assert!(!names.any(|name| name.to_string_lossy().starts_with(".reading")));
    }
}

/// Object stores' clients encode a few characters that Hive does not.
#[test]
fn values_that_readers_encode_agree_in_lake_and_log() {
    let scene = Scene::new();
    for store in [memory(), scene.folder_store()] {
        scene.load(&[("{b}", 1), ("a~b|c", 30), ("50%", 7), ("é x", 2)]);
        scene.publish(&store, "one").unwrap();
        let paths = wait(store.list()).unwrap().into_iter();
        let paths: Vec<String> = paths.map(|(path, _)| path).collect();
        for folder in [
            "state=%7Bb%7D",
            "state=a%7Eb%7Cc",
            "state=50%25",
            "state=%C3%A9%20x",
        ] {
            let begin = format!("bills/{folder}/");
            assert!(
                paths.iter().any(|path| path.starts_with(&begin)),
                "{folder}"
            );
        }
        assert_eq!(compared(&scene, &store).unwrap().differences, []);
        let sums = super::scene::sums_of_newest(&store).unwrap();
        assert_eq!((sums["bills"], sums["totals"]), (40, 40));
        assert!(!scene.publish(&store, "two").unwrap().changed);
    }
}

/// Each kind of damage is found, and what is said about it mends it.
#[test]
fn every_difference_is_found_and_its_repair_mends_it() {
    type Damage = fn(&Scene, &Store);
    let damages: [(&str, Repair, Damage); 9] = [
        ("is missing", Repair::Publish, |_, store| {
            wait(store.remove(&a_file(store).0)).unwrap();
        }),
        ("bytes at the target", Repair::Publish, |_, store| {
            let (path, content) = a_file(store);
            wait(store.write(&path, content.slice(..content.len() - 1))).unwrap();
        }),
        ("another checksum", Repair::RemoveFiles, |_, store| {
            let (path, content) = a_file(store);
            let mut content = content.to_vec();
            content[20] ^= 1;
            wait(store.write(&path, content.into())).unwrap();
        }),
        ("whose current one is", Repair::Publish, |scene, _| {
            scene.load(&[("AL", 1), ("TX", 99)]);
        }),
        (
            "a publish was interrupted",
            Repair::Publish,
            |scene, store| {
                scene.load(&[("AL", 1), ("TX", 99)]);
                let ended = Arc::new(AtomicUsize::new(0));
                let killed = ending_at(store, 9, &ended);
                scene.publish(&killed, "killed").unwrap_err();
                scene.rollback(12);
            },
        ),
        ("cannot be read", Repair::Anew, |_, store| {
            let path = "bills/_delta_log/00000000000000000010.checkpoint.parquet";
            wait(store.write(path, Bytes::from_static(b"x"))).unwrap();
        }),
        ("names other files", Repair::Anew, |_, store| {
            let path = "bills/_delta_log/00000000000000000011.json";
            let lines = wait(store.read(path)).unwrap().unwrap();
            let lines = String::from_utf8(lines.to_vec()).unwrap();
            let kept = lines.lines().filter(|line| !line.starts_with("{\"remove"));
            let kept: Vec<_> = kept.collect();
            wait(store.write(path, kept.join("\n").into())).unwrap();
        }),
        ("names other files", Repair::Anew, |_, store| {
            // Of another table: whole, and with other files.
            let other = "totals/_delta_log/00000000000000000010.checkpoint.parquet";
            let other = wait(store.read(other)).unwrap().unwrap();
            let path = "bills/_delta_log/00000000000000000010.checkpoint.parquet";
            wait(store.write(path, other)).unwrap();
        }),
        ("local lake", Repair::Local, |scene, store| {
            let path = scene.lake().join("current").join(a_file(store).0);
            let mut content = std::fs::read(&path).unwrap();
            content[20] ^= 1;
            std::fs::write(path, content).unwrap();
        }),
    ];
    for (words, repair, damage) in damages {
        let store = memory();
        let scene = published(&store);
        damage(&scene, &store);
        let found = compared(&scene, &store).unwrap();
        let said = |one: &&crate::compare::Difference| one.to_string().contains(words);
        let difference = found.differences.iter().find(said);
        let difference = difference.unwrap_or_else(|| panic!("{words}: {found:?}"));
        assert_eq!(difference.repair, repair, "{words}");
        assert_eq!(
            found.differences.iter().map(|one| one.repair).max(),
            Some(repair)
        );
        match repair {
            Repair::Publish => {}
            Repair::RemoveFiles => wait(store.remove(&a_file(&store).0)).unwrap(),
            Repair::Anew => {
                for (path, _) in wait(store.list()).unwrap() {
                    wait(store.remove(&path)).unwrap();
                }
            }
            // `verify` is about it.
            Repair::Local => continue,
        }
        scene.publish(&store, "mended").unwrap();
        assert_eq!(compared(&scene, &store).unwrap().differences, [], "{words}");
    }
}
