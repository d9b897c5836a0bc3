//! Settings from the environment: what is mistyped, empty or of the wrong kind is not passed over,
//! and no value is shown. How long things are kept, where the pipeline says nothing.

use std::fs;
use std::path::Path;

use crate::command::{Bench, Ended, a_patient, repository};

const SECRET: &str = "hunter2-do-not-show";

fn with(bench: &Bench, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    Ended::of(bench.command(arguments).envs(variables.iter().copied()))
}

#[test]
fn a_variable_that_is_no_setting_is_refused_before_anything_is_done() {
    let bench = Bench::new();
    for command in [
        "run",
        "extract",
        "transform",
        "load",
        "status",
        "verify",
        "doctor",
    ] {
        let ended = with(&bench, &[command], &[("CLAIMLAKE_EXTRACT_MAX_RSP", SECRET)]).exits(2);
        assert_eq!(
            ended.error_line(),
            "environment: CLAIMLAKE_EXTRACT_MAX_RSP is no setting, did you mean \
             CLAIMLAKE_EXTRACT_MAX_RPS? (docs/pipeline.md lists all)"
        );
    }
    assert!(!bench.path().join("data").exists());
    // What settings do not touch is not in the way.
    let completions = with(
        &bench,
        &["completions", "bash"],
        &[("CLAIMLAKE_LOAD_X", "1")],
    );
    assert_eq!((completions.exit, completions.stderr.as_str()), (0, ""));
}

#[test]
fn a_variable_of_somebody_else_is_warned_about_once() {
    let bench = Bench::new();
    let small = [
        ("CLAIMLAKE_SOURCE_PATIENTS", "1"),
        ("CLAIMLAKE_SOURCE_EOBS", "1"),
    ];
    let others = [
        ("CLAIMLAKE_PIPLINE", SECRET),
        ("CLAIMLAKE_SHARED", "/nowhere"),
    ];
    let ended = with(&bench, &["run"], &[small, others].concat()).exits(0);
    let warning = "warning: the environment variable CLAIMLAKE_PIPLINE is none that claimlake reads, \
                did you mean CLAIMLAKE_PIPELINE?";
    assert_eq!(ended.stderr.matches(warning).count(), 1, "{}", ended.stderr);
    assert!(
        !ended.stderr.contains("CLAIMLAKE_SHARED"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains(SECRET), "{}", ended.stderr);
}

#[test]
fn a_value_of_the_wrong_kind_is_not_shown_and_an_empty_one_is_not_set() {
    let bench = Bench::new();
    for (variable, words) in [
        ("CLAIMLAKE_EXTRACT_MAX_RPS", "expected number, such as 50.0"),
        ("CLAIMLAKE_SOURCE_API", "expected `\"v2\"` or `\"v3\"`"),
        (
            "CLAIMLAKE_LOAD_KEEP_STAGED",
            "expected days, or `\"forever\"`",
        ),
        (
            "CLAIMLAKE_LOAD_SORT_BY",
            "expected list of texts, such as [\"eob_id\"]",
        ),
        (
            "CLAIMLAKE_EXTRACT_ON_REVOKED",
            "expected text, such as \"forget_after 30 days\"",
        ),
    ] {
        let ended = with(&bench, &["status"], &[(variable, SECRET)]);
        assert_eq!(ended.exit, 2, "{variable}: {}", ended.stderr);
        let line = ended.error_line();
        assert!(line.contains(variable) && line.contains(words), "{line}");
        assert!(!line.contains(SECRET), "{line}");
        let empty = with(&bench, &["status"], &[(variable, "")]);
        assert_eq!(empty.exit, 0, "{variable}: {}", empty.stderr);
    }
}

/// A folder of a run that began long ago.
fn old_rejects(bench: &Bench) -> std::path::PathBuf {
    let folder = bench.path().join("data/demo/landing/rejected");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("run=20200101T000000.000Z-0001.ndjson.zst");
    fs::write(&file, "x").unwrap();
    file
}

fn snapshots(bench: &Bench) -> usize {
    fs::read_dir(bench.path().join("data/demo/lake/snapshots"))
        .unwrap()
        .count()
}

fn import(bench: &Bench, id: &str) {
    bench.import("data/demo", "one.ndjson", &a_patient(id));
}

#[test]
fn young_snapshots_stay_and_old_rejects_go_unless_the_pipeline_says_otherwise() {
    let bench = Bench::new();
    for id in ["-1", "-2", "-3", "-4", "-5"] {
        import(&bench, id);
        bench.done(&["run", "--from", "transform"]);
    }
    assert_eq!(snapshots(&bench), 5, "none is older than a day");
    let status = bench.done(&["status"]).stdout;
    let words = "3 snapshots and those of the last 24 hours, staged rows 7 days, rejects 90 days";
    let flat = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains(words), "{status}");
    // For ever, as it was before.
    let file = old_rejects(&bench);
    with(
        &bench,
        &["load"],
        &[("CLAIMLAKE_LOAD_KEEP_REJECTS", "forever")],
    )
    .exits(0);
    assert!(file.exists());
    let removed = bench.done(&["load"]);
    assert!(!file.exists());
    removed.says("1 reject file removed (load.keep_rejects = 90)");
    // The number alone counts, where that is asked for, and what goes is named.
    import(&bench, "-6");
    bench.done(&["transform"]);
    let ended = with(&bench, &["load"], &[("CLAIMLAKE_LOAD_KEEP_HOURS", "0")]);
    assert_eq!((ended.exit, snapshots(&bench)), (0, 3), "{}", ended.stderr);
    let words = "snapshot 1, 2, 3 (load.keep_snapshots = 3, load.keep_hours = 0)";
    ended.says(words);
    bench.done(&["verify"]);
}

#[test]
fn every_setting_of_the_page_can_be_found_from_the_readme() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(readme.contains("(docs/pipeline.md)"));
    assert!(Path::new(&repository().join("docs/pipeline.md")).is_file());
}
