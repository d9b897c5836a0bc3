//! Claims of others than Blue Button: small bodies of our own in the shapes that public examples have,
//! with the cells they must give (`fixtures/shapes/expected.json`, written by hand).

use std::fs;
use std::path::{Path, PathBuf};

use parquet::record::Field;
use serde_json::{Value, json};

use crate::command::Bench;
use crate::lake_rows;

fn shapes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/shapes")
}

fn shown(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Str(text) => text.as_str().into(),
        Field::ListInternal(list) => list.elements().iter().map(shown).collect(),
        other => other.to_string().into(),
    }
}

/// The rows of a table, the partitions of the path among their columns.
fn rows(lake: &Path, table: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for path in lake_rows::parquet_files(&lake.join(table)) {
        let partitions = path.components().filter_map(|part| {
            let (name, value) = part.as_os_str().to_str()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let partitions: Vec<(String, String)> = partitions.collect();
        for row in lake_rows::rows_of(&path) {
            let mut cells = json!({});
            for (name, field) in row.get_column_iter() {
                cells[name] = shown(field);
            }
            for (name, value) in &partitions {
                cells[name] = value.as_str().into();
            }
            rows.push(cells);
        }
    }
    rows
}

/// Each expected row is another row of the table, and the table has no more.
fn check_rows(what: &str, mut found: Vec<Value>, expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}: {found:#?}");
    for row in expected {
        let fits = |other: &Value| {
            let mut cells = row.as_object().unwrap().iter();
            cells.all(|(name, cell)| other.get(name) == Some(cell))
        };
        let Some(at) = found.iter().position(fits) else {
            panic!("{what}: no row has {row}, there are: {found:#?}");
        };
        found.remove(at);
    }
}

fn check(name: &str) {
    let text = fs::read_to_string(shapes().join("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let expected = &expected[name];
    let bench = Bench::new();
    let input = shapes().join(name).display().to_string();
    let ended = bench.run(&["--json", "--data", "d", "import", "--api", "v2", &input]);
    let import = &expected["import"];
    assert_eq!(ended.exit, import["exit"], "{name}: {}", ended.stderr);
    let summary = ended.summary();
    for count in ["resources", "rejected"] {
        assert_eq!(summary["import"][count], import[count], "{name}: {count}");
    }
    if let Some(reasons) = import.get("rejected_by_reason") {
        assert_eq!(&summary["import"]["rejected_by_reason"], reasons, "{name}");
    }
    bench.publish("d");
    let lake = bench.path().join("d/lake/current");
    for (table, rows_of) in expected["tables"].as_object().unwrap() {
        check_rows(&format!("{name}: {table}"), rows(&lake, table), rows_of);
    }
    let verified = bench.run(&["--json", "--data", "d", "verify"]);
    assert_eq!(verified.exit, 0, "{name}: {}", verified.stdout);
    let checks = verified.summary()["verify"]["checks"].clone();
    let wanted = &expected["warnings"];
    for check in checks.as_array().unwrap() {
        let is_wanted = wanted.as_array().unwrap().contains(&check["name"]);
        assert!(!is_wanted || check["failed"] != 0, "{name}: {check}");
        assert!(
            check["name"] != "claim_links" || is_wanted || check["failed"] == 0,
            "{name}: {check}"
        );
    }
}

#[test]
fn carin_claims_of_a_payer_make_their_rows() {
    check("carin.ndjson");
}

#[test]
fn hl7s_general_claim_of_r4_makes_its_rows() {
    check("hl7_r4.ndjson");
}

#[test]
fn a_synthea_bundle_makes_its_rows() {
    check("synthea.json");
}

#[test]
fn a_pdex_prior_authorization_makes_its_rows() {
    check("pdex.ndjson");
}

#[test]
fn a_bcda_file_makes_its_rows() {
    check("bcda.ndjson");
}

#[test]
fn stu3_bodies_are_refused_and_the_person_beside_them_lands() {
    check("stu3.ndjson");
}
