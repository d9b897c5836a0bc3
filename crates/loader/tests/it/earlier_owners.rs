//! Snapshots of earlier versions: a file of owners beside each file of a table, and no hash of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{RecordBatch, UInt32Array};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{DataType, Field, Schema};
use claimlake_contract::NoProgress;
use claimlake_loader::{
    LoadError, LoadOptions, damaged_earlier_owners, load, read_manifest, rollback,
};
use sha2::{Digest, Sha256};

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::{bytes, read};
use crate::signed::{edit, files_below};
use crate::staged_runs::{Claim, Staging, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];

/// Turns a snapshot into one that an earlier version could have published.
fn make_earlier(snapshot: &Path) {
    let manifest = read_manifest(snapshot).unwrap();
    std::fs::remove_dir_all(snapshot.join("keys/rows")).unwrap();
    for table in manifest
        .tables
        .iter()
        .filter(|table| table.resource.is_some())
    {
        for file in &table.files {
            let mut runs: Vec<([u8; 16], u32)> = Vec::new();
            for batch in read(&snapshot.join(&file.path)) {
                let value = |name: &str, row| match batch.column_by_name(name) {
                    Some(column) => column.as_string::<i32>().value(row),
                    None => {
                        let folders = file.path.split('/');
                        let mut folders = folders.filter_map(|folder| folder.split_once('='));
                        folders.find(|(of, _)| *of == name).unwrap().1
                    }
                };
                for row in 0..batch.num_rows() {
                    let mut hash = Sha256::new();
                    let (api, id) = (value("source_api", row), value("eob_id", row));
                    for part in [api, "ExplanationOfBenefit", id] {
                        hash.update((part.len() as u64).to_le_bytes());
                        hash.update(part);
                    }
                    let key: [u8; 16] = hash.finalize()[..16].try_into().unwrap();
                    match runs.last_mut() {
                        Some((last, rows)) if *last == key => *rows += 1,
                        _ => runs.push((key, 1)),
                    }
                }
            }
            write(&snapshot.join(owners_of(&file.path)), &runs);
        }
    }
    edit(snapshot, |manifest| {
        let manifest = manifest.as_object_mut().unwrap();
        manifest.remove("owners").unwrap();
        manifest.remove("views").unwrap();
    });
}

fn owners_of(file: &str) -> PathBuf {
    Path::new("keys/rows").join(file).with_extension("arrow")
}

fn write(path: &Path, runs: &[([u8; 16], u32)]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let schema = Arc::new(Schema::new(vec![
        Field::new("_resource", DataType::FixedSizeBinary(16), false),
        Field::new("_rows", DataType::UInt32, false),
    ]));
    let mut resources = FixedSizeBinaryBuilder::new(16);
    runs.iter()
        .for_each(|(key, _)| resources.append_value(key).unwrap());
    let rows: UInt32Array = runs.iter().map(|(_, rows)| *rows).collect();
    let batch = RecordBatch::try_new(
        schema.clone(),
        vec![Arc::new(resources.finish()), Arc::new(rows)],
    );
    let file = std::fs::File::create(path).unwrap();
    let mut writer = FileWriter::try_new(file, &schema).unwrap();
    writer.write(&batch.unwrap()).unwrap();
    writer.finish().unwrap();
}

fn load_into(data: &Path, number: u32, claims: &[Claim]) -> Result<bool, LoadError> {
    load_partitioned(data, number, claims, None)
}

/// With items in partitions of this column, where one is named.
fn load_partitioned(
    data: &Path,
    number: u32,
    claims: &[Claim],
    column: Option<&str>,
) -> Result<bool, LoadError> {
    let staged = stage(data, number, claims, &Staging::default());
    if let Some(column) = column {
        let path = staged.join("manifest.json");
        let text = std::fs::read(&path).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
        manifest["tables"][1]["layout"]["partition_by"] = vec![column].into();
        std::fs::write(&path, manifest.to_string()).unwrap();
    }
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        current: vec![rule()],
        target_file_rows: Some(3),
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).map(|outcome| outcome.changed)
}

fn update() -> Vec<Claim> {
    let every_third = many(24).into_iter().step_by(3);
    let updated = every_third.map(|claim| {
        claim.with(|claim| {
            claim.last_updated = Some(9_000);
            claim.year = Some(2_030);
        })
    });
    updated.collect()
}

/// A data directory whose lake an earlier version published.
fn earlier() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    load_into(data.path(), 1, &many(24)).unwrap();
    make_earlier(&data.path().join("lake/snapshots/1"));
    data
}

fn damages(snapshot: &Path) -> Vec<String> {
    let manifest = read_manifest(snapshot).unwrap();
    let found = damaged_earlier_owners(snapshot, &manifest);
    assert!(!found.is_empty());
    let damaged = found.into_iter().filter(|(_, damage)| damage.is_some());
    damaged.map(|(path, _)| path).collect()
}

#[test]
fn a_lake_of_an_earlier_version_is_loaded_into_and_its_owners_get_hashes() {
    let undisturbed = tempfile::tempdir().unwrap();
    load_into(undisturbed.path(), 1, &many(24)).unwrap();
    load_into(undisturbed.path(), 2, &update()).unwrap();
    let data = earlier();
    let lake = data.path().join("lake");
    assert_eq!(damages(&lake.join("snapshots/1")), Vec::<String>::new());
    load_into(data.path(), 2, &update()).unwrap();
    let right = undisturbed.path().join("lake");
    assert_eq!(bytes(&lake, &TABLES), bytes(&right, &TABLES));
    // The owners are those that are made where no earlier version was, by their bytes.
    assert_eq!(
        files_below(&lake.join("snapshots/2/keys")),
        files_below(&right.join("snapshots/2/keys"))
    );
    let manifest = read_manifest(&lake.join("snapshots/2")).unwrap();
    assert!(manifest.owners.is_some() && manifest.views.is_some());
    assert!(damaged_earlier_owners(&lake.join("snapshots/2"), &manifest).is_empty());
    // It can still be gone back to.
    rollback(&lake, 1, &NoProgress).unwrap();
}

#[test]
fn damaged_owners_of_an_earlier_version_are_found_and_nothing_wrong_comes_of_them() {
    let undisturbed = tempfile::tempdir().unwrap();
    load_into(undisturbed.path(), 1, &many(24)).unwrap();
    load_into(undisturbed.path(), 2, &update()).unwrap();
    let right = bytes(&undisturbed.path().join("lake"), &TABLES);
    type Damage = fn(&Path, &Path);
    let damages_of: [(&str, Damage); 6] = [
        ("a bit of an owner", |path, _| {
            // The first bytes of the first owner, wherever Arrow puts them.
            let mut bytes = std::fs::read(path).unwrap();
            let at = bytes.len() / 2;
            bytes[at] ^= 4;
            std::fs::write(path, bytes).unwrap();
        }),
        ("another owner", |path, _| {
            write(path, &[([7; 16], rows_of(path))]);
        }),
        ("truncated", |path, _| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("empty", |path, _| std::fs::write(path, "").unwrap()),
        ("deleted", |path, _| std::fs::remove_file(path).unwrap()),
        ("swapped", |path, other| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::copy(other, path).unwrap();
            std::fs::write(other, bytes).unwrap();
        }),
    ];
    for table in TABLES {
        for (what, damage) in damages_of {
            let data = earlier();
            let lake = data.path().join("lake");
            let snapshot = lake.join("snapshots/1");
            let files = files_below(&snapshot.join("keys/rows").join(table));
            let full =
                |file: &&PathBuf| rows_of(&snapshot.join("keys/rows").join(table).join(file)) > 0;
            let [first, .., last] = &*files.iter().filter(full).collect::<Vec<_>>() else {
                panic!("too few files");
            };
            let place = |file: &PathBuf| snapshot.join("keys/rows").join(table).join(file);
            let named = format!("keys/rows/{table}/{}", first.display());
            let whole = std::fs::read(place(first)).unwrap();
            damage(&place(first), &place(last));
            let is_other = std::fs::read(place(first)).is_ok_and(|bytes| bytes == whole);
            assert!(!is_other, "{table}, {what}");
            let found = damages(&snapshot);
            if what != "a bit of an owner" || !found.is_empty() {
                assert!(found.contains(&named), "{table}, {what}: {found:?}");
            }
            load_into(data.path(), 2, &update()).unwrap();
            assert_eq!(bytes(&lake, &TABLES), right, "{table}, {what}");
        }
    }
}

/// As many rows as a file of owners is of.
fn rows_of(path: &Path) -> u32 {
    let file = std::fs::File::open(path).unwrap();
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    let rows = reader.map(|batch| {
        let batch = batch.unwrap();
        let counts = batch
            .column(1)
            .as_primitive::<arrow_array::types::UInt32Type>();
        counts.values().iter().sum::<u32>()
    });
    rows.sum()
}

#[test]
fn where_rows_and_owners_of_an_earlier_version_disagree_the_hash_of_the_rows_decides() {
    let data = earlier();
    let lake = data.path().join("lake");
    let snapshot = lake.join("snapshots/1");
    let manifest = read_manifest(&snapshot).unwrap();
    let eob = manifest
        .tables
        .iter()
        .find(|table| table.layout.name == "eob")
        .unwrap();
    // The rows of one file are another's: its owners are right, and so the file is refused.
    let files: Vec<_> = eob.files.iter().collect();
    let [first, .., last] = &*files else {
        panic!("too few files");
    };
    std::fs::copy(snapshot.join(&last.path), snapshot.join(&first.path)).unwrap();
    let error = load_into(data.path(), 2, &update()).unwrap_err();
    assert!(matches!(error, LoadError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains(&first.path), "{error}");
    assert!(!lake.join("snapshots/2").exists());
}

#[test]
fn where_the_rows_do_not_say_whose_they_are_damaged_owners_of_an_earlier_version_are_refused() {
    // Where the id is in the path alone, rows cannot be asked. That the API is does not matter.
    for (column, is_refused) in [("eob_id", true), ("source_api", false)] {
        let data = tempfile::tempdir().unwrap();
        let load =
            |number, claims: &[Claim]| load_partitioned(data.path(), number, claims, Some(column));
        load(1, &many(24)).unwrap();
        let lake = data.path().join("lake");
        let snapshot = lake.join("snapshots/1");
        make_earlier(&snapshot);
        assert_eq!(damages(&snapshot), Vec::<String>::new(), "{column}");
        let items = snapshot.join("keys/rows/eob_item");
        let file = items.join(&files_below(&items)[0]);
        let whole = std::fs::read(&file).unwrap();
        write(&file, &[([7; 16], rows_of(&file))]);
        let named = file.strip_prefix(&snapshot).unwrap().display().to_string();
        assert_eq!(damages(&snapshot), [named.as_str()], "{column}");
        if is_refused {
            let error = load(2, &update()).unwrap_err();
            assert!(matches!(error, LoadError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains(&named), "{error}");
            assert!(!lake.join("snapshots/2").exists());
            std::fs::write(&file, whole).unwrap();
        }
        load(2, &update()).unwrap();
        let undisturbed = tempfile::tempdir().unwrap();
        for (number, claims) in [(1, many(24)), (2, update())] {
            load_partitioned(undisturbed.path(), number, &claims, Some(column)).unwrap();
        }
        let right = bytes(&undisturbed.path().join("lake"), &TABLES);
        assert_eq!(bytes(&lake, &TABLES), right, "{column}");
    }
}
