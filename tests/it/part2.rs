//! Records under 42 CFR Part 2 that the pipeline drops leave the lake, too, and stay out of it.

use std::path::Path;

use serde_json::Value;

use crate::command::Bench;
use crate::files::{edit_manifest, sum_of};

const LABEL: &str = r#","security":[{"code":"42CFRPart2"}]"#;

const PIPELINE: &str = r#"
name = "p"
[source]
kind = "sandbox"
[transform]
views = ["views/*.json"]
part2 = "drop"
[context.ExplanationOfBenefit]
eob_id = "id"
[load]
partition_by = []
sort_by = ["eob_id"]
"#;

const VIEW: &str = r#"{
  "resourceType": "ViewDefinition", "name": "eob", "resource": "ExplanationOfBenefit",
  "status": "active", "select": [{"column": [{"name": "outcome", "path": "outcome"}]}]
}"#;

fn body(id: &str, day: u32, security: &str) -> String {
    format!(
        r#"{{"resourceType":"ExplanationOfBenefit","id":"{id}","meta":{{"lastUpdated":"2026-01-{day:02}T00:00:00Z"{security}}},"outcome":"complete"}}"#
    )
}

/// Rows of `eob`, and what `changes` lists.
fn lands(bench: &Bench, lines: &[String], full: bool) -> (u64, Vec<String>) {
    bench.write("in.ndjson", &(lines.join("\n") + "\n"));
    let with = ["--json", "--pipeline", "p.toml", "--data", "d"];
    let run = |arguments: &[&str]| bench.run(&[&with, arguments].concat());
    run(&["import", "--api", "v2", "in.ndjson"]);
    let flag = if full { &["--full"][..] } else { &[] };
    run(&[&["transform"], flag].concat()).exits(0);
    let loaded = run(&["load"]).exits(0);
    let verified = run(&["verify"]).exits(0);
    assert_eq!(verified.summary()["verify"]["warnings"], 0);
    let changes = run(&["changes"]);
    let mut kinds: Vec<String> = changes
        .events()
        .iter()
        .filter_map(|row| row["kind"].as_str().map(str::to_owned))
        .collect();
    kinds.sort();
    let rows = loaded.summary()["load"]["rows"]["eob"].as_u64().unwrap();
    (rows, kinds)
}

#[test]
fn a_claim_that_is_labelled_later_leaves_the_lake() {
    for full in [false, true] {
        let bench = Bench::new();
        bench.write("p.toml", PIPELINE);
        bench.write("views/eob.json", VIEW);
        let first = [body("1", 1, ""), body("2", 1, ""), body("3", 1, LABEL)];
        let (rows, kinds) = lands(&bench, &first, false);
        // Of a claim that was never there, nothing is reported.
        assert_eq!((rows, kinds), (2, vec!["new".to_owned(); 2]));
        let (rows, kinds) = lands(&bench, &[body("1", 2, LABEL)], full);
        assert_eq!(rows, 1, "full: {full}");
        assert_eq!(kinds, ["new", "new", "vanished"], "full: {full}");
        // Without the label again, it comes back.
        let (rows, _) = lands(&bench, &[body("1", 3, "")], full);
        assert_eq!(rows, 2, "full: {full}");
    }
}

#[test]
fn an_older_body_that_comes_later_does_not_bring_a_labelled_claim_back() {
    let bench = Bench::new();
    bench.write("p.toml", PIPELINE);
    bench.write("views/eob.json", VIEW);
    lands(&bench, &[body("1", 2, ""), body("2", 1, "")], false);
    // Of claim 3, the labelled body is the first to come.
    let (rows, kinds) = lands(&bench, &[body("1", 5, LABEL), body("3", 5, LABEL)], false);
    assert_eq!((rows, kinds.len()), (1, 3));
    let older = [body("1", 3, ""), body("3", 4, "")];
    let (rows, kinds) = lands(&bench, &older, false);
    assert_eq!(rows, 1);
    assert_eq!(kinds, ["new", "new", "vanished"]);
    let newer = [body("1", 6, ""), body("3", 6, "")];
    let (rows, kinds) = lands(&bench, &newer, false);
    assert_eq!(rows, 3);
    assert_eq!(kinds, ["new", "new", "new", "new", "vanished"]);
}

#[test]
fn a_labelled_claim_alone_is_remembered_and_comes_once_the_pipeline_keeps_such() {
    let bench = Bench::new();
    bench.write("p.toml", PIPELINE);
    bench.write("views/eob.json", VIEW);
    assert_eq!(lands(&bench, &[body("1", 5, LABEL)], false).0, 0);
    let with = ["--json", "--pipeline", "p.toml", "--data", "d"];
    let done = |arguments: &[&str]| bench.done(&[&with, arguments].concat()).summary();
    let snapshot = |summary: &Value| summary["load"]["snapshot"].clone();
    assert_eq!(snapshot(&done(&["load"])), 1);
    // The same body once more, and an older one, are no news.
    for again in [body("1", 5, LABEL), body("1", 4, "")] {
        assert_eq!(lands(&bench, &[again], false).0, 0);
        assert_eq!(snapshot(&done(&["load"])), 1);
    }
    bench.write("p.toml", &PIPELINE.replace("drop", "keep"));
    done(&["transform", "--full"]);
    let rebuilt = done(&["load", "--rebuild"]);
    assert_eq!(rebuilt["load"]["rows"]["eob"], 1);
    assert_eq!(done(&["verify"])["verify"]["warnings"], 0);
}

/// The checks of `verify` that do not hold.
fn broken_checks(bench: &Bench, data: &str) -> Vec<String> {
    let verified = bench.run(&["--json", "--pipeline", "p.toml", "--data", data, "verify"]);
    let mut checks = verified.checks();
    checks.retain(|check| check["failed"] != 0);
    let names = checks.iter().map(|check| check["name"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

/// Seals a snapshot again with the key file of another one.
fn take_keys(snapshot: &Path, other: &Path) {
    let keys = "keys/keys.arrow";
    let bytes = std::fs::copy(other.join(keys), snapshot.join(keys)).unwrap();
    edit_manifest(snapshot, |manifest| {
        manifest["keys"]["bytes"] = bytes.into();
        manifest["keys"]["sha256"] = sum_of(snapshot, keys)[..64].into();
    });
}

#[test]
fn verify_finds_what_was_done_to_the_memory_of_labelled_claims() {
    let bench = Bench::new();
    bench.write("p.toml", PIPELINE);
    bench.write("views/eob.json", VIEW);
    let land = |data: &str, lines: &[String]| {
        bench.write("in.ndjson", &(lines.join("\n") + "\n"));
        let with = ["--pipeline", "p.toml", "--data", data];
        bench.done(&[&with[..], &["import", "--api", "v2", "in.ndjson"]].concat());
        let loaded = bench.done(&[&with[..], &["run", "--from", "transform"]].concat());
        let is_labelled = lines.iter().any(|line| line.contains(LABEL));
        let says_left_out = loaded.stderr.contains(" unchanged, 1 left out");
        assert_eq!(says_left_out, is_labelled, "{}", loaded.stderr);
        bench.path().join(data).join("lake/current")
    };
    let other = body("2", 1, "");
    let labelled = land("labelled", &[body("1", 5, LABEL), other.clone()]);
    let earlier = land("earlier", &[body("1", 4, LABEL), other.clone()]);
    let without = land("without", std::slice::from_ref(&other));
    let stranger = land("stranger", &[body("3", 5, LABEL), other]);
    for data in ["labelled", "earlier", "without", "stranger"] {
        assert_eq!(broken_checks(&bench, data), [""; 0], "{data}");
    }
    let keys = labelled.join("keys/keys.arrow");
    let whole = std::fs::read(&keys).unwrap();
    for at in [whole.len() / 2, whole.len() - 1] {
        let mut touched = whole.clone();
        touched[at] ^= 0x80;
        std::fs::write(&keys, touched).unwrap();
        let broken = broken_checks(&bench, "labelled");
        assert_eq!(
            broken,
            ["lake_files", "gone", "left_out", "absent"],
            "byte {at}"
        );
    }
    for (from, expected) in [
        (&earlier, &["left_out"][..]),
        (&stranger, &["left_out", "left_out_unknown"]),
        // As a version that left no trace of such claims: no damage, and worth a look.
        (&without, &["left_out_unknown"]),
    ] {
        take_keys(&labelled, from);
        assert_eq!(broken_checks(&bench, "labelled"), expected, "{from:?}");
    }
    bench.done(&["--pipeline", "p.toml", "--data", "labelled", "verify"]);
    // All of landing makes it known.
    let with = ["--pipeline", "p.toml", "--data", "labelled"];
    bench.done(&[&with[..], &["transform", "--full"]].concat());
    bench.done(&[&with[..], &["load"]].concat());
    assert_eq!(broken_checks(&bench, "labelled"), [""; 0]);
}
