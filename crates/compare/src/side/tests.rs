//! Tests of reading a lake that is not as it was.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use claimlake_contract::{BloomColumns, NoProgress, TableLayout};
use claimlake_loader::{LoadOptions, LoadRequest, RunTable, load, snapshots};

use super::{OpenSide, Side, Which};
use crate::CompareError;

/// A lake with a table of two patients.
fn lake(folder: &std::path::Path) -> PathBuf {
    let column = |texts: [&str; 2]| Arc::new(StringArray::from(texts.to_vec())) as _;
    let columns = [
        ("source_api", column(["v2", "v3"])),
        ("patient_id", column(["-1", "-2"])),
    ];
    let lake = folder.join("lake");
    let request = LoadRequest {
        staged_runs: Vec::new(),
        lake: lake.clone(),
        run: "20261123T164012.345Z-7f3a".parse().unwrap(),
        options: LoadOptions::default(),
        run_tables: vec![RunTable {
            layout: TableLayout {
                name: "people".into(),
                partition_by: Vec::new(),
                sort_by: vec!["patient_id".into()],
                bloom: BloomColumns::default(),
            },
            batches: vec![RecordBatch::try_from_iter(columns).unwrap()],
            change_columns: vec!["patient_id".into()],
        }],
        published_at: "2026-11-23T16:40:12Z".into(),
    };
    load(&request, &NoProgress).unwrap();
    snapshots(&lake).unwrap().remove(0).folder
}

fn open(snapshot: PathBuf, api: Option<&str>) -> OpenSide {
    let api = api.map(|api| api.parse().unwrap());
    OpenSide::open(&Side { snapshot, api }, Which::Right, "source_api").unwrap()
}

fn rows(side: &OpenSide) -> Result<usize, CompareError> {
    let columns = side.columns("people", Some(&["patient_id"]))?;
    let mut rows = 0;
    side.read("people", &columns, |batch| {
        assert_eq!(batch.num_columns(), 1);
        rows += batch.num_rows();
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn rows_of_one_version_are_read_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = lake(folder.path());
    assert_eq!(rows(&open(snapshot.clone(), None)).unwrap(), 2);
    assert_eq!(rows(&open(snapshot, Some("v3"))).unwrap(), 1);
}

#[test]
fn a_snapshot_that_goes_while_it_is_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = lake(folder.path());
    let side = open(snapshot.clone(), None);
    std::fs::remove_dir_all(&snapshot).unwrap();
    let error = rows(&side).unwrap_err();
    assert!(
        matches!(error, CompareError::Changed { side: "right", .. }),
        "{error}"
    );
    assert!(error.to_string().contains("run again"), "{error}");
}

#[test]
fn a_file_that_was_changed_is_not_read_as_if_it_were_whole() {
    let folder = tempfile::tempdir().unwrap();
    let snapshot = lake(folder.path());
    let side = open(snapshot.clone(), None);
    let file = std::fs::read_dir(snapshot.join("people")).unwrap().next();
    let path = file.unwrap().unwrap().path();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, bytes).unwrap();
    let error = rows(&side).unwrap_err().to_string();
    assert!(error.contains("checksum is not the manifest's"), "{error}");
}
