//! Rules over small tables that are written here.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Decimal128Array, RecordBatch, StringArray};
use claimlake_contract::{LakeFile, LakeManifest, LakeTable, TableLayout};
use parquet::arrow::ArrowWriter;
use serde_json::json;

use super::{SumRule, TableRules, check};
use crate::lake::Snapshot;
use crate::report::{Check, Severity};

fn texts(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn flags(values: &[bool]) -> ArrayRef {
    Arc::new(BooleanArray::from(values.to_vec()))
}

fn amounts(values: &[Option<i128>]) -> ArrayRef {
    let amounts = Decimal128Array::from(values.to_vec());
    Arc::new(amounts.with_precision_and_scale(18, 2).unwrap())
}

/// Writes each batch as a file of a table, and describes them as a snapshot.
fn snapshot(folder: &Path, tables: Vec<(&str, Vec<RecordBatch>)>) -> Snapshot {
    let tables = tables.into_iter().map(|(name, batches)| {
        fs::create_dir_all(folder.join(name)).unwrap();
        let columns = batches[0].schema();
        let columns = columns.fields().iter();
        let columns = columns.map(|field| (field.name().clone(), field.data_type().to_string()));
        LakeTable {
            layout: TableLayout {
                name: name.into(),
                ..TableLayout::default()
            },
            resource: None,
            view_hash: String::new(),
            columns: columns.collect(),
            partition_columns: Vec::new(),
            files: (0..)
                .zip(&batches)
                .map(|(number, batch)| file(folder, &format!("{name}/{number}.parquet"), batch))
                .collect(),
        }
    });
    let tables: Vec<LakeTable> = tables.collect();
    let manifest = json!({
        "format": 1, "snapshot": 1, "run": "20261123T164012.345Z-7f3a",
        "published_at": "2026-11-23T16:40:12Z", "staged_runs": [], "tables": [],
    });
    let mut manifest: LakeManifest = serde_json::from_value(manifest).unwrap();
    manifest.tables = tables;
    Snapshot {
        folder: folder.to_owned(),
        manifest,
        damaged: BTreeSet::new(),
        scratch: folder.to_path_buf(),
    }
}

fn file(folder: &Path, path: &str, batch: &RecordBatch) -> LakeFile {
    let out = File::create(folder.join(path)).unwrap();
    let mut writer = ArrowWriter::try_new(out, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    LakeFile {
        path: path.into(),
        rows: batch.num_rows() as u64,
        bytes: 0,
        sha256: String::new(),
    }
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn sum_rule() -> SumRule {
    let rule = json!({
        "name": "sum", "what": "", "is_error": true, "by": ["claim"],
        "parts": {"table": "line", "column": "paid", "when": {"total": ["false"]}},
        "whole": {"table": "claim", "column": "paid"},
    });
    serde_json::from_value(rule).unwrap()
}

fn sums(lines: &[(&str, Option<i128>, bool)], claims: &[(&str, Option<i128>)]) -> Check {
    let folder = tempfile::tempdir().unwrap();
    let line = |rows: &[(&str, Option<i128>, bool)]| {
        batch(vec![
            (
                "claim",
                texts(&rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            ),
            (
                "paid",
                amounts(&rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            ),
            (
                "total",
                flags(&rows.iter().map(|row| row.2).collect::<Vec<_>>()),
            ),
        ])
    };
    let claim = batch(vec![
        (
            "claim",
            texts(&claims.iter().map(|row| row.0).collect::<Vec<_>>()),
        ),
        (
            "paid",
            amounts(&claims.iter().map(|row| row.1).collect::<Vec<_>>()),
        ),
    ]);
    // The lines of a claim may be in several files.
    let (one, other) = lines.split_at(lines.len() / 2);
    let tables = vec![
        ("line", vec![line(one), line(other)]),
        ("claim", vec![claim]),
    ];
    let snapshot = snapshot(folder.path(), tables);
    let mut checks = check(&snapshot, &TableRules::default(), &[sum_rule()]);
    assert_eq!(checks.len(), 1);
    checks.remove(0)
}

#[test]
fn lines_add_up_to_their_claim_and_each_difference_is_named() {
    let lines = [
        ("a", Some(100), false),
        ("a", Some(-30), false),
        ("a", Some(999), true),
        ("b", Some(0), false),
        ("c", None, false),
    ];
    let claims = [("a", Some(70)), ("b", Some(0)), ("c", None), ("d", Some(0))];
    let holds = sums(&lines, &claims);
    assert_eq!((holds.checked, holds.failed), (3, 0));
    assert_eq!(holds.severity, Severity::Hard);
    // Two differences of opposite sign are two.
    let claims = [("a", Some(60)), ("b", Some(10)), ("c", None)];
    let differ = sums(&lines, &claims);
    assert_eq!((differ.checked, differ.failed), (2, 2));
    assert_eq!(
        differ.places,
        ["claim/0.parquet, row 1", "claim/0.parquet, row 2"]
    );
    let without = sums(&lines, &[("a", None), ("b", Some(0))]);
    assert_eq!(without.failed, 1);
    assert_eq!(without.places, ["line: amounts of what has none in claim"]);
}

fn rules(text: serde_json::Value) -> TableRules {
    serde_json::from_value(text).unwrap()
}

fn only(snapshot: &Snapshot, rules: &TableRules) -> Check {
    let mut checks = check(snapshot, rules, &[]);
    assert_eq!(checks.len(), 1, "{checks:?}");
    checks.remove(0)
}

#[test]
fn values_are_looked_at_where_they_are_meant_and_rules_of_one_name_are_one_check() {
    let folder = tempfile::tempdir().unwrap();
    let codes = batch(vec![
        ("code", texts(&["25000", "W5813XD", "E119", "12345"])),
        ("version", texts(&["9", "9", "10", "10"])),
    ]);
    let snapshot = snapshot(folder.path(), vec![("t", vec![codes])]);
    let rule = |version: &str, allowed: &str| {
        json!({"name": "form", "what": "", "table": "t", "column": "code",
            "when": {"version": [version]}, "allowed": [allowed]})
    };
    let missing = json!({"name": "missing", "what": "", "table": "other", "column": "code"});
    let found = only(
        &snapshot,
        &rules(json!({"values": [rule("9", "#####"), rule("10", "@#**"), missing]})),
    );
    assert_eq!((found.checked, found.failed), (4, 2));
    assert_eq!(found.places, ["t/0.parquet, row 2", "t/0.parquet, row 4"]);
    assert_eq!(found.severity, Severity::Warning);
    let bounds = json!({"name": "bounds", "what": "", "table": "t", "column": "version",
        "refused_from": "9", "refused_before": "10"});
    let found = only(&snapshot, &rules(json!({"values": [bounds]})));
    assert_eq!((found.checked, found.failed), (4, 2));
}

#[test]
fn rows_alike_are_found_within_a_file_and_across_the_ends_of_files() {
    let folder = tempfile::tempdir().unwrap();
    let months = |rows: &[(&str, &str, bool)]| {
        batch(vec![
            (
                "patient",
                texts(&rows.iter().map(|row| row.0).collect::<Vec<_>>()),
            ),
            (
                "month",
                texts(&rows.iter().map(|row| row.1).collect::<Vec<_>>()),
            ),
            (
                "enrolled",
                flags(&rows.iter().map(|row| row.2).collect::<Vec<_>>()),
            ),
        ])
    };
    let files = vec![
        months(&[
            ("a", "1", true),
            ("b", "1", true),
            ("b", "2", true),
            ("b", "1", true),
            ("c", "1", true),
        ]),
        months(&[
            ("c", "1", true),
            ("c", "2", false),
            ("c", "2", true),
            ("d", "1", true),
        ]),
        months(&[("e", "1", true), ("e", "2", true)]),
    ];
    let snapshot = snapshot(folder.path(), vec![("m", files)]);
    let rule = json!({"name": "twice", "what": "", "table": "m", "sorted_by": ["patient"],
        "columns": ["month"], "when": {"enrolled": ["true"]}});
    let found = only(&snapshot, &rules(json!({"unique": [rule]})));
    assert_eq!((found.checked, found.failed), (10, 2));
    assert_eq!(
        found.places,
        [
            "m/0.parquet, row 4",
            "m/1.parquet, with a row of another file"
        ]
    );
}

#[test]
fn years_in_urls_are_compared_with_the_year_of_the_same_resource() {
    let folder = tempfile::tempdir().unwrap();
    let rows = batch(vec![
        ("of", texts(&["a", "a", "a", "b", "b", "c"])),
        (
            "url",
            texts(&[
                "x/m01/2025-1",
                "x/year",
                "x/m02",
                "x/year",
                "x/m01/2026-1",
                "x/m01/2024-1",
            ]),
        ),
        ("year", texts(&["", "2026", "", "2026-01-01", "", ""])),
    ]);
    let snapshot = snapshot(folder.path(), vec![("e", vec![rows])]);
    let rule = json!({"name": "year", "what": "", "table": "e", "of": ["of"], "url": "url",
        "year_url": "x/year", "year": "year"});
    let found = only(&snapshot, &rules(json!({"years": [rule]})));
    // Of the third resource no year is known.
    assert_eq!((found.checked, found.failed), (2, 1));
    assert_eq!(found.places, ["e/0.parquet, row 1"]);
}
