//! One file of row owners for all tables that share a partition, whatever their layouts are.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, load, read_manifest};
use sha2::{Digest, Sha256};

use crate::basic::{many, request};
use crate::lake_rows::{bytes, read, rows};
use crate::signed::files_below;
use crate::staged_runs::{Claim, Staging, stage};

const TABLES: [&str; 2] = ["eob", "eob_item"];

/// How a table's layout differs from the other's, in words of the staged manifest.
#[derive(Debug, Clone, Copy)]
struct Layouts {
    /// Rows of a file.
    file_rows: u64,
    item_partition: &'static str,
    item_sort: &'static str,
}

fn staged(data: &Path, number: u32, claims: &[Claim], layouts: Layouts) -> PathBuf {
    let staged = stage(data, number, claims, &Staging::default());
    let path = staged.join("manifest.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let words = |text: &str| -> Vec<serde_json::Value> {
        text.split_whitespace().map(Into::into).collect()
    };
    for table in manifest["tables"].as_array_mut().unwrap() {
        if table["layout"]["name"] == "eob_item" {
            table["layout"]["partition_by"] = words(layouts.item_partition).into();
            table["layout"]["sort_by"] = words(layouts.item_sort).into();
        }
    }
    std::fs::write(&path, serde_json::to_vec(&manifest).unwrap()).unwrap();
    staged
}

fn load_with(data: &Path, number: u32, claims: &[Claim], layouts: Layouts) {
    let staged = staged(data, number, claims, layouts);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        target_file_rows: Some(layouts.file_rows),
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).unwrap();
}

fn key(api: &str, id: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    for part in [api, "ExplanationOfBenefit", id] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].to_vec()
}

type Owners = BTreeMap<(String, String), Vec<Vec<u8>>>;

/// By partition and table, the owner of each row, as the files of owners say.
fn said(snapshot: &Path) -> Owners {
    let mut found = Owners::new();
    let root = snapshot.join("keys/rows/ExplanationOfBenefit");
    for file in files_below(&root) {
        let partition = file.parent().unwrap().to_str().unwrap().to_owned();
        let opened = std::fs::File::open(root.join(&file)).unwrap();
        let reader = arrow_ipc::reader::FileReader::try_new(opened, None).unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            let resources = batch.column(0).as_fixed_size_binary().clone();
            for (field, counts) in batch.schema().fields().iter().zip(batch.columns()).skip(1) {
                let owners = found
                    .entry((partition.clone(), field.name().clone()))
                    .or_default();
                for (row, count) in counts
                    .as_primitive::<UInt32Type>()
                    .values()
                    .iter()
                    .enumerate()
                {
                    let owner = resources.value(row).to_vec();
                    owners.extend(std::iter::repeat_n(owner, *count as usize));
                }
            }
        }
    }
    found
}

/// The same, as the rows themselves say.
fn expected(snapshot: &Path) -> Owners {
    let mut found = Owners::new();
    for table in read_manifest(snapshot).unwrap().tables {
        let name = &table.layout.name;
        for file in table.files.iter().filter(|_| table.resource.is_some()) {
            let folder = Path::new(&file.path).parent().unwrap();
            let partition = folder.strip_prefix(name).unwrap().to_str().unwrap();
            for batch in read(&snapshot.join(&file.path)) {
                let column = |name| batch.column_by_name(name).unwrap().as_string::<i32>();
                let (apis, ids) = (column("source_api"), column("eob_id"));
                let keys = (0..batch.num_rows()).map(|row| key(apis.value(row), ids.value(row)));
                let of = (partition.to_owned(), name.clone());
                found.entry(of).or_default().extend(keys);
            }
        }
    }
    found.retain(|_, rows| !rows.is_empty());
    found
}

/// Claims that are new, changed, moved to another partition and left out, load by load.
fn histories() -> Vec<Vec<Claim>> {
    let claims = many(60);
    let changed = claims
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 5 == 1);
    let changed = changed.map(|(index, claim)| {
        claim.clone().with(|claim| {
            claim.last_updated = Some(2_000);
            claim.items = (index % 6) as i32;
            claim.year = Some(2019 + (index % 3) as i32);
        })
    });
    let withdrawn = claims
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 7 == 3);
    let withdrawn = withdrawn.map(|(_, claim)| {
        claim.clone().with(|claim| {
            claim.last_updated = Some(3_000);
            claim.status = "withdrawn";
            claim.items = 0;
        })
    });
    let late = (0..9)
        .map(|number| Claim::new(&format!("late{number}")).with(|claim| claim.items = number % 3));
    vec![
        claims.clone(),
        changed.collect(),
        withdrawn.collect(),
        late.collect(),
    ]
}

#[test]
fn owners_are_those_of_the_rows_after_every_load_whatever_the_layouts_are() {
    for layouts in [
        Layouts {
            file_rows: 1_000_000,
            item_partition: "eob_type service_year",
            item_sort: "patient_id service_date eob_id",
        },
        // Several files for each partition, and resources whose rows lie in two.
        Layouts {
            file_rows: 2,
            item_partition: "eob_type service_year",
            item_sort: "patient_id service_date eob_id",
        },
        // Rows of one resource in several places.
        Layouts {
            file_rows: 3,
            item_partition: "eob_type service_year",
            item_sort: "sequence",
        },
        Layouts {
            file_rows: 5,
            item_partition: "eob_type",
            item_sort: "eob_id sequence",
        },
        Layouts {
            file_rows: 7,
            item_partition: "",
            item_sort: "",
        },
    ] {
        let data = tempfile::tempdir().unwrap();
        for (number, claims) in (1..).zip(histories()) {
            // What is withdrawn makes no rows.
            load_with(data.path(), number, &claims, layouts);
            let snapshot = data.path().join("lake/current").canonicalize().unwrap();
            assert_eq!(
                said(&snapshot),
                expected(&snapshot),
                "{layouts:?}, load {number}"
            );
            let manifest = read_manifest(&snapshot).unwrap();
            let rows: u64 = manifest.owners.unwrap().iter().map(|file| file.rows).sum();
            let tables = manifest
                .tables
                .iter()
                .filter(|table| table.resource.is_some());
            let of_tables: u64 = tables
                .flat_map(|table| &table.files)
                .map(|file| file.rows)
                .sum();
            assert_eq!(rows, of_tables);
        }
        assert!(!rows(&data.path().join("lake"), "eob").is_empty());
    }
}

#[test]
fn only_the_owners_of_partitions_in_which_something_changed_are_written_anew() {
    let data = tempfile::tempdir().unwrap();
    let layouts = Layouts {
        file_rows: 1_000_000,
        item_partition: "eob_type service_year",
        item_sort: "patient_id service_date eob_id",
    };
    load_with(data.path(), 1, &many(60), layouts);
    let owners = |number: u32| {
        let folder = data
            .path()
            .join(format!("lake/snapshots/{number}/keys/rows"));
        let files = files_below(&folder).into_iter();
        let inode = |file: PathBuf| {
            let inode = std::fs::metadata(folder.join(&file)).unwrap().ino();
            (file, inode)
        };
        files.map(inode).collect::<BTreeMap<_, _>>()
    };
    let before = owners(1);
    let partitions = said(&data.path().join("lake/snapshots/1"));
    let partitions: std::collections::BTreeSet<_> =
        partitions.keys().map(|(partition, _)| partition).collect();
    assert_eq!(before.len(), partitions.len(), "one for each partition");
    // No row changes hands: the owners stay as they were, though the rows are others.
    let touched = many(60)[6].clone().with(|claim| {
        claim.last_updated = Some(2_000);
        claim.cents = 1;
    });
    load_with(data.path(), 2, std::slice::from_ref(&touched), layouts);
    assert!(before.keys().eq(owners(2).keys()));
    let touched = touched.with(|claim| {
        claim.last_updated = Some(3_000);
        claim.items += 1;
    });
    load_with(data.path(), 3, &[touched], layouts);
    let after = owners(3);
    let new: Vec<_> = after
        .keys()
        .filter(|file| !before.contains_key(*file))
        .collect();
    assert_eq!(new.len(), 1, "{new:?}");
    let linked = after
        .iter()
        .filter(|(file, inode)| before.get(*file) == Some(inode));
    assert_eq!(linked.count(), after.len() - 1);
}

#[test]
fn the_same_claims_in_one_load_or_in_several_make_the_same_owners() {
    let layouts = Layouts {
        file_rows: 3,
        item_partition: "eob_type service_year",
        item_sort: "sequence eob_id",
    };
    let (one, several) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    load_with(one.path(), 1, &many(60), layouts);
    for (number, claims) in (1..).zip(many(60).chunks(13)) {
        load_with(several.path(), number, claims, layouts);
    }
    let lakes = [one, several].map(|data| {
        let lake = data.path().join("lake");
        let owners = files_below(&lake.join("current/keys/rows"));
        (bytes(&lake, &TABLES), owners)
    });
    assert_eq!(lakes[0], lakes[1]);
}
