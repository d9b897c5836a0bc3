//! The access log: cut, restored, and asked who touched a patient.

use std::fs;

use serde_json::Value;

use crate::files::mode;
use crate::vault::{demo, done, patients, put_back, run};

#[test]
fn a_cut_access_log_is_written_on_and_named_by_every_check() {
    let bench = demo();
    let log = bench.path().join("d/access.log");
    assert_eq!(mode(&log), 0o600);
    let text = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    fs::write(&log, format!("{}\n", lines[0])).unwrap();
    // Whoever runs it each night hears of it, too.
    let nightly = done(&bench, &["-q", "extract"]).stderr;
    assert_eq!(
        nightly,
        "warning: the access log was cut, lines 2 to 3 are missing: `claimlake --pipeline p.toml \
         --data d access-log verify` says so from now on\n"
    );
    assert_eq!(done(&bench, &["-q", "extract"]).stderr, "");
    for _ in 0..2 {
        let checked = run(&bench, &["access-log", "verify"]).exits(1);
        let said = checked.error_line();
        assert!(said.contains("lines 2 to 3 are missing"), "{said}");
        done(&bench, &["extract"]);
    }
    let status = done(&bench, &["status"]).stdout;
    assert!(
        status.contains("access log lines 2 to 3 are missing"),
        "{status}"
    );
    assert!(status.contains("access-log verify"), "{status}");
    let doctor = run(&bench, &["doctor"]);
    assert!(doctor.stdout.contains("lines 2 to 3 are missing"));
    let shown = done(&bench, &["access-log", "show"]);
    shown.prints("\"action\":\"gap\"");
    shown.says("this is not all of it");
    fs::remove_file(&log).unwrap();
    let missing = run(&bench, &["access-log", "verify"]).exits(1);
    assert!(missing.error_line().contains("access.log is missing"));
}

#[test]
fn a_vault_and_a_log_of_an_older_backup_are_noticed_by_what_is_noted_outside() {
    let bench = demo();
    done(&bench, &["vault", "backup", "old.db"]);
    fs::copy(
        bench.path().join("d/access.log"),
        bench.path().join("old.log"),
    )
    .unwrap();
    done(&bench, &["extract"]);
    put_back(
        &bench,
        &[("old.db", "d/vault.db"), ("old.log", "d/access.log")],
    );
    let checked = run(&bench, &["access-log", "verify"]).exits(1);
    let said = checked.error_line();
    assert!(
        said.contains("it has line 6, and they end with 3"),
        "{said}"
    );
    done(&bench, &["extract"]);
    let checked = run(&bench, &["access-log", "verify"]);
    assert!(checked.error_line().contains("lines 4 to 6 are missing"));
    // What is noted lies in the user's own folder, and a folder that cannot be made is no failure.
    let noted = bench.path().join(".local/state/claimlake");
    assert_eq!(mode(&noted), 0o700);
    fs::remove_dir_all(&noted).unwrap();
    fs::write(&noted, "a file").unwrap();
    done(&bench, &["extract"]);
}

#[test]
fn who_touched_a_patient_is_shown_by_any_of_their_ids_and_after_they_were_forgotten() {
    let bench = demo();
    done(&bench, &["extract"]);
    let patient = patients(&bench).remove(1);
    let grant = done(&bench, &["grants", "list"]).events().remove(1);
    let handle = grant["grant"]
        .as_str()
        .unwrap_or_else(|| grant["handle"].as_str().unwrap());
    let landed = crate::forget::scene::landed(&bench.path().join("d"));
    let person = landed
        .iter()
        .find(|one| one["id"] == patient.as_str())
        .unwrap();
    let identifiers = person["identifier"].as_array().unwrap();
    let is_mbi = |one: &&Value| one["system"].as_str().unwrap().ends_with("us-mbi");
    let mbi = identifiers.iter().find(is_mbi).unwrap()["value"]
        .as_str()
        .unwrap();
    let typed = format!("v2:{patient}");
    let show = |id: &str| run(&bench, &["access-log", "show", "--patient", id]);
    for id in [&patient, &typed, handle, mbi] {
        let shown = show(id).exits(0);
        let lines = shown.events();
        assert_eq!(lines.len(), 2, "{}", shown.stdout);
        for line in lines {
            assert_eq!(line["handle"], handle);
            assert_eq!(
                (&line["command"], &line["action"]),
                (&"extract".into(), &"pulled".into())
            );
            assert!(line["who"].as_str().unwrap().starts_with("uid "), "{line}");
            assert!(line["at"].is_string() && line["hash"].is_string(), "{line}");
        }
        assert!(!shown.stderr.contains(mbi), "{}", shown.stderr);
    }
    let nobody = show("nobody").exits(2);
    nobody.fails_with("grants list");
    done(&bench, &["forget", "--yes", "--offline", &patient]);
    for id in [&patient, &typed] {
        let lines = show(id).events();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["action"], "forgotten");
        assert!(lines.iter().all(|line| line["handle"].is_null()));
    }
    let by_mbi = show(mbi);
    assert_eq!(
        (by_mbi.exit, by_mbi.stdout.as_str()),
        (0, ""),
        "{}",
        by_mbi.stderr
    );
    by_mbi.says("by patient id");
    done(&bench, &["access-log", "verify"]);
}
