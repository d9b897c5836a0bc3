//! Two lakes side by side: the sandbox's population in both API versions, whose truth is known by the
//! numbers in its ids, and differences that were planted one by one.

mod planted;

use std::collections::{BTreeMap, BTreeSet};

use parquet::record::{Field, Row};
use serde_json::json;

use crate::command::{Bench, Ended, json_lines, repository};
use crate::lake_rows::{cell, parquet_files, rows_below};

/// Writes what the sandbox serves.
fn generated(bench: &Bench, api: &str, patients: u32, seed: u32) -> String {
    let name = format!("{api}-{seed}.ndjson");
    let (patients, seed) = (patients.to_string(), seed.to_string());
    bench.done(&[
        "sandbox",
        "generate",
        "--api",
        api,
        "--patients",
        &patients,
        "--seed",
        &seed,
        "--weeks",
        "2",
        "-o",
        &name,
    ]);
    std::fs::read_to_string(bench.path().join(name)).unwrap()
}

fn load(bench: &Bench, data: &str, api: &str, resources: &str) {
    let name = format!("{data}.ndjson");
    bench.write(&name, resources);
    bench.done(&["--data", data, "import", "--api", api, &name]);
    bench.publish(data);
}

fn compare(bench: &Bench, left: &str, right: &str, more: &[&str]) -> Ended {
    bench.run(
        &[
            &["--json", "compare", "--left", left, "--right", right],
            more,
        ]
        .concat(),
    )
}

fn text(row: &Row, name: &str) -> String {
    match cell(row, name) {
        Field::Str(text) => text.clone(),
        Field::Null => "-".into(),
        other => other.to_string(),
    }
}

/// The person and claim that an id of the sandbox is made of: both versions have it in the last digits.
fn number(eob_id: &str) -> u64 {
    let digits = eob_id.rsplit('-').next().unwrap();
    digits.parse::<u64>().unwrap() % 100_000_000
}

#[test]
fn every_pair_of_the_sandboxes_two_versions_is_true_and_none_is_missed_but_what_v2_cannot_show() {
    let bench = Bench::new();
    for api in ["v2", "v3"] {
        let resources = generated(&bench, api, 14, 5);
        load(&bench, api, api, &resources);
    }
    let ended = compare(&bench, "v2", "v3", &["--parquet", "found"]).exits(3);
    let pairs = rows_below(&bench.path().join("found/pair"));
    let mut paired: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    for pair in &pairs {
        let (left, right) = (text(pair, "left_eob_id"), text(pair, "right_eob_id"));
        assert_eq!(number(&left), number(&right), "{}", text(pair, "rule"));
        let is_new = paired
            .entry(text(pair, "eob_type"))
            .or_default()
            .insert(number(&left));
        assert!(is_new, "a claim is paired once");
    }
    // Every claim of v2 is in v3, too.
    let mut all: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut without_drug = BTreeSet::new();
    for line in json_lines(&std::fs::read_to_string(bench.path().join("v2-5.ndjson")).unwrap()) {
        if line["resourceType"] != "ExplanationOfBenefit" {
            continue;
        }
        let id = line["id"].as_str().unwrap();
        let kind = id.split('-').next().unwrap().to_uppercase();
        // Compounds have the drug of an ingredient in v3; some old events of v2 have none.
        let line = line.to_string();
        if line.contains("RXDINV") || !line.contains("http://hl7.org/fhir/sid/ndc") {
            without_drug.insert(number(id));
        }
        all.entry(kind).or_default().insert(number(id));
    }
    assert!(all.len() >= 7, "{:?}", all.keys());
    for (kind, claims) in &all {
        let found = paired.remove(kind).unwrap_or_default();
        assert!(found.is_subset(claims));
        if kind != "PDE" {
            assert_eq!(&found, claims, "{kind}");
        } else {
            assert!(
                found.len() * 100 >= claims.len() * 70,
                "{} of {}",
                found.len(),
                claims.len()
            );
        }
    }
    let unpaired = rows_below(&bench.path().join("found/unpaired"));
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for claim in &unpaired {
        *reasons.entry(text(claim, "reason")).or_default() += 1;
        if text(claim, "reason") == "unknown" {
            assert_eq!(text(claim, "eob_type"), "PDE");
        }
    }
    for reason in ["shared system", "Part 2", "prior authorization"] {
        assert!(reasons.contains_key(reason), "{reasons:?}");
    }
    let found = &ended.summary()["compare"];
    assert_eq!(
        found["persons"],
        json!({"both": 14, "only_left": 0, "only_right": 0, "with_several_ids": 0})
    );
    assert_eq!(found["differs"], true);
    let moved = found["columns"].as_array().unwrap().iter();
    let moved: BTreeSet<&str> = moved
        .filter(|column| column["classes"]["id_moved"].is_u64())
        .map(|column| column["column"].as_str().unwrap())
        .collect();
    assert_eq!(moved, BTreeSet::from(["claim_id", "eob_id", "patient_id"]));
}

#[test]
fn a_lake_beside_itself_does_not_differ_and_a_pipe_shows_a_table() {
    let bench = Bench::new();
    let resources = generated(&bench, "v2", 1, 8);
    load(&bench, "data", "v2", &resources);
    let mut command = bench.command(&[
        "compare",
        "--left",
        "data",
        "--right",
        "data/lake/snapshots/1",
    ]);
    let ended = Ended::of(command.env("COLUMNS", "40")).exits(0);
    ended.prints("paired claims do not differ");
    for line in ended.stdout.lines() {
        assert!(line.chars().count() <= 40, "{line}");
    }
    // The versions of one lake, of which it has one.
    let ended = compare(&bench, "data", "data", &["--right-api", "v3"]).exits(3);
    let found = &ended.summary()["compare"];
    assert_eq!(found["right"]["claims"], 0);
    assert!(found["left"]["claims"].as_u64().unwrap() > 0);
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_written() {
    let bench = Bench::new();
    let resources = generated(&bench, "v2", 1, 8);
    load(&bench, "data", "v2", &resources);
    // A pipeline without the tables for questions.
    let pipeline = repository().join("pipelines/bench.toml");
    let pipeline = pipeline.to_str().unwrap();
    bench.write("bench.ndjson", &resources);
    bench.done(&[
        "--pipeline",
        pipeline,
        "--data",
        "bench",
        "import",
        "--api",
        "v2",
        "bench.ndjson",
    ]);
    bench.done(&[
        "--pipeline",
        pipeline,
        "--data",
        "bench",
        "run",
        "--from",
        "transform",
    ]);
    let refused = |right: &str, more: &[&str], words: &str| {
        let ended = bench
            .run(&[&["compare", "--left", "data", "--right", right], more].concat())
            .exits(2);
        ended.fails_with(words);
    };
    refused(
        "bench",
        &["--parquet", "new"],
        "the right lake has no table claim, part_d_event",
    );
    refused("nowhere", &[], "--right nowhere");
    std::fs::create_dir(bench.path().join("empty")).unwrap();
    refused("empty", &[], "nothing is published there");
    bench.write("used/file", "x");
    refused("data", &["--parquet", "used"], "used is not empty");
    refused("data", &["--parquet", "data/lake/new"], "lies in the lake");
    for path in ["new", "new.building", "data/lake/new"] {
        assert!(!bench.path().join(path).exists(), "{path}");
    }
    // A file that is not as it was published.
    let damaged = parquet_files(&bench.path().join("data/lake/current/claim_line"));
    let bytes = std::fs::read(&damaged[0]).unwrap();
    std::fs::remove_file(&damaged[0]).unwrap();
    std::fs::write(&damaged[0], &bytes[..bytes.len() - 1]).unwrap();
    let ended = bench
        .run(&["compare", "--left", "data", "--right", "data"])
        .exits(1);
    ended.fails_with("bytes, the manifest says");
}
