//! What a target shows after loads, rollbacks and lakes that were made anew.

use super::scene::{
    Scene, actions, latest, memory, newest_state, partition_by, sum_at, sums_of_newest, wait,
    write_manifest,
};

const FIRST: &[(&str, i128)] = &[("AL", 100), ("AL", 250), ("TX", 3_000)];
const SECOND: &[(&str, i128)] = &[("AL", 100), ("AL", 250), ("TX", 4_000), ("VT", 50_000)];

#[test]
fn a_load_is_published_once_and_only_changed_files_travel() {
    let scene = Scene::new();
    for store in [memory(), scene.folder_store()] {
        scene.load(FIRST);
        let first = scene.publish(&store, "one").unwrap();
        assert!(first.changed);
        assert_eq!((first.sequence, first.tables, first.rows), (1, 2, 6));
        assert_eq!((first.sent_files, first.kept_files), (3, 0));
        let sums = sums_of_newest(&store).unwrap();
        assert_eq!((sums["bills"], sums["totals"]), (3_350, 3_350));

        let again = scene.publish(&store, "two").unwrap();
        assert!(!again.changed);
        assert_eq!(
            (again.sequence, again.sent_files, again.kept_files),
            (1, 0, 3)
        );

        scene.load(SECOND);
        let second = scene.publish(&store, "three").unwrap();
        // The file of AL is as it was.
        assert_eq!(
            (second.sequence, second.sent_files, second.kept_files),
            (2, 3, 1)
        );
        let sums = sums_of_newest(&store).unwrap();
        assert_eq!((sums["bills"], sums["totals"]), (54_350, 54_350));
        assert_eq!(
            sum_at(&store, "bills", 0),
            3_350,
            "the version before stays readable"
        );
    }
}

#[test]
fn a_rollback_and_a_lake_made_anew_are_new_states() {
    let scene = Scene::new();
    let store = memory();
    let one = scene.load(FIRST);
    scene.publish(&store, "one").unwrap();
    let two = scene.load(SECOND);
    scene.publish(&store, "two").unwrap();
    scene.rollback(one);
    let back = scene.publish(&store, "three").unwrap();
    assert_eq!((back.sequence, back.changed, back.snapshot), (3, true, one));
    assert_eq!(back.replaced_newer, Some(two));
    assert_eq!(sums_of_newest(&store).unwrap()["bills"], 3_350);
    assert!(!scene.publish(&store, "four").unwrap().changed);

    std::fs::remove_dir_all(scene.lake()).unwrap();
    scene.load(FIRST);
    let anew = scene.publish(&store, "five").unwrap();
    assert_eq!((anew.sequence, anew.changed), (4, true));
    // The same rows are the same files.
    assert_eq!((anew.sent_files, anew.changed_tables), (0, 0));
    assert_eq!(newest_state(&store).unwrap().local.snapshot, 1);
}

#[test]
fn a_table_that_the_lake_has_no_more_is_published_without_rows() {
    let scene = Scene::new();
    let store = memory();
    scene.load(FIRST);
    scene.publish(&store, "one").unwrap();
    let folder = scene.lake().join("current").canonicalize().unwrap();
    let mut manifest = claimlake_loader::read_manifest(&folder).unwrap();
    manifest.tables.retain(|table| table.layout.name == "bills");
    write_manifest(&folder, &manifest);
    scene.publish(&store, "two").unwrap();
    let sums = sums_of_newest(&store).unwrap();
    assert_eq!((sums["bills"], sums["totals"]), (3_350, 0));
    assert_eq!(latest(&store, "totals"), 1);
    assert!(!scene.publish(&store, "three").unwrap().changed);
}

#[test]
fn a_table_that_is_partitioned_otherwise_says_so_in_its_log() {
    let scene = Scene::new();
    let store = memory();
    scene.load(FIRST);
    scene.publish(&store, "one").unwrap();
    // The same columns in the same order, so that only the partitions differ.
    partition_by(&scene.lake(), "bills", &[]);
    scene.publish(&store, "two").unwrap();
    let metadata = |version| {
        let actions = actions(&store, "bills", version);
        let mut found = actions.iter().map(|action| action["metaData"].clone());
        found.find(|metadata| !metadata.is_null()).unwrap()
    };
    let schema = |version| metadata(version)["schemaString"].clone();
    assert_eq!(schema(0), schema(1));
    assert_eq!(
        metadata(0)["partitionColumns"],
        serde_json::json!(["state"])
    );
    assert_eq!(metadata(1)["partitionColumns"], serde_json::json!([]));
    assert!(!scene.publish(&store, "three").unwrap().changed);
}

#[test]
fn a_file_that_somebody_removed_from_the_pool_is_sent_again() {
    let scene = Scene::new();
    let store = scene.folder_store();
    scene.load(FIRST);
    scene.publish(&store, "one").unwrap();
    let state = newest_state(&store).unwrap();
    let file = &state.tables[0].files[0];
    std::fs::remove_file(scene.folder.path().join("target").join(&file.path)).unwrap();
    let healed = scene.publish(&store, "two").unwrap();
    assert_eq!((healed.sequence, healed.sent_files), (1, 1));
    assert_eq!(sums_of_newest(&store).unwrap()["bills"], 3_350);
}

#[test]
fn a_place_with_a_half_written_file_is_not_empty() {
    let scene = Scene::new();
    let store = scene.folder_store();
    let folder = scene.folder.path().join("target/.unfinished");
    assert!(wait(store.is_empty()).unwrap());
    std::fs::create_dir_all(&folder).unwrap();
    assert!(wait(store.is_empty()).unwrap());
    std::fs::write(folder.join("1-1"), "rows").unwrap();
    assert!(!wait(store.is_empty()).unwrap());
}

#[test]
fn damaged_rows_are_not_published() {
    let scene = Scene::new();
    scene.load(FIRST);
    let folder = scene.lake().join("current").canonicalize().unwrap();
    let manifest = claimlake_loader::read_manifest(&folder).unwrap();
    let path = folder.join(&manifest.tables[0].files[0].path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    for store in [memory(), scene.folder_store()] {
        let words = scene.publish(&store, "one").unwrap_err().to_string();
        assert!(words.contains("checksum is not the manifest's"), "{words}");
        assert!(newest_state(&store).is_none());
    }
}

#[test]
fn what_is_in_a_folder_is_for_its_owner_or_for_the_group_that_it_was_opened_to() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    for (given, folder_mode, file_mode) in [(0o755, 0o700, 0o600), (0o750, 0o750, 0o640)] {
        let scene = Scene::new();
        let target = scene.folder.path().join("target");
        std::fs::create_dir(&target).unwrap();
        std::fs::set_permissions(&target, std::fs::Permissions::from_mode(given)).unwrap();
        scene.load(FIRST);
        let store = scene.folder_store();
        scene.publish(&store, "one").unwrap();
        let mode = |path: &str| std::fs::metadata(target.join(path)).unwrap().mode() & 0o777;
        assert_eq!(mode("snapshots"), folder_mode);
        let state = newest_state(&store).unwrap();
        let files = [
            "claimlake.json",
            "snapshots/1.json",
            &state.tables[0].files[0].path,
        ];
        assert_eq!(files.map(mode), [file_mode; 3]);
    }
}

/// Texts are no part of a state: one that differs is written, though nothing else changed.
#[test]
fn a_text_beside_the_tables_is_replaced_where_it_differs() {
    let scene = Scene::new();
    let store = memory();
    scene.load(FIRST);
    scene.publish(&store, "one").unwrap();
    let text = || wait(store.read("views.sql")).unwrap().unwrap();
    let written = || {
        let listing = wait(store.list()).unwrap();
        let (_, found) = listing
            .into_iter()
            .find(|(path, _)| path == "views.sql")
            .unwrap();
        found.modified
    };
    assert_eq!(text(), "SELECT 1;\n");
    let first = written();
    assert!(!scene.publish(&store, "two").unwrap().changed);
    assert_eq!(written(), first);
    let mut request = scene.request("three");
    request
        .texts
        .insert("views.sql".to_owned(), "SELECT 2;\n".to_owned());
    assert!(!super::scene::run(&store, &request).unwrap().changed);
    assert_eq!(text(), "SELECT 2;\n");
}
