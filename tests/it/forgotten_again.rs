//! Forgotten people and what was away or put back: a lake that is not mounted, a vault or a lake from
//! before the removal. Nobody stays without a word, and what is advised removes them.

use std::fs;

use serde_json::Value;

use crate::command::Ended;
use crate::files::{copy_folder, files, wait_for_broker};
use crate::forget::scene::{DATA, Scene, command, done};

/// What verify finds wrong, by check, and the command that it advises last, without its name.
fn verified(scene: &Scene) -> (Vec<String>, Vec<String>) {
    let verified = command(&scene.bench, DATA, &["--json", "verify"]);
    let summary = verified.summary();
    let checks = summary["verify"]["checks"].as_array().unwrap();
    let is_wrong = |check: &&Value| check["severity"] == "hard" && check["failed"] != 0;
    let wrong = checks.iter().filter(is_wrong);
    let wrong: Vec<String> = wrong
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(verified.exit == 0, wrong.is_empty(), "{}", verified.stderr);
    assert!(!scene.mentions(verified.stdout.as_bytes()));
    let repair = summary["verify"]["repair"].as_array().unwrap().iter();
    let repair = repair.map(|step| step.as_str().unwrap().to_owned());
    (wrong, repair.collect())
}

/// Runs what is advised, word by word.
fn follow(scene: &Scene, advice: &str) -> Ended {
    let words: Vec<&str> = advice.split(' ').skip(1).collect();
    scene.bench.done(&words)
}

fn is_gone(scene: &Scene) {
    assert_eq!(scene.traces(DATA), [""; 0]);
    assert_eq!(verified(scene), (Vec::new(), Vec::new()));
}

fn open_removals(scene: &Scene) -> Value {
    let status = done(&scene.bench, DATA, &["--json", "status"]).summary();
    status["removals"]["open"].clone()
}

#[test]
fn a_removal_stays_open_while_its_lake_is_away_and_ends_when_it_is_back() {
    let scene = Scene::new();
    let flags = ["--pipeline", "small.toml", "--data", DATA, "forget"];
    let mut killed = scene
        .bench
        .command(&[&flags[..], &["--yes", &scene.patient]].concat());
    let killed = Ended::of(killed.env("CLAIMLAKE_CRASH_AT", "intent"));
    assert_eq!(killed.exit, -1, "{}", killed.stderr);
    let (lake, away) = (scene.data(DATA).join("lake"), scene.data("away"));
    for has_mount_point in [false, true] {
        fs::rename(&lake, &away).unwrap();
        if has_mount_point {
            fs::create_dir(&lake).unwrap();
        }
        for arguments in [
            &["forget", "--finish"][..],
            &["run"],
            &["-q", "run", "--from", "transform"],
            &["load", "--rebuild"],
            &["forget", "--yes", &scene.patient],
        ] {
            let refused = command(&scene.bench, DATA, arguments).exits(1);
            let line = refused.error_line();
            for said in ["is not there", "mount it", "forget --finish --without-lake"] {
                assert!(line.contains(said), "{arguments:?}: {said}: {line}");
            }
            assert_eq!(open_removals(&scene), 1, "{arguments:?}");
        }
        if has_mount_point {
            fs::remove_dir(&lake).unwrap();
        }
        fs::rename(&away, &lake).unwrap();
    }
    done(&scene.bench, DATA, &["run"]);
    is_gone(&scene);
}

#[test]
fn a_lake_that_is_gone_for_good_is_left_out_only_when_asked_for_and_found_when_it_is_back() {
    let scene = Scene::new();
    let (lake, away) = (scene.data(DATA).join("lake"), scene.data("away"));
    fs::rename(&lake, &away).unwrap();
    let forget = ["forget", "--yes", scene.patient.as_str()];
    let refused = command(&scene.bench, DATA, &forget).exits(1);
    refused.fails_with("the same with --without-lake");
    assert_eq!(open_removals(&scene), 0);
    assert!(!scene.traces(DATA).is_empty());

    let without = [&forget[..], &["--without-lake"]].concat();
    let forgotten = done(&scene.bench, DATA, &without);
    let said = "warning: the lake ";
    forgotten.says(said);
    assert_eq!(scene.traces(DATA), [""; 0]);
    // It was not gone for good: whoever is only in the lake is found by name.
    fs::rename(&away, &lake).unwrap();
    let (wrong, _) = verified(&scene);
    assert!(wrong.contains(&"forgotten".to_owned()), "{wrong:?}");
    let named = format!("v2:{}", scene.patient);
    done(&scene.bench, DATA, &["forget", "--yes", &named]);
    is_gone(&scene);
}

#[test]
fn a_lake_put_back_from_before_is_named_by_load_and_verify_and_cleaned_by_the_advice() {
    let scene = Scene::new();
    copy_folder(&scene.data(DATA).join("lake"), &scene.data("before"));
    done(&scene.bench, DATA, &["forget", "--yes", &scene.patient]);
    let lake = scene.data(DATA).join("lake");
    fs::remove_dir_all(&lake).unwrap();
    fs::create_dir(&lake).unwrap();
    let snapshots = scene.data("before").join("snapshots");
    copy_folder(&snapshots, &lake.join("snapshots"));
    let newest = fs::read_dir(&snapshots).unwrap().count();
    let current = format!("snapshots/{newest}");
    std::os::unix::fs::symlink(current, lake.join("current")).unwrap();
    let ran = command(&scene.bench, DATA, &["-q", "run"]).exits(0);
    let said = "warning: the lake holds 1 patient who was forgotten";
    ran.says(said);
    let (wrong, repair) = verified(&scene);
    assert!(wrong.contains(&"forgotten".to_owned()), "{wrong:?}");
    let last = repair.last().unwrap();
    assert!(last.ends_with("forget --finish"), "{repair:?}");
    assert_eq!(repair.len(), 1, "{repair:?}");
    let finished = follow(&scene, last);
    let said = "1 patient who had been forgotten before";
    finished.says(said);
    is_gone(&scene);
    let again = follow(&scene, last);
    let said = "nobody who was forgotten is here";
    again.says(said);
}

#[test]
fn a_vault_put_back_from_before_is_named_each_time_and_cleaned_by_the_advice() {
    let scene = Scene::new();
    scene
        .bench
        .done(&["--data", DATA, "vault", "backup", "before.db"]);
    done(&scene.bench, DATA, &["forget", "--yes", &scene.patient]);
    wait_for_broker(&scene.data(DATA));
    fs::copy(scene.data("before.db"), scene.data(DATA).join("vault.db")).unwrap();
    for side in ["vault.db-wal", "vault.db-shm"] {
        let _ = fs::remove_file(scene.data(DATA).join(side));
    }
    fs::remove_file(scene.data("before.db")).unwrap();
    // Before anything has written, and after.
    for turn in 0..3 {
        let why = format!("turn {turn}");
        let (wrong, repair) = verified(&scene);
        assert_eq!(wrong, ["forgotten"], "{why}");
        assert_eq!(repair.len(), 1, "{why}: {repair:?}");
        assert!(repair[0].ends_with("forget --finish"), "{why}: {repair:?}");
        let status = done(&scene.bench, DATA, &["--json", "status"]).summary();
        assert_eq!(status["grants"]["of_forgotten"], 1, "{why}");
        assert_eq!(status["grants"]["by_state"]["active"], 2, "{why}");
        let next = status["next"][0]["command"].as_str().unwrap();
        assert!(next.ends_with("forget --finish"), "{why}: {next}");
        let ran = command(&scene.bench, DATA, &["-q", "run"]);
        assert_eq!(ran.exit, 0, "{why}: {}", ran.stderr);
        let said = "1 grant of somebody who was forgotten: nothing is read with it";
        assert!(ran.stderr.contains(said), "{why}: {}", ran.stderr);
        let is_first = ran.stderr.contains("older than the access log");
        assert_eq!(is_first, turn == 0, "{why}: {}", ran.stderr);
        assert!(!scene.mentions(ran.stderr.as_bytes()), "{why}");
    }
    // Neither in the lake nor noted as read.
    let lake = scene.data(DATA).join("lake");
    for file in files(&lake) {
        assert!(
            !scene.mentions(&fs::read(&file).unwrap()),
            "{}",
            file.display()
        );
    }
    let shown = [
        "--json",
        "access-log",
        "show",
        "--patient",
        scene.patient.as_str(),
    ];
    let shown = done(&scene.bench, DATA, &shown).stdout;
    let actions: Vec<Value> = shown
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["action"].clone())
        .filter(|action| !action.is_null())
        .collect();
    assert_eq!(actions.last().unwrap(), "forgotten", "{actions:?}");
    let (_, repair) = verified(&scene);
    follow(&scene, &repair[0]);
    is_gone(&scene);
    let status = done(&scene.bench, DATA, &["--json", "status"]).summary();
    assert_eq!(status["grants"]["of_forgotten"], 0);
}

#[test]
fn without_the_key_verify_says_that_nobody_looked_for_the_forgotten() {
    let scene = Scene::new();
    done(&scene.bench, DATA, &["forget", "--yes", &scene.patient]);
    let flags = ["--pipeline", "small.toml", "--data", DATA, "verify"];
    let mut verify = scene.bench.command(&flags);
    let verified =
        Ended::of(verify.env("XDG_CONFIG_HOME", scene.bench.path().join("no-key"))).exits(0);
    let said = format!("{}{}", verified.stdout, verified.stderr);
    assert!(said.contains("it takes the vault's key"), "{said}");
}
