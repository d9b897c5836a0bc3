//! `verify` while loads publish: what it reports is of one snapshot, whole.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::Bench;

const PEOPLE: &str =
    "{\"resourceType\":\"Patient\",\"id\":\"-1\"}\n{\"resourceType\":\"Patient\",\"id\":\"-2\"}\n";

fn import(bench: &Bench, name: &str, text: &str) {
    bench.write(name, text);
    bench.done(&["--data", "d", "import", "--api", "v2", name]);
}

#[test]
fn a_load_that_was_killed_after_publishing_leaves_a_lake_that_agrees() {
    let bench = Bench::new();
    import(&bench, "people.ndjson", PEOPLE);
    bench.done(&["--data", "d", "transform"]);
    let staged = bench.path().join("d/staged");
    let copied = |from: &std::path::Path, to: &std::path::Path| {
        let status = Command::new("cp").arg("-a").args([from, to]).status();
        assert!(status.unwrap().success());
    };
    copied(&staged, &bench.path().join("kept"));
    bench.done(&["--data", "d", "load"]);
    // As it was between the flip of `current` and the record of the loaded run.
    std::fs::remove_dir_all(&staged).unwrap();
    copied(&bench.path().join("kept"), &staged);
    std::fs::remove_dir_all(bench.path().join("d/transformed")).unwrap();
    std::fs::create_dir_all(bench.path().join("d/transformed/.building")).unwrap();
    bench.done(&["--data", "d", "verify"]);
    bench.done(&["--data", "d", "run", "--from", "transform"]);
    bench.done(&["--data", "d", "verify"]);
    assert!(!bench.path().join("d/lake/snapshots/2").exists());
    assert!(!bench.path().join("d/transformed/.building").exists());
}

#[test]
fn a_snapshot_that_goes_while_it_is_read_is_followed_by_the_next() {
    let bench = Bench::new();
    let pipeline = crate::demo::pipeline("v2")
        .replace("keep_snapshots = 3", "keep_snapshots = 1\nkeep_hours = 0");
    bench.write("one.toml", &pipeline);
    let run = |arguments: &[&str]| {
        let global = ["--pipeline", "one.toml", "--data", "d"];
        bench.done(&[&global, arguments].concat())
    };
    let made = ["sandbox", "generate", "--patients", "8", "--eobs", "60"];
    let claims = bench.done(&made).stdout;
    import(&bench, "claims.ndjson", &claims);
    run(&["run", "--from", "transform"]);
    let mut verify = bench
        .command(&["--pipeline", "one.toml", "--data", "d", "--json", "verify"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(verify.stdout.take().unwrap()).lines();
    // It has resolved the snapshot, and reads landing before the lake.
    let first: Value = serde_json::from_str(&events.next().unwrap().unwrap()).unwrap();
    assert_eq!(first["what"], "reading landing", "{first}");
    let signal = |name: &str| {
        let status = Command::new("kill")
            .args([name, &verify.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    };
    signal("-STOP");
    import(&bench, "people.ndjson", PEOPLE);
    run(&["run", "--from", "transform"]);
    assert!(!bench.path().join("d/lake/snapshots/1").exists());
    signal("-CONT");
    let last = events.last().unwrap().unwrap();
    assert_eq!(verify.wait().unwrap().code(), Some(0), "{last}");
    let summary: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(summary["verify"]["snapshot"], 2, "{summary}");
    assert_eq!(summary["verify"]["holds"], true, "{summary}");
}
