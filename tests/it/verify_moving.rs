//! `verify` while loads publish: what it reports is of one snapshot, whole.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::Bench;
use crate::files::copy_folder;

const PEOPLE: &str =
    "{\"resourceType\":\"Patient\",\"id\":\"-1\"}\n{\"resourceType\":\"Patient\",\"id\":\"-2\"}\n";

#[test]
fn a_load_that_was_killed_after_publishing_leaves_a_lake_that_agrees() {
    let bench = Bench::new();
    bench.import("d", "people.ndjson", PEOPLE);
    bench.done(&["--data", "d", "transform"]);
    let staged = bench.path().join("d/staged");
    copy_folder(&staged, &bench.path().join("kept"));
    bench.done(&["--data", "d", "load"]);
    // As it was between the flip of `current` and the record of the loaded run.
    std::fs::remove_dir_all(&staged).unwrap();
    copy_folder(&bench.path().join("kept"), &staged);
    std::fs::remove_dir_all(bench.path().join("d/transformed")).unwrap();
    std::fs::create_dir_all(bench.path().join("d/transformed/.building")).unwrap();
    bench.done(&["--data", "d", "verify"]);
    bench.publish("d");
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
    bench.import("d", "claims.ndjson", &claims);
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
    bench.import("d", "people.ndjson", PEOPLE);
    run(&["run", "--from", "transform"]);
    assert!(!bench.path().join("d/lake/snapshots/1").exists());
    signal("-CONT");
    let last = events.last().unwrap().unwrap();
    assert_eq!(verify.wait().unwrap().code(), Some(0), "{last}");
    let summary: Value = serde_json::from_str(&last).unwrap();
    assert_eq!(summary["verify"]["snapshot"], 2, "{summary}");
    assert_eq!(summary["verify"]["holds"], true, "{summary}");
}
