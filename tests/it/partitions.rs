//! Partition values that are not known, and those that are hard on paths.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::demo::demo;

const TYPE: &str = "https://bluebutton.cms.gov/resources/codesystem/eob-type";

fn claim(id: usize, kind: Option<&str>, rest: &str) -> String {
    let coding = kind.map(|code| serde_json::json!([{"system": TYPE, "code": code}]));
    let coding = coding.unwrap_or_else(|| serde_json::json!([]));
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"claim-{id}","meta":{{"lastUpdated":"2026-01-02T03:04:05Z"}},"status":"active","type":{{"text":"x","coding":{coding}}},"patient":{{"reference":"Patient/-1"}}{rest}}}"#
    )
}

fn loaded(bench: &Bench, claims: &[String]) {
    bench.import("d", "claims.ndjson", &(claims.join("\n") + "\n"));
    let transformed = bench.run(&["--data", "d", "transform"]);
    assert!([0, 3].contains(&transformed.exit), "{}", transformed.stderr);
    bench.done(&["--data", "d", "load"]);
}

/// The checks of `verify` that do not hold; what it warns of is the source's.
fn wrong(bench: &Bench) -> Vec<String> {
    bench.run(&["--json", "--data", "d", "verify"]).wrong()
}

fn folders(bench: &Bench, table: &str) -> Vec<String> {
    let snapshot = bench.path().join("d/lake/current").canonicalize().unwrap();
    let text = fs::read_to_string(snapshot.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let tables = manifest["tables"].as_array().unwrap();
    let table = tables
        .iter()
        .find(|of| of["layout"]["name"] == table)
        .unwrap();
    let files = table["files"].as_array().unwrap().iter();
    let mut folders: Vec<String> = files
        .map(|file| {
            let path = file["path"].as_str().unwrap();
            let (folders, _) = path.rsplit_once('/').unwrap();
            folders.split_once('/').unwrap().1.to_owned()
        })
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

#[test]
fn verify_agrees_with_a_lake_whose_partition_values_are_encoded() {
    let kinds = [
        "a/b",
        "50%",
        "%41",
        "x=y:z",
        "[a]{b}",
        "..",
        "'\"?*#",
        "a b+c",
        "é日本",
        "back\\slash",
        "tab\there",
    ];
    let bench = Bench::new();
    let rest = r#","billablePeriod":{"end":"2024-01-31"},"item":[{"sequence":1,"productOrService":{"coding":[{"code":"99213"}]}}]"#;
    let claims: Vec<String> = kinds
        .iter()
        .enumerate()
        .map(|(id, kind)| claim(id, Some(kind), rest))
        .collect();
    loaded(&bench, &claims);
    assert_eq!(wrong(&bench), [""; 0]);
    assert_eq!(folders(&bench, "eob").len(), kinds.len());
    // It would see a row that lies in another partition.
    let snapshot = bench.path().join("d/lake/current").canonicalize().unwrap();
    let from = snapshot.join("eob/eob_type=a%2Fb/service_year=2024");
    let file = fs::read_dir(&from).unwrap().next().unwrap().unwrap().path();
    let to = snapshot.join("eob/eob_type=50%25/service_year=2024");
    fs::remove_file(fs::read_dir(&to).unwrap().next().unwrap().unwrap().path()).unwrap();
    fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    assert!(!wrong(&bench).is_empty());
}

#[test]
fn claims_of_no_kind_and_no_year_lie_in_partitions_with_values() {
    let bench = Bench::new();
    let end = r#","billablePeriod":{"end":"2024-01-31"}"#;
    let ask = r#","use":"preauthorization""#;
    let claims = [
        claim(1, Some("CARRIER"), end),
        claim(2, None, end),
        claim(3, Some("CARRIER"), ""),
        claim(4, None, ""),
        claim(5, None, &format!("{end}{ask}")),
        claim(6, Some("CARRIER"), ask),
        claim(7, Some(&"x".repeat(247)), end),
        claim(8, Some("null"), end),
    ];
    loaded(&bench, &claims);
    assert_eq!(
        folders(&bench, "eob"),
        [
            "eob_type=CARRIER/service_year=0",
            "eob_type=CARRIER/service_year=2024",
            "eob_type=PRIOR_AUTH/service_year=0",
            "eob_type=PRIOR_AUTH/service_year=2024",
            "eob_type=UNKNOWN/service_year=0",
            "eob_type=UNKNOWN/service_year=2024",
        ]
    );
    // A table without rows has folders with values, too.
    assert_eq!(
        folders(&bench, "eob_process_note"),
        ["eob_type=UNKNOWN/service_year=0"]
    );
    assert_eq!(wrong(&bench), [""; 0]);
    // Later loads find all of them again.
    loaded(&bench, &[claim(9, None, end)]);
    assert_eq!(wrong(&bench), [""; 0]);
}

#[test]
fn a_context_column_that_is_not_one_is_refused_with_what_it_may_be() {
    let demo = demo();
    let bench = Bench::new();
    for (column, expected) in [
        ("{ default = 0 }", "expected a FHIRPath"),
        ("{ path = 'id', year_of = ['id'] }", "expected a FHIRPath"),
        (
            "{ path = 'id', case = [{ when = 'true' }] }",
            "expected a FHIRPath",
        ),
        ("{ path = 'id', case = 'x' }", "expected a FHIRPath"),
        ("{ path = 'id', default = 1.5 }", "expected a FHIRPath"),
        (
            "{ year_of = ['birthDate'], default = 'none' }",
            "default: 'none' is no value of",
        ),
    ] {
        bench.write(
            "p.toml",
            &demo.replace(
                "[context.Patient]\n",
                &format!("[context.Patient]\nborn = {column}\n"),
            ),
        );
        let refused = bench.run(&["--pipeline", "p.toml", "--data", "d", "transform"]);
        assert_eq!(refused.exit, 2, "{column}: {}", refused.stderr);
        let error = refused.error_line();
        assert!(
            error.contains("context.Patient.born") && error.contains(expected),
            "{column}: {error}"
        );
    }
}

/// With `partition_by` from the environment.
fn with_partitions(bench: &Bench, partition_by: &str, arguments: &[&str]) -> Ended {
    let mut command = bench.command(&[&["--json", "--data", "d"], arguments].concat());
    Ended::of(command.env("CLAIMLAKE_LOAD_PARTITION_BY", partition_by))
}

#[test]
fn verify_looks_at_keys_that_are_in_the_path_only() {
    for partition_by in [
        r#"["source_api"]"#,
        r#"["patient_id"]"#,
        r#"["eob_id"]"#,
        r#"["patient_id", "source_api"]"#,
    ] {
        let bench = Bench::new();
        let claims: Vec<String> = (0..4)
            .map(|id| claim(id, Some("CARRIER"), "") + "\n")
            .collect();
        bench.import("d", "claims.ndjson", &claims.concat());
        for command in [&["transform"][..], &["load"]] {
            let ended = with_partitions(&bench, partition_by, command);
            assert_eq!(ended.exit, 0, "{partition_by}: {}", ended.stderr);
        }
        let verified = with_partitions(&bench, partition_by, &["verify"]);
        assert_eq!(verified.exit, 0, "{partition_by}: {}", verified.stderr);
        assert_eq!(verified.check("keys")["checked"], 4, "{partition_by}");
    }
}

#[test]
fn a_column_that_is_named_twice_is_refused_before_anything_is_read() {
    let bench = Bench::new();
    let ended = with_partitions(&bench, r#"["eob_type", "eob_type"]"#, &["transform"]).exits(2);
    ended.says("load.partition_by names the column 'eob_type' twice");
}
