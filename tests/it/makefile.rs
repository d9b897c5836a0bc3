//! `make` runs the stages in order and goes on after the codes that let it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use crate::command::{Bench, repository};

/// Runs make with a command that notes its stage and ends with the code set for it.
fn make(bench: &Bench, goals: &[&str], codes: &[(&str, i32)]) -> (Output, Vec<String>) {
    let cases: String = codes
        .iter()
        .map(|(stage, code)| format!("{stage}) exit {code};;\n"))
        .collect();
    let script = bench.write(
        "fake",
        &format!(
            "#!/bin/sh\nfor last; do :; done\necho $last >> log\ncase $last in\n{cases}esac\n"
        ),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("make")
        .arg("--makefile")
        .arg(repository().join("Makefile").canonicalize().unwrap())
        .arg(format!("CLAIMLAKE={}", script.display()))
        .args(goals)
        .current_dir(bench.path())
        .env("CARGO_TARGET_DIR", bench.path().join("target"))
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .unwrap();
    let log = fs::read_to_string(bench.path().join("log")).unwrap_or_default();
    (output, log.lines().map(Into::into).collect())
}

#[test]
fn stages_go_on_after_rejects_and_lost_consents_and_the_worst_code_is_told() {
    let bench = Bench::new();
    let (output, stages) = make(
        &bench,
        &["extract", "transform", "load"],
        &[("extract", 4), ("transform", 3)],
    );
    assert_eq!(stages, ["extract", "transform", "load"]);
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("exit code 4"), "{stderr}");
}

#[test]
fn a_failed_stage_stops_what_follows() {
    let bench = Bench::new();
    let (output, stages) = make(
        &bench,
        &["extract", "transform", "load"],
        &[("transform", 1)],
    );
    assert_eq!(stages, ["extract", "transform"]);
    assert!(!output.status.success());
}

#[test]
fn plain_make_runs_all_stages_even_when_asked_to_run_them_at_once() {
    let bench = Bench::new();
    let (output, stages) = make(&bench, &["-j8"], &[]);
    assert_eq!(stages, ["extract", "transform", "load"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_code_of_an_earlier_make_is_not_remembered() {
    let bench = Bench::new();
    let (output, _) = make(&bench, &["transform"], &[("transform", 3)]);
    assert!(!output.status.success());
    let (output, _) = make(&bench, &["transform", "load"], &[]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
