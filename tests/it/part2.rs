//! Records under 42 CFR Part 2 that the pipeline drops leave the lake, too.

use crate::command::Bench;

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

/// Rows of `eob`, and what `changes` tells.
fn lands(bench: &Bench, lines: &[String], full: bool) -> (u64, Vec<String>) {
    bench.write("in.ndjson", &(lines.join("\n") + "\n"));
    let with = ["--json", "--pipeline", "p.toml", "--data", "d"];
    let run = |arguments: &[&str]| bench.run(&[&with, arguments].concat());
    run(&["import", "--api", "v2", "in.ndjson"]);
    if full {
        assert_eq!(run(&["transform", "--full"]).exit, 0);
    } else {
        assert_eq!(run(&["transform"]).exit, 0);
    }
    let loaded = run(&["load"]);
    assert_eq!(loaded.exit, 0, "{}", loaded.stderr);
    let verified = run(&["verify"]);
    assert_eq!(verified.exit, 0, "{}", verified.stderr);
    let changes = run(&["changes"]);
    let mut kinds: Vec<String> = changes
        .stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|row| row["kind"].as_str().map(str::to_owned))
        .collect();
    kinds.sort();
    let rows = loaded.summary()["load"]["rows"]["eob"].as_u64().unwrap();
    (rows, kinds)
}

#[test]
fn a_claim_that_is_labelled_later_leaves_the_lake() {
    let label = r#","security":[{"code":"42CFRPart2"}]"#;
    for full in [false, true] {
        let bench = Bench::new();
        bench.write("p.toml", PIPELINE);
        bench.write("views/eob.json", VIEW);
        let first = [body("1", 1, ""), body("2", 1, ""), body("3", 1, label)];
        let (rows, kinds) = lands(&bench, &first, false);
        // Of a claim that was never there, nothing is told.
        assert_eq!((rows, kinds), (2, vec!["new".to_owned(); 2]));
        let (rows, kinds) = lands(&bench, &[body("1", 2, label)], full);
        assert_eq!(rows, 1, "full: {full}");
        assert_eq!(kinds, ["new", "new", "vanished"], "full: {full}");
        // Without the label again, it comes back.
        let (rows, _) = lands(&bench, &[body("1", 3, "")], full);
        assert_eq!(rows, 2, "full: {full}");
    }
}
