//! The advice of messages: followed as it is written, it works.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::command::{
    Bench, Ended, a_patient, binary, in_environment_of, path_of_binary, repository, skipped,
};
use crate::servers::Sandbox;

/// The commands that a message names, in their order.
fn commands_in(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("claimlake --") {
        rest = &rest[at..];
        let end = rest.find([',', ';', '\n', '`']).unwrap_or(rest.len());
        commands.push(rest[..end].trim().to_owned());
        rest = &rest[end..];
    }
    commands
}

/// Runs a command as a shell would, with the environment of another.
fn follow(command: &str, like: &Command) -> Ended {
    let mut shell = in_environment_of(like, "sh");
    Ended::of(shell.args(["-c", command]).env("PATH", path_of_binary()))
}

/// A lake with two snapshots, rolled back to the first.
fn rolled_back() -> Bench {
    let bench = Bench::new();
    for (number, patient) in [(1, "-7"), (2, "-8")] {
        let run = bench.load("d", "patient.ndjson", &a_patient(patient));
        assert_eq!(run.summary()["load"]["snapshot"], number);
    }
    bench.done(&["--data", "d", "snapshots", "rollback", "1"]);
    bench
}

fn patients(bench: &Bench) -> u64 {
    let path = bench.path().join("d/lake/current/manifest.json");
    let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let mut tables = manifest["tables"].as_array().unwrap().iter();
    let patient = tables.find(|table| table["layout"]["name"] == "patient");
    let files = patient.unwrap()["files"].as_array().unwrap().iter();
    files.map(|file| file["rows"].as_u64().unwrap()).sum()
}

#[test]
fn a_load_on_a_pinned_lake_says_how_to_go_on_and_that_works() {
    let bench = rolled_back();
    let refused = bench.run(&["--data", "d", "load"]).exits(1);
    assert_eq!(patients(&bench), 1);
    let commands = commands_in(refused.error_line());
    assert_eq!(
        commands,
        [
            "claimlake --data d transform",
            "claimlake --data d load --unpin"
        ]
    );
    for command in commands {
        follow(&command, &bench.command(&[])).exits(0);
    }
    assert_eq!(patients(&bench), 2);
}

#[test]
fn a_run_on_a_pinned_lake_says_so_first_keeps_what_it_staged_and_says_how_to_go_on() {
    let bench = rolled_back();
    let ended = bench
        .run(&["--data", "d", "run", "--from", "transform"])
        .exits(1);
    let first = ended.stderr.lines().next().unwrap();
    assert!(
        first.starts_with("warning: the lake is pinned to snapshot 1"),
        "{first}"
    );
    for said in [first, ended.error_line()] {
        assert_eq!(commands_in(said), ["claimlake --data d load --unpin"]);
    }
    follow("claimlake --data d load --unpin", &bench.command(&[])).exits(0);
    assert_eq!(patients(&bench), 2);
}

#[test]
fn letting_a_lake_go_on_before_the_transform_says_what_is_missing_yet() {
    let bench = rolled_back();
    let ended = bench.done(&["--data", "d", "load", "--unpin"]);
    assert_eq!(patients(&bench), 1);
    let next = ended.stderr.split_once("  next ").unwrap().1;
    let commands = commands_in(next);
    assert_eq!(
        commands,
        ["claimlake --data d transform", "claimlake --data d load"]
    );
    for command in commands {
        assert_eq!(follow(&command, &bench.command(&[])).exit, 0, "{command}");
    }
    assert_eq!(patients(&bench), 2);
}

/// What an extraction says comes next.
fn next_of(ended: &Ended) -> Vec<String> {
    let next = ended.stderr.split_once("\n  next ");
    commands_in(
        next.unwrap_or_else(|| panic!("no next: {}", ended.stderr))
            .1,
    )
}

#[test]
fn after_consents_that_ended_the_next_command_is_about_consents() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "2"]);
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    let end_elsewhere = |line: &str| {
        bench.write("one.ndjson", &format!("{line}\n"));
        let grant: Value = serde_json::from_str(line).unwrap();
        let patient = grant["patient"].as_str().unwrap();
        run(&["--data", "e", "grants", "import", "one.ndjson"]).exits(0);
        run(&["--data", "e", "grants", "revoke", patient]).exits(0);
    };
    sandbox.consent(&bench);
    sandbox.consent(&bench);
    let grants = run(&["grants", "export", "--reveal-secrets"]).stdout;
    let grants: Vec<&str> = grants.lines().collect();
    end_elsewhere(grants[0]);
    // The other one landed.
    let some = run(&["extract"]).exits(4);
    let flags = "claimlake --pipeline blue_button --data d";
    let list = format!("{flags} grants list --state needs-consent");
    let authorize = format!("{flags} authorize");
    assert_eq!(
        next_of(&some),
        [
            list.clone(),
            authorize.clone(),
            format!("{flags} transform")
        ]
    );
    let listed = follow(&list, &sandbox.command(&bench, &[])).exits(0);
    assert_eq!(listed.stdout.lines().count(), 1);
    run(&["run", "--from", "transform"]).exits(0);
    // Now there is nothing to transform.
    let none = run(&["extract"]).exits(4);
    assert_eq!(next_of(&none), [list, authorize]);
}

/// A recording whose claims are changed by `change`.
fn recording(bench: &Bench, name: &str, change: impl Fn(&mut Value)) {
    let folder = bench.path().join(name);
    fs::create_dir_all(&folder).unwrap();
    let from = repository().join("fixtures/recordings/v2");
    fs::copy(from.join("catalogue.json"), folder.join("catalogue.json")).unwrap();
    let text = fs::read(from.join("exchanges.ndjson.zst")).unwrap();
    let text = String::from_utf8(zstd::decode_all(&*text).unwrap()).unwrap();
    let mut changed = String::new();
    for line in text.lines() {
        let mut exchange: Value = serde_json::from_str(line).unwrap();
        if exchange["path"]
            .as_str()
            .unwrap()
            .ends_with("ExplanationOfBenefit")
        {
            let mut bundle: Value =
                serde_json::from_str(exchange["body"].as_str().unwrap()).unwrap();
            change(&mut bundle);
            exchange["body"] = bundle.to_string().into();
        }
        changed.push_str(&format!("{exchange}\n"));
    }
    let packed = zstd::encode_all(changed.as_bytes(), 1).unwrap();
    fs::write(folder.join("exchanges.ndjson.zst"), packed).unwrap();
}

fn extract_from(bench: &Bench, name: &str) -> Ended {
    let mut command = bench.command(&["--json", "--data", &format!("d-{name}"), "extract"]);
    command
        .env("CLAIMLAKE_SOURCE_API", "v2")
        .env("CLAIMLAKE_SOURCE_REPLAY", bench.path().join(name))
        .env("CLAIMLAKE_EXTRACT_PAGE_SIZE", "4");
    Ended::of(&mut command)
}

#[test]
fn what_came_in_the_place_of_claims_is_not_taken_for_a_patient_of_part_c() {
    let bench = Bench::new();
    let note = r#"{"search":{"mode":"outcome"},"resource":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing"}]}}"#;
    let cases: [(&str, &str, u64, Option<&str>); 5] = [
        ("none", "[]", 0, None),
        (
            "note",
            &format!("[{note}]"),
            2,
            Some("something went wrong"),
        ),
        (
            "blank",
            r#"[{"fullUrl":"urn:uuid:1"}]"#,
            2,
            Some("without a resource"),
        ),
        ("null", "[null]", 2, Some("without a resource")),
        (
            "nothing",
            r#"[{"resource":null}]"#,
            2,
            Some("without a resource"),
        ),
    ];
    for (name, entries, suspect, reason) in cases {
        recording(&bench, name, |bundle| {
            bundle["entry"] = serde_json::from_str(entries).unwrap();
            bundle["total"] = 0.into();
        });
        let ended = extract_from(&bench, name);
        let outcome = &ended.summary()["extract"]["outcome"];
        let none_served = &outcome["without_claims"]["none_served"];
        assert_eq!(*none_served, 2 - suspect, "{name}: {outcome}");
        match reason {
            None => assert_eq!(ended.exit, 0, "{name}: {}", ended.stderr),
            Some(reason) => {
                assert_eq!(ended.exit, 1, "{name}: {}", ended.stderr);
                assert_eq!(outcome["by_state"]["suspect_empty"], suspect, "{name}");
                assert!(
                    ended.error_line().contains(reason),
                    "{name}: {}",
                    ended.stderr
                );
            }
        }
    }
}

#[test]
fn claims_without_a_usable_id_all_land_and_are_said_to_make_no_rows() {
    let bench = Bench::new();
    for (name, id) in [
        ("absent", None),
        ("empty", Some("\"\"")),
        ("number", Some("7")),
        ("null", Some("null")),
    ] {
        recording(&bench, name, |bundle| {
            for entry in bundle["entry"].as_array_mut().unwrap() {
                let resource = entry["resource"].as_object_mut().unwrap();
                resource.remove("id");
                if let Some(id) = id {
                    resource.insert("id".into(), serde_json::from_str(id).unwrap());
                }
            }
        });
        let ended = extract_from(&bench, name);
        assert_eq!(ended.exit, 0, "{name}: {}", ended.stderr);
        let outcome = &ended.summary()["extract"]["outcome"];
        // Each of the five has another content, and none may push another one out.
        assert_eq!(
            outcome["landed"]["ExplanationOfBenefit"], 5,
            "{name}: {outcome}"
        );
        assert_eq!(outcome["anomalies"]["without_id"], 5, "{name}: {outcome}");
        assert_eq!(outcome["anomalies"]["two_bodies"], 0, "{name}: {outcome}");
    }
}

/// Runs a script where a file system is mounted read-only at `m`, if that can be done here.
fn on_a_read_only_file_system(bench: &Bench, arguments: &[&str]) -> Option<Ended> {
    let folder = bench.path().join("m");
    fs::create_dir_all(&folder).unwrap();
    let script = "mount -t tmpfs tmpfs m && { [ ! -d d ] || cp -a d m/d; } && \
                  mount -o remount,ro m || exit 99; exec \"$0\" \"$@\"";
    let mut command = bench.program("unshare");
    command.args(["-rm", "sh", "-c", script]);
    command.arg(binary()).args(arguments);
    let could_start = Path::new("/usr/bin/unshare").exists() || Path::new("/bin/unshare").exists();
    let ended = could_start.then(|| Ended::of(&mut command));
    ended.filter(|ended| ended.exit != 99 && !ended.stderr.contains("unshare: "))
}

#[test]
fn a_read_only_file_system_is_not_explained_as_a_wrong_owner() {
    let bench = Bench::new();
    bench.load("d", "patient.ndjson", &a_patient("-7"));
    for arguments in [
        &["--data", "m/d", "run"][..],
        &["--data", "m/d", "import", "--api", "v2", "patient.ndjson"],
        &["--data", "m/d", "transform", "--full"],
        &["--data", "m/d", "load"],
        &["--data", "m/d", "snapshots", "rollback", "1"],
        &["--data", "m/d", "forget", "-7", "--yes", "--offline"],
        &["--data", "m/d", "report"],
        &["--data", "m/new", "run"],
        &["sandbox", "generate", "--output", "m/people.ndjson"],
    ] {
        let Some(ended) = on_a_read_only_file_system(&bench, arguments) else {
            skipped("no file system can be mounted here (unshare -rm)");
            return;
        };
        assert_ne!(ended.exit, 0, "{arguments:?}");
        let error = ended.error_line();
        assert!(
            error.contains("mounted read-only"),
            "{arguments:?}: {error}"
        );
        for wrong in ["owner", "free space", "must be writable"] {
            assert!(!error.contains(wrong), "{arguments:?}: {error}");
        }
    }
}
