//! A vault that is lost, and data directories that never had one.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended, a_patient};
use crate::files::mode;

const DATA: &[&str] = &["--pipeline", "p.toml", "--data", "d"];

pub(crate) fn arguments<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [DATA, arguments].concat()
}

pub(crate) fn run(bench: &Bench, command: &[&str]) -> Ended {
    bench.run(&arguments(command))
}

pub(crate) fn done(bench: &Bench, command: &[&str]) -> Ended {
    bench.done(&arguments(command))
}

/// Three people of the demo, all of it done once.
pub(crate) fn demo() -> Bench {
    let bench = Bench::new();
    bench.write("p.toml", &crate::demo::pipeline("v2"));
    done(&bench, &["run"]);
    bench
}

pub(crate) fn patients(bench: &Bench) -> Vec<String> {
    let listed = done(bench, &["grants", "list"]).stdout;
    let patient = |line: &str| {
        let grant: Value = serde_json::from_str(line).unwrap();
        grant["patient"].as_str().unwrap().to_owned()
    };
    listed.lines().map(patient).collect()
}

/// Removes files of the data directory, once nothing holds its vault open.
pub(crate) fn remove(bench: &Bench, names: &[&str]) {
    wait_for_broker(bench);
    for name in names {
        let _ = fs::remove_file(bench.path().join("d").join(name));
    }
}

/// Waits until the broker that the last command started has gone: it holds the vault open.
pub(crate) fn wait_for_broker(bench: &Bench) {
    crate::files::wait_for_broker(&bench.path().join("d"));
}

/// Puts copies in the place of files, as somebody does who restores a backup.
pub(crate) fn put_back(bench: &Bench, names: &[(&str, &str)]) {
    remove(bench, SIDES);
    for (from, to) in names {
        fs::copy(bench.path().join(from), bench.path().join(to)).unwrap();
    }
}

pub(crate) const SIDES: &[&str] = &["vault.db-wal", "vault.db-shm"];

#[test]
fn a_forgotten_person_is_not_imported_again_where_the_vault_is_lost() {
    let bench = demo();
    let patient = patients(&bench).remove(0);
    let of_patient = format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"{patient}\",\"meta\":{{\"lastUpdated\":\"2026-01-01T00:00:00Z\"}}}}\n"
    );
    bench.write("back.ndjson", &of_patient);
    done(&bench, &["vault", "backup", "before.db"]);
    done(&bench, &["forget", "--yes", "--offline", &patient]);
    done(&bench, &["vault", "backup", "copy.db"]);
    let import = ["import", "--api", "v2", "back.ndjson"];
    let everything: [&[&str]; 12] = [
        &import,
        &["extract"],
        &["run"],
        &["load"],
        &["forget", "--yes", "somebody"],
        &["grants", "list"],
        &["grants", "import", "back.ndjson"],
        &["access-log", "verify"],
        &["verify"],
        &["vault", "rekey"],
        &["vault", "backup", "other.db"],
        &["token", "somebody"],
    ];
    let landing = || fs::read_dir(bench.path().join("d/landing/api=v2/resource=Patient"));
    let runs_before = landing().unwrap().count();
    for (found, lose) in [("vault.db is empty", true), ("vault.db is missing", false)] {
        remove(&bench, SIDES);
        remove(&bench, &["vault.db"]);
        if lose {
            fs::write(bench.path().join("d/vault.db"), "").unwrap();
        }
        for command in everything {
            let ended = run(&bench, command);
            assert!(
                [1, 2].contains(&ended.exit),
                "{command:?}: {}",
                ended.stderr
            );
            let said = ended.error_line();
            assert!(said.contains(found), "{command:?}: {said}");
            let next = "`claimlake --pipeline p.toml --data d vault new`";
            assert!(said.contains(next), "{command:?}: {said}");
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        }
        assert_eq!(landing().unwrap().count(), runs_before);
        let status = run(&bench, &["status"]).stdout;
        assert!(
            status.contains("unreadable vault: the vault of"),
            "{status}"
        );
        let doctor = run(&bench, &["doctor"]).exits(1);
        doctor.prints(found);
    }
    // A backup from before they were forgotten: the access log knows better.
    put_back(&bench, &[("before.db", "d/vault.db")]);
    let refused = done(&bench, &[&["--json"], &import[..]].concat());
    assert_eq!(refused.summary()["import"]["forgotten"], 1);
    refused.says("older than the access log");
    remove(&bench, SIDES);
    // The first way on: the backup is put back, and refuses them as before.
    fs::copy(
        bench.path().join("copy.db"),
        bench.path().join("d/vault.db"),
    )
    .unwrap();
    let refused = done(&bench, &[&["--json"], &import[..]].concat());
    assert_eq!(refused.summary()["import"]["forgotten"], 1);
    done(&bench, &["verify"]);
    // The other one, where there is no backup: said to lose what it loses, and never by mistake.
    let unasked = run(&bench, &["vault", "new", "--yes"]).exits(2);
    assert!(unasked.error_line().contains("there is a vault here"));
    remove(&bench, SIDES);
    remove(&bench, &["vault.db"]);
    let asked = run(&bench, &["vault", "new"]).exits(2);
    assert!(asked.error_line().contains("who was forgotten here"));
    let new = done(&bench, &["vault", "new", "--yes"]);
    new.says("it knows nobody");
    done(&bench, &["access-log", "verify"]);
    done(&bench, &["run"]);
    done(&bench, &["verify"]);
}

#[test]
fn a_directory_that_was_only_imported_into_needs_no_vault_and_none_is_made() {
    let bench = Bench::new();
    bench.write("p.toml", &crate::demo::pipeline("v2"));
    bench.write("people.ndjson", &a_patient("-1"));
    let import = ["import", "--api", "v2", "people.ndjson"];
    done(&bench, &import);
    done(&bench, &["run", "--from", "transform"]);
    // The history of runs is no vault; without it, or with nothing of it, all goes on.
    for lose in [true, false] {
        remove(&bench, SIDES);
        remove(&bench, &["vault.db"]);
        if lose {
            fs::write(bench.path().join("d/vault.db"), "").unwrap();
        }
        done(&bench, &import);
        done(&bench, &["run", "--from", "transform"]);
        done(&bench, &["verify"]);
    }
    assert!(!bench.path().join("config/claimlake/keys").exists());
    assert!(!bench.path().join("d/vault.id").exists());
    done(&bench, &["extract"]);
    let id = fs::read_to_string(bench.path().join("d/vault.id")).unwrap();
    assert!(id.starts_with('v'), "{id}");
    assert_eq!(mode(&bench.path().join("d/vault.id")), 0o600);
}

#[test]
fn landing_and_lake_copied_without_their_vault_are_made_into_tables_all_the_same() {
    let bench = demo();
    wait_for_broker(&bench);
    let before = rows_of(&bench, "extract_status");
    assert!(before > 0);
    remove(&bench, SIDES);
    remove(
        &bench,
        &["vault.db", "vault.id", "vault.lock", "access.log"],
    );
    let status = run(&bench, &["status"]).stdout;
    let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
    let next = "put vault.db back; where it is lost for good: claimlake --pipeline p.toml --data d vault new";
    assert!(status.contains(next), "{status}");
    assert!(!status.contains("--data d verify"), "{status}");
    done(&bench, &["transform", "--full"]);
    done(&bench, &["load", "--rebuild"]);
    done(&bench, &["run", "--from", "transform"]);
    let verified = done(&bench, &["verify"]).stderr;
    assert!(
        verified.contains("not compared: vault.db is missing"),
        "{verified}"
    );
    assert_eq!(rows_of(&bench, "extract_status"), before);
    // What would add to it needs to know who was forgotten.
    let refused = run(&bench, &["extract"]);
    refused.fails_with("vault new");
}

#[test]
fn a_lake_alone_shows_that_there_was_a_vault_wherever_it_lies() {
    for (dir, shown_by) in [
        ("d/lake", "lake/snapshots/1/extract_status"),
        ("lake", "lake/snapshots/1"),
    ] {
        let bench = Bench::new();
        let lake = bench.path().join(dir);
        let pipeline = crate::demo::pipeline("v2");
        let load = format!("[load]\ndir = \"{}\"", lake.display());
        assert!(pipeline.contains("[load]"), "{pipeline}");
        bench.write("p.toml", &pipeline.replace("[load]", &load));
        done(&bench, &["run"]);
        wait_for_broker(&bench);
        let kept = bench.path().join("kept");
        fs::rename(&lake, &kept).unwrap();
        fs::remove_dir_all(bench.path().join("d")).unwrap();
        fs::create_dir(bench.path().join("d")).unwrap();
        fs::rename(&kept, &lake).unwrap();
        bench.write("one.ndjson", &a_patient("-1"));
        let import = ["import", "--api", "v2", "one.ndjson"];
        for command in [&["run"][..], &["extract"], &import] {
            let refused = run(&bench, command).exits(1);
            let said = refused.error_line();
            assert!(
                said.contains(shown_by) && said.contains("vault new"),
                "{said}"
            );
            assert!(!bench.path().join("d/vault.id").exists());
        }
        done(&bench, &["vault", "new", "--yes"]);
        done(&bench, &import);
        done(&bench, &["extract"]);
    }
}

#[test]
fn a_key_that_is_lost_is_what_comes_next() {
    let bench = demo();
    wait_for_broker(&bench);
    fs::remove_dir_all(bench.path().join("config/claimlake/keys")).unwrap();
    let status = run(&bench, &["status"]).stdout;
    assert!(
        status.contains("the vault's key, as above: put it back"),
        "{status}"
    );
    assert!(!status.contains("--data d verify"), "{status}");
}

/// Rows of a table, as `status` says.
fn rows_of(bench: &Bench, table: &str) -> u64 {
    let status = done(bench, &["--json", "status"]).summary();
    status["lake"]["rows"][table].as_u64().unwrap()
}
