//! `verify` of a lake that goes back and forth between its snapshots.

use crate::command::{Bench, Ended, words};
use crate::files::edit_manifest;
use crate::verify::bodies;

/// `verify` after each step of going back and forth between snapshots.
#[test]
fn a_lake_that_was_rolled_back_and_forth_agrees_with_landing_at_every_snapshot() {
    let bench = Bench::new();
    let made = words("sandbox generate --patients 2 --eobs 6 --resource ExplanationOfBenefit");
    let claims = bench.done(&made).events();
    // All snapshots are kept, so that each can be gone back to.
    let load = |arguments: &[&str]| {
        let arguments = [&["--data", "d", "load"], arguments].concat();
        let mut command = bench.command(&arguments);
        command.env("CLAIMLAKE_LOAD_KEEP_SNAPSHOTS", "9");
        Ended::of(&mut command).exits(0);
    };
    let publish = |name: &str, text: &str| {
        bench.write(name, text);
        bench.done(&["--data", "d", "import", "--api", "v2", name]);
        bench.done(&["--data", "d", "transform"]);
        load(&[]);
    };
    let holds = |step: &str| {
        let verified = bench.run(&["--data", "d", "verify"]);
        assert_eq!(verified.exit, 0, "{step}: {}", verified.stderr);
    };
    publish(
        "1.ndjson",
        &bodies(&claims[..8], "2026-01-01T00:00:00Z", "11.11"),
    );
    // Newer bodies of some, and new claims.
    publish(
        "2.ndjson",
        &bodies(&claims[4..], "2026-02-02T00:00:00Z", "22.22"),
    );
    publish(
        "3.ndjson",
        &bodies(&claims[..2], "2026-03-03T00:00:00Z", "33.33"),
    );
    holds("snapshot 3");
    for number in ["1", "2", "3", "1", "3", "2"] {
        bench.done(&["--data", "d", "snapshots", "rollback", number]);
        holds(&format!("back to {number}"));
    }
    bench.done(&["--data", "d", "transform"]);
    holds("staged, and not loaded");
    load(&["--unpin"]);
    holds("loaded again");
    for number in ["3", "2"] {
        bench.done(&["--data", "d", "snapshots", "rollback", number]);
        holds(&format!("from another line back to {number}"));
    }
    load(&["--unpin"]);
    bench.done(&["--data", "d", "transform", "--full"]);
    load(&["--rebuild"]);
    holds("rebuilt");

    // Lakes of earlier versions do not name their landing runs.
    bench.done(&["--data", "d", "snapshots", "rollback", "2"]);
    for snapshot in ["1", "2", "3"] {
        forget_landing_runs(&bench.path().join("d/lake/snapshots").join(snapshot));
    }
    holds("a manifest of an earlier version");
    for number in ["1", "3"] {
        bench.done(&["--data", "d", "snapshots", "rollback", number]);
        holds(&format!("an earlier version, back to {number}"));
    }
}

/// Makes a manifest as earlier versions wrote it.
fn forget_landing_runs(snapshot: &std::path::Path) {
    edit_manifest(snapshot, |manifest| {
        let removed = manifest.as_object_mut().unwrap().remove("landing_runs");
        assert!(removed.is_some(), "the manifest names its landing runs");
    });
}
