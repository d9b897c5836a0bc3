//! What another version wrote: each message says what to do about it.

use std::path::Path;

use crate::command::{Bench, a_patient};
use crate::files::{only, seal};

fn import(bench: &Bench, id: &str) {
    bench.import("d", "patient.ndjson", &a_patient(id));
}

/// Makes the manifest in `folder` one of format 2, with other keys, and answers what it was.
fn of_another_version(folder: &Path) -> String {
    let path = folder.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "{\"format\": 2, \"everything\": \"else\"}").unwrap();
    text
}

/// The error of a command says which formats, and what to do.
#[track_caller]
fn says(bench: &Bench, command: &[&str], what_to_do: &str) {
    let ended = bench.run(&[&["--data", "d"], command].concat()).exits(1);
    ended.fails_with("it has format 2, and this version of claimlake reads 1");
    ended.fails_with(what_to_do);
}

#[test]
fn a_staged_run_of_another_version_can_be_removed_and_made_again() {
    let bench = Bench::new();
    import(&bench, "-1");
    bench.done(&["--data", "d", "transform"]);
    let staged = only(&bench.path().join("d/staged"));
    of_another_version(&staged);
    for command in ["transform", "load"] {
        says(&bench, &[command], "remove its folder");
    }
    std::fs::remove_dir_all(&staged).unwrap();
    bench.publish("d");
    bench.done(&["--data", "d", "verify"]);

    let record = only(&bench.path().join("d/transformed"));
    of_another_version(&record);
    says(&bench, &["transform"], "remove its folder");
    std::fs::remove_dir_all(&record).unwrap();
    bench.publish("d");
    bench.done(&["--data", "d", "verify"]);
}

#[test]
fn a_lake_of_another_version_can_be_moved_away_and_made_anew() {
    let bench = Bench::new();
    import(&bench, "-1");
    bench.publish("d");
    let snapshot = bench.path().join("d/lake/snapshots/1");
    of_another_version(&snapshot);
    seal(&snapshot);
    says(&bench, &["load"], "move the lake away");
    std::fs::rename(bench.path().join("d/lake"), bench.path().join("away")).unwrap();
    bench.done(&["--data", "d", "transform", "--full"]);
    bench.done(&["--data", "d", "load"]);
    bench.done(&["--data", "d", "verify"]);
}

#[test]
fn a_landing_run_of_another_version_is_named_and_the_others_are_read() {
    let bench = Bench::new();
    import(&bench, "-1");
    let of_people = bench.path().join("d/landing/api=v2/resource=Patient");
    let run = only(&of_people);
    let manifest = of_another_version(&run);
    import(&bench, "-2");
    let read = bench.run(&["--json", "--data", "d", "transform"]).exits(3);
    assert_eq!(read.summary()["transform"]["resources"], 1);
    let read = bench.run(&["--data", "d", "transform"]);
    for words in ["format 2", "use the claimlake that landed it"] {
        assert!(read.stderr.contains(words), "{words}: {}", read.stderr);
    }
    std::fs::write(run.join("manifest.json"), manifest).unwrap();
    // It landed before what is staged: both are read again, in the order in which they landed.
    let read = bench.done(&["--json", "--data", "d", "transform"]);
    assert_eq!(read.summary()["transform"]["resources"], 2);
}
