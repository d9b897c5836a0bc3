//! A lake of two small tables, and targets to publish it to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Date32Array, Decimal128Array, RecordBatch, StringArray, StructArray};
use claimlake_contract::{
    BloomColumns, FixedClock, LAKE_FORMAT, LakeFile, LakeManifest, LakeTable, NoProgress,
    TableLayout, hex, hive,
};
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::identity::LakeId;
use crate::publish::publish;
use crate::request::{Earlier, PublishOutcome, PublishRequest, TableComment};
use crate::state::{State, sequence_of};
use crate::store::Store;
use crate::target::OpenTarget;

pub(super) struct Scene {
    pub(super) folder: tempfile::TempDir,
    pub(super) lake_id: LakeId,
    loads: std::cell::Cell<u32>,
    /// What the requests of this scene say about earlier states.
    pub(super) earlier: std::cell::Cell<Earlier>,
}

/// All states stay.
pub(super) const ALL: Earlier = Earlier::Keep {
    states: usize::MAX,
    hours: 0,
};

impl Scene {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            lake_id: LakeId::from_random([7; 16]),
            loads: std::cell::Cell::new(0),
            earlier: std::cell::Cell::new(ALL),
        }
    }

    pub(super) fn lake(&self) -> PathBuf {
        self.folder.path().join("lake")
    }

    /// Makes the next snapshot of two tables: `bills`, partitioned by state, and `totals`.
    pub(super) fn load(&self, amounts: &[(&str, i128)]) -> u64 {
        self.load_into(&self.lake(), amounts)
    }

    pub(super) fn load_into(&self, lake: &Path, amounts: &[(&str, i128)]) -> u64 {
        let run = self.loads.get() + 1;
        self.loads.set(run);
        let folders = std::fs::read_dir(lake.join("snapshots"));
        let snapshot = folders.map_or(0, Iterator::count) as u64 + 1;
        let folder = lake.join("snapshots").join(snapshot.to_string());
        let states: BTreeSet<&str> = amounts.iter().map(|(state, _)| *state).collect();
        let bills = states.iter().map(|state| {
            let partition = hive::folder("state", state);
            let rows = amounts
                .iter()
                .enumerate()
                .filter(|(_, (of, _))| of == state);
            let rows: Vec<_> = rows.map(|(row, (_, amount))| (row, *amount)).collect();
            write_file(&folder, &format!("bills/{partition}"), &batch(&rows))
        });
        let bills = bills.collect();
        let all: Vec<_> = amounts
            .iter()
            .map(|(_, amount)| *amount)
            .enumerate()
            .collect();
        let totals = vec![write_file(&folder, "totals", &batch(&all))];
        let manifest = LakeManifest {
            format: LAKE_FORMAT,
            snapshot,
            run: format!("20261123T1640{run:02}.000Z-7f3a").parse().unwrap(),
            published_at: "2026-11-23T16:40:12Z".into(),
            staged_runs: Vec::new(),
            landing_runs: None,
            tables: vec![
                table("bills", &["state"], bills),
                table("totals", &[], totals),
            ],
            keys: None,
            current: None,
            owners: None,
            views: None,
        };
        write_manifest(&folder, &manifest);
        point(lake, snapshot);
        snapshot
    }

    pub(super) fn rollback(&self, number: u64) {
        point(&self.lake(), number);
    }

    pub(super) fn request(&self, publication: &str) -> PublishRequest {
        let columns = BTreeMap::from([("amount".to_owned(), "What was billed.".to_owned())]);
        let comment = TableComment {
            table: Some("Bills.".to_owned()),
            columns,
        };
        PublishRequest {
            lake: self.lake(),
            lake_id: self.lake_id.clone(),
            publication: publication.to_owned(),
            comments: BTreeMap::from([("bills".to_owned(), comment)]),
            texts: BTreeMap::from([("views.sql".to_owned(), "SELECT 1;\n".to_owned())]),
            earlier: self.earlier.get(),
        }
    }

    pub(super) fn publish(&self, store: &Store, publication: &str) -> Result<PublishOutcome> {
        run(store, &self.request(publication))
    }

    pub(super) fn folder_store(&self) -> Store {
        Store::folder(&self.folder.path().join("target"))
    }
}

pub(super) fn memory() -> Store {
    Store::objects(Arc::new(InMemory::new()), "some/path").unwrap()
}

pub(super) fn run(store: &Store, request: &PublishRequest) -> Result<PublishOutcome> {
    let target = OpenTarget {
        store: store.clone(),
    };
    let clock = FixedClock::at("2026-11-23T17:00:00Z".parse().unwrap());
    wait(publish(request, &target, &clock, &NoProgress))
}

/// The same so many hours from now, by a store's times.
pub(super) fn run_later(
    store: &Store,
    request: &PublishRequest,
    hours: i64,
) -> Result<PublishOutcome> {
    let target = OpenTarget {
        store: store.clone(),
    };
    let clock = FixedClock::at(chrono::Utc::now() + chrono::TimeDelta::hours(hours));
    wait(publish(request, &target, &clock, &NoProgress))
}

pub(super) fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Points `current` to a snapshot.
fn point(lake: &Path, snapshot: u64) {
    let current = lake.join("current");
    let _ = std::fs::remove_file(&current);
    std::os::unix::fs::symlink(format!("snapshots/{snapshot}"), current).unwrap();
}

/// Gives a table of the current snapshot other columns to be partitioned by.
pub(super) fn partition_by(lake: &Path, name: &str, columns: &[&str]) {
    let folder = lake.join("current").canonicalize().unwrap();
    let mut manifest = claimlake_loader::read_manifest(&folder).unwrap();
    let mut tables = manifest.tables.iter_mut();
    let table = tables.find(|table| table.layout.name == name).unwrap();
    let texts: Vec<_> = table.partition_columns.drain(..).collect();
    table.columns.extend(texts);
    let is_moved = |column: &&(String, String)| columns.contains(&column.0.as_str());
    table.partition_columns = table.columns.iter().filter(is_moved).cloned().collect();
    table.columns.retain(|column| !is_moved(&column));
    write_manifest(&folder, &manifest);
}

/// Writes a manifest and its checksum as the loader does.
pub(super) fn write_manifest(folder: &Path, manifest: &LakeManifest) {
    let text = serde_json::to_string_pretty(manifest).unwrap();
    let sum = claimlake_loader::sha256_hex(&text);
    std::fs::write(folder.join("manifest.json"), text).unwrap();
    let line = format!("{sum}  manifest.json\n");
    std::fs::write(folder.join(claimlake_contract::CHECKSUM_FILE), line).unwrap();
}

fn table(name: &str, partition_by: &[&str], files: Vec<LakeFile>) -> LakeTable {
    let column = |(name, words): &(&str, &str)| ((*name).to_owned(), (*words).to_owned());
    let columns = [
        ("id", "Utf8"),
        ("day", "Date32"),
        ("amount", "Decimal128(18, 2)"),
    ];
    LakeTable {
        layout: TableLayout {
            name: name.into(),
            partition_by: partition_by.iter().map(|&column| column.into()).collect(),
            sort_by: vec!["id".into()],
            bloom: BloomColumns::default(),
        },
        resource: None,
        view_hash: String::new(),
        columns: columns.iter().map(column).collect(),
        partition_columns: partition_by
            .iter()
            .map(|name| column(&(name, "Utf8")))
            .collect(),
        files,
    }
}

fn write_file(snapshot: &Path, folder: &str, batch: &RecordBatch) -> LakeFile {
    let mut content = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut content, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    let sha256 = hex(&Sha256::digest(&content));
    let path = format!("{folder}/{}.parquet", &sha256[..32]);
    std::fs::create_dir_all(snapshot.join(folder)).unwrap();
    std::fs::write(snapshot.join(&path), &content).unwrap();
    LakeFile {
        path,
        rows: batch.num_rows() as u64,
        bytes: content.len() as u64,
        sha256,
    }
}

/// Rows by their numbers and amounts; the first row of a lake has no day.
fn batch(rows: &[(usize, i128)]) -> RecordBatch {
    let ids = rows.iter().map(|(row, _)| format!("p{row}"));
    let amount = rows.iter().map(|(_, amount)| *amount);
    let amount = Decimal128Array::from(amount.collect::<Vec<_>>()).with_precision_and_scale(18, 2);
    let days = rows.iter().map(|(row, _)| (*row > 0).then_some(19_000));
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(ids.map(Some).collect::<StringArray>())),
        ("day", Arc::new(days.collect::<Date32Array>())),
        ("amount", Arc::new(amount.unwrap())),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// What a reader that knows nothing of this crate sees of a state: per table the sum of amounts,
/// through the Delta version that the state names.
pub(super) fn sums_of_newest(store: &Store) -> Option<BTreeMap<String, i128>> {
    let state = newest_state(store)?;
    let sum = |table: &crate::state::TableState| {
        (
            table.name.clone(),
            sum_at(store, &table.name, table.delta_version),
        )
    };
    Some(state.tables.iter().map(sum).collect())
}

pub(super) fn newest_state(store: &Store) -> Option<State> {
    let paths = wait(store.list()).unwrap();
    let newest = paths
        .iter()
        .filter_map(|(path, _)| sequence_of(path))
        .max()?;
    let text = wait(store.read(&format!("snapshots/{newest}.json"))).unwrap();
    Some(serde_json::from_slice(&text.unwrap()).unwrap())
}

/// The sum of `amount` over the files that are in a table at a version, by its log alone: from the
/// last checkpoint before it, or from the first commit.
pub(super) fn sum_at(store: &Store, table: &str, version: u64) -> i128 {
    let log = format!("{table}/_delta_log/");
    let listed = wait(store.list()).unwrap();
    let checkpoints = listed.iter().filter_map(|(path, _)| {
        let name = path.strip_prefix(&log)?.strip_suffix(".checkpoint.parquet");
        name?.parse::<u64>().ok().filter(|found| *found <= version)
    });
    let checkpoint = checkpoints.max();
    let mut files: BTreeSet<String> = checkpoint
        .map(|version| checkpoint_files(store, &format!("{log}{version:020}.checkpoint.parquet")))
        .unwrap_or_default();
    for version in checkpoint.map_or(0, |version| version + 1)..=version {
        for action in actions(store, table, version) {
            if let Some(path) = action["add"]["path"].as_str() {
                assert!(files.insert(path.to_owned()), "{path} is added twice");
            }
            if let Some(path) = action["remove"]["path"].as_str() {
                assert!(files.remove(path), "{path} was not there");
            }
        }
    }
    let one = |path: &String| {
        let path = path.replace("%25", "%");
        let content = wait(store.read(&format!("{table}/{path}"))).unwrap();
        let content = content.unwrap_or_else(|| panic!("{table}/{path} is missing"));
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(content, 1024);
        let amounts = reader.unwrap().map(|batch| {
            let batch = batch.unwrap();
            let column = batch.column_by_name("amount").unwrap();
            let column = column.as_any().downcast_ref::<Decimal128Array>().unwrap();
            column.iter().flatten().sum::<i128>()
        });
        amounts.sum::<i128>()
    };
    files.iter().map(one).sum()
}

/// The paths that a checkpoint has.
fn checkpoint_files(store: &Store, path: &str) -> BTreeSet<String> {
    let content = wait(store.read(path)).unwrap().unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(content, 1024);
    let mut files = BTreeSet::new();
    for batch in reader.unwrap() {
        let batch = batch.unwrap();
        let add = batch.column_by_name("add").unwrap();
        let add = add.as_any().downcast_ref::<StructArray>().unwrap();
        let paths = add.column_by_name("path").unwrap();
        let paths = paths.as_any().downcast_ref::<StringArray>().unwrap();
        files.extend(paths.iter().flatten().map(str::to_owned));
    }
    files
}

/// The actions of a commit.
pub(super) fn actions(store: &Store, table: &str, version: u64) -> Vec<Value> {
    let path = format!("{table}/_delta_log/{version:020}.json");
    let text = wait(store.read(&path)).unwrap();
    let text = text.unwrap_or_else(|| panic!("{path} is missing"));
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The newest version of a table.
pub(super) fn latest(store: &Store, table: &str) -> u64 {
    let below = format!("{table}/_delta_log/");
    let paths = wait(store.list()).unwrap();
    let versions = paths.iter().filter_map(|(path, _)| {
        path.strip_prefix(&below)?
            .strip_suffix(".json")?
            .parse()
            .ok()
    });
    versions.max().unwrap()
}
