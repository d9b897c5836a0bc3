//! A removal that was killed: whatever command comes next ends it or refuses, and nobody comes back.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::files::{copy_folder, files};
use crate::forget::scene::{DATA, Scene, command, done, landed, reference_of};
use crate::servers::Sandbox;

/// Where a removal can be killed, in its order.
const PLACES: [&str; 14] = [
    "intent",
    // While the lake is published without the patient.
    "begin building tables",
    "end building tables",
    "lake",
    "staged",
    "recordings",
    "before-records",
    "records",
    "parts",
    "manifest",
    "rejected",
    "landing",
    "vault",
    "end",
];

fn kill_at(scene: &Scene, data: &str, place: &str, environment: &[(&str, &str)]) {
    let flags = ["--pipeline", "small.toml", "--data", data, "forget"];
    let asked = ["--yes", &scene.patient];
    let mut killed = scene.bench.command(&[&flags[..], &asked[..]].concat());
    killed.env("CLAIMLAKE_CRASH_AT", place);
    killed.envs(environment.iter().copied());
    let killed = Ended::of(&mut killed);
    assert_eq!(killed.exit, -1, "{place}: {}", killed.stderr);
}

fn holds(scene: &Scene, data: &str, why: &str) {
    assert_eq!(scene.traces(data), [""; 0], "{why}");
    let verified = command(&scene.bench, data, &["verify"]);
    let said = format!("{}{}", verified.stdout, verified.stderr);
    assert_eq!(verified.exit, 0, "{why}: {said}");
    let status = done(&scene.bench, data, &["--json", "status"]).summary();
    assert_eq!(status["removals"]["open"], 0, "{why}");
}

#[test]
fn every_command_that_writes_ends_a_removal_that_was_killed_at_any_place() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    scene.bench.write("nothing.ndjson", "");
    // The exit codes of a removal that was just ended: nothing is left that these could do.
    let forget = ["forget", "--yes", &scene.patient];
    let commands: [(&[&str], i32); 11] = [
        (&["run"], 0),
        (&["transform", "--full"], 0),
        (&["load", "--rebuild"], 1),
        (&["extract"], 0),
        (&["run", "--from", "transform"], 0),
        (&["import", "--api", "v2", "last.ndjson"], 0),
        (&["snapshots", "rollback", "1"], 1),
        (&["grants", "export", "--reveal-secrets"], 0),
        (&["grants", "import", "nothing.ndjson"], 2),
        (&["forget", "--finish"], 0),
        (&forget, 0),
    ];
    for (number, place) in PLACES.into_iter().enumerate() {
        let killed = format!("killed-{place}");
        scene.copy(&killed);
        kill_at(&scene, &killed, place, &[]);
        // All of them where the lake is without the patient and landing is not; else two in turn,
        // and the same removal again.
        let [first, second] = [0, 1].map(|turn| commands[(2 * number + turn) % commands.len()]);
        let in_turn = [first, second, commands[10]];
        let chosen = match place {
            "staged" => &commands[..],
            _ => &in_turn,
        };
        for (arguments, exit) in chosen.iter().copied() {
            let why = format!("{place}, then {arguments:?}");
            copy_folder(&scene.data(&killed), &scene.data("next"));
            let ended = command(&scene.bench, "next", arguments);
            // One resource of this scene is rejected whenever all is read again.
            let is_as_expected = ended.exit == exit || (exit == 0 && ended.exit == 3);
            assert!(is_as_expected, "{why}: {} {}", ended.exit, ended.stderr);
            if place != "end" {
                let said = "1 removal that had been interrupted";
                assert!(ended.stderr.contains(said), "{why}: {}", ended.stderr);
            }
            assert!(!scene.mentions(ended.stderr.as_bytes()), "{why}");
            holds(&scene, "next", &why);
            assert_eq!(scene.rows_of_others("next"), before, "{why}");
            fs::remove_dir_all(scene.data("next")).unwrap();
        }
        fs::remove_dir_all(scene.data(&killed)).unwrap();
    }
}

#[test]
fn without_the_key_nothing_is_written_and_the_removal_is_named() {
    let scene = Scene::new();
    kill_at(&scene, DATA, "staged", &[]);
    let before = scene.rows_of_others(DATA);
    let without_key = |arguments: &[&str]| {
        let flags = ["--pipeline", "small.toml", "--data", DATA];
        let mut command = scene.bench.command(&[&flags, arguments].concat());
        Ended::of(command.env("XDG_CONFIG_HOME", scene.bench.path().join("no-key")))
    };
    for arguments in [
        &["transform", "--full"][..],
        &["load", "--rebuild"],
        &["run", "--from", "transform"],
        &["snapshots", "rollback", "1"],
        &["import", "--api", "v2", "more.ndjson"],
    ] {
        let refused = without_key(arguments).exits(2);
        let line = refused.error_line();
        for said in ["removal of a patient", "key", "forget --finish"] {
            assert!(line.contains(said), "{arguments:?}: {said}: {line}");
        }
        assert_eq!(scene.rows_of_others(DATA), before, "{arguments:?}");
    }
    let status = without_key(&["status"]).exits(0);
    let page = &status.stdout;
    assert!(page.contains("removals   of a patient, begun "), "{page}");
    assert!(page.contains("an interrupted removal:"), "{page}");
    let verified = without_key(&["--json", "verify"]).exits(1);
    let summary = verified.summary();
    let checks = summary["verify"]["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "removals");
    let check = check.unwrap();
    assert_eq!(
        (&check["failed"], &check["severity"]),
        (&1.into(), &"hard".into())
    );

    // What verify advises, word by word.
    let repair = summary["verify"]["repair"].as_array().unwrap();
    let advised = repair.last().unwrap().as_str().unwrap();
    let advised = advised.strip_prefix("claimlake ").unwrap();
    let advised: Vec<&str> = advised.split(' ').collect();
    let ended = scene.bench.done(&advised);
    ended.says("1 removal that had been");
    holds(&scene, DATA, "after the advice");
    let again = scene.bench.done(&advised);
    again.says("no removal was interrupted");
}

#[test]
fn the_data_directory_may_move_and_the_lake_be_named_elsewhere_before_a_removal_is_ended() {
    let scene = Scene::new();
    scene.copy("before");
    kill_at(&scene, "before", "intent", &[]);
    fs::rename(scene.data("before"), scene.data("moved")).unwrap();
    done(&scene.bench, "moved", &["run", "--from", "transform"]);
    holds(&scene, "moved", "moved");

    // Begun with a lake elsewhere, ended by somebody whose pipeline names none.
    let elsewhere = scene.bench.path().join("elsewhere");
    fs::rename(scene.data(DATA).join("lake"), &elsewhere).unwrap();
    let named = [("CLAIMLAKE_LOAD_DIR", elsewhere.to_str().unwrap())];
    kill_at(&scene, DATA, "intent", &named);
    done(&scene.bench, DATA, &["extract"]);
    assert_eq!(scene.traces("elsewhere"), [""; 0]);
    holds(&scene, DATA, "elsewhere");
}

#[test]
fn a_rekey_keeps_an_open_removal_and_another_removal_ends_it_first() {
    let scene = Scene::new();
    kill_at(&scene, DATA, "landing", &[]);
    done(&scene.bench, DATA, &["vault", "rekey"]);
    let status = done(&scene.bench, DATA, &["--json", "status"]).summary();
    assert_eq!(status["removals"]["open"], 1);
    let listed = done(&scene.bench, DATA, &["grants", "list"]).stdout;
    let grants = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut patients = grants.map(|grant| grant["patient"].as_str().unwrap().to_owned());
    let other = patients.find(|patient| *patient != scene.patient).unwrap();
    done(&scene.bench, DATA, &["forget", "--yes", &other]);
    holds(&scene, DATA, "forgotten after another");
    let patients = landed(&scene.data(DATA));
    assert!(patients.iter().all(|one| one["id"] != other.as_str()));
}

#[test]
fn a_removal_that_a_load_began_and_a_kill_cut_off_is_ended_by_the_next_run() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "3"]);
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    assert_eq!(run(&["run"]).exit, 0);
    let exported = run(&["grants", "export", "--reveal-secrets"]).stdout;
    let first = exported.lines().next().unwrap();
    let grant: Value = serde_json::from_str(first).unwrap();
    let patient = grant["patient"].as_str().unwrap();
    assert_eq!(run(&["grants", "revoke", patient]).exit, 0);
    let mut load = sandbox.command(&bench, &["load"]);
    load.env("CLAIMLAKE_EXTRACT_ON_REVOKED", "forget_after 0 days");
    let killed = Ended::of(load.env("CLAIMLAKE_CRASH_AT", "lake"));
    assert_eq!(killed.exit, -1, "{}", killed.stderr);

    // A new consent of theirs comes after the removal, which must not take it away.
    bench.write("again.ndjson", first);
    let again = run(&["--json", "grants", "import", "--again", "again.ndjson"]).exits(0);
    assert_eq!(again.summary()["removals_ended"], 1);
    assert_eq!(again.summary()["report"]["inserted"], 1);
    let of_patient = format!("Patient/{patient}");
    let landed = landed(&bench.path().join("d"));
    assert!(!landed.is_empty());
    assert!(landed.iter().all(|one| reference_of(one) != of_patient));
    assert_eq!(run(&["grants", "list"]).stdout.lines().count(), 2);
    assert_eq!(run(&["verify"]).exit, 0);
}

#[test]
fn a_landing_that_cannot_be_searched_keeps_the_removal_open() {
    let scene = Scene::new();
    kill_at(&scene, DATA, "lake", &[]);
    let manifests = files(&scene.data(DATA).join("landing"));
    let is_manifest = |path: &&std::path::PathBuf| path.ends_with("manifest.json");
    let manifest = manifests.iter().find(is_manifest).unwrap();
    let whole = fs::read(manifest).unwrap();
    fs::write(manifest, "{").unwrap();
    let refused = command(&scene.bench, DATA, &["run"]).exits(1);
    let line = refused.error_line();
    assert!(line.contains("manifest.json"), "{line}");
    assert!(line.contains("forget --finish"), "{line}");
    fs::write(manifest, whole).unwrap();
    done(&scene.bench, DATA, &["run"]);
    holds(&scene, DATA, "with the manifest again");
}
