//! One person leaves: nothing of theirs stays, nothing of others changes, whatever kills it.

pub(crate) mod scene;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::servers::Sandbox;

use scene::{DATA, Scene, command, done, files, has_word, landed, reference_of};

#[test]
fn nothing_of_a_forgotten_person_stays_and_nothing_of_others_changes() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    let untouched = scene.untouched_files(DATA);
    assert!(!untouched.is_empty() && !scene.traces(DATA).is_empty());
    let refused = command(&scene.bench, DATA, &["forget", &scene.patient]);
    assert_eq!(refused.exit, 2, "{}", refused.stderr);
    assert!(refused.error_line().contains("--yes"), "{}", refused.stderr);

    let forgotten = done(
        &scene.bench,
        DATA,
        &["--json", "forget", "--yes", &scene.mbi],
    );
    assert!(
        !scene.mentions(forgotten.stderr.as_bytes()),
        "{}",
        forgotten.stderr
    );
    let fields = &forgotten.summary()["forget"];
    assert_eq!(fields["grants"], 1);
    assert_eq!(fields["rejected"], 1);
    assert_eq!(fields["lake_rows"]["patient"], 1);
    assert_eq!(scene.traces(DATA), [""; 0]);
    assert_eq!(scene.rows_of_others(DATA), before);
    let after: BTreeSet<String> = {
        let current = scene
            .data(DATA)
            .join("lake/current")
            .canonicalize()
            .unwrap();
        let names = files(&current).into_iter();
        names
            .map(|path| path.strip_prefix(&current).unwrap().display().to_string())
            .collect()
    };
    let missing: Vec<&String> = untouched.difference(&after).collect();
    assert_eq!(missing, [""; 0]);
    let snapshots = fs::read_dir(scene.data(DATA).join("lake/snapshots")).unwrap();
    assert_eq!(snapshots.count(), 1);

    // They do not come back by mistake, neither from the server nor from a file.
    done(&scene.bench, DATA, &["run"]);
    let again = done(
        &scene.bench,
        DATA,
        &["--json", "import", "--api", "v2", "last.ndjson"],
    );
    assert_eq!(again.summary()["import"]["forgotten"], 1);
    assert_eq!(scene.traces(DATA), [""; 0]);
    let verified = command(&scene.bench, DATA, &["verify"]);
    assert_eq!(verified.exit, 0, "{}{}", verified.stdout, verified.stderr);
    let twice = done(&scene.bench, DATA, &["forget", "--yes", &scene.patient]);
    assert!(
        twice.stderr.contains("forgotten before"),
        "{}",
        twice.stderr
    );
    let nobody = command(&scene.bench, DATA, &["forget", "--yes", "nobody"]);
    assert_eq!(nobody.exit, 2, "{}", nobody.stderr);
}

#[test]
fn a_removal_killed_at_any_of_ten_instants_is_finished_by_the_next() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    for place in [
        "intent",
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
    ] {
        scene.copy(place);
        let arguments = [
            "--pipeline",
            "small.toml",
            "--data",
            place,
            "forget",
            "--yes",
        ];
        let mut killed = scene
            .bench
            .command(&[&arguments[..], &[&scene.patient]].concat());
        killed.env("CLAIMLAKE_CRASH_AT", place);
        let killed = Ended::of(&mut killed);
        assert_eq!(killed.exit, -1, "{place}: {}", killed.stderr);
        done(&scene.bench, place, &["forget", "--yes", &scene.patient]);
        assert_eq!(scene.traces(place), [""; 0], "{place}");
        assert_eq!(scene.rows_of_others(place), before, "{place}");
        fs::remove_dir_all(scene.data(place)).unwrap();
    }
}

#[test]
fn a_grant_is_revoked_first_and_comes_back_only_with_a_new_consent() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let run = |arguments: &[&str]| Ended::of(&mut sandbox.command(&bench, arguments));
    let exported = run(&["grants", "export", "--reveal-secrets"]);
    bench.write("grant.ndjson", &exported.stdout);
    let grant: Value = serde_json::from_str(exported.stdout.trim()).unwrap();
    let patient = grant["patient"].as_str().unwrap();
    let forgotten = run(&["--json", "forget", "--yes", patient]);
    assert_eq!(forgotten.exit, 0, "{}", forgotten.stderr);
    assert_eq!(forgotten.summary()["forget"]["revoked"], true);
    assert!(!forgotten.stderr.contains(patient), "{}", forgotten.stderr);
    assert_eq!(run(&["grants", "list"]).stdout, "");

    let refused = run(&["--json", "grants", "import", "grant.ndjson"]);
    assert_eq!(refused.exit, 3, "{}", refused.stderr);
    assert_eq!(refused.summary()["report"]["forgotten"], 1);
    assert_eq!(run(&["grants", "list"]).stdout, "");
    let back = run(&["--json", "grants", "import", "--again", "grant.ndjson"]);
    assert_eq!(back.exit, 0, "{}", back.stderr);
    assert_eq!(back.summary()["report"]["inserted"], 1);
}

#[test]
fn who_revoked_long_enough_ago_is_forgotten_at_the_end_of_a_load() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "3"]);
    sandbox.consent(&bench);
    sandbox.consent(&bench);
    let run = |arguments: &[&str]| Ended::of(&mut sandbox.command(&bench, arguments));
    assert_eq!(run(&["run"]).exit, 0);
    let listed = run(&["grants", "list"]).stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let patient = first["patient"].as_str().unwrap();
    assert_eq!(run(&["grants", "revoke", patient]).exit, 0);
    let load = |lifetime: &str| {
        let mut load = sandbox.command(&bench, &["load"]);
        load.env("CLAIMLAKE_EXTRACT_ON_REVOKED", lifetime);
        let ended = Ended::of(&mut load);
        assert_eq!(ended.exit, 0, "{}", ended.stderr);
        run(&["grants", "list"]).stdout.lines().count()
    };
    assert_eq!(load("keep"), 2);
    assert_eq!(load("forget_after 30 days"), 2);
    assert_eq!(load("forget_after 0 days"), 1);
    let of_patient = format!("Patient/{patient}");
    let landed = landed(&bench.path().join("d"));
    assert!(!landed.is_empty());
    assert!(landed.iter().all(|one| reference_of(one) != of_patient));
    let mut wrong = sandbox.command(&bench, &["load"]);
    wrong.env("CLAIMLAKE_EXTRACT_ON_REVOKED", "burn");
    assert_eq!(Ended::of(&mut wrong).exit, 2);
}

/// SplitMix64: the same instants in every run.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[test]
fn a_removal_killed_at_ten_random_instants_is_finished_by_the_next() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    scene.copy("whole");
    let began = std::time::Instant::now();
    done(&scene.bench, "whole", &["forget", "--yes", &scene.patient]);
    // How long a removal takes here, so that the instants lie within one.
    let whole = began.elapsed();
    let (mut seed, mut killed) = (8, 0);
    for kill in 0..10 {
        let name = format!("kill-{kill}");
        scene.copy(&name);
        let arguments = [
            "--pipeline",
            "small.toml",
            "--data",
            &name,
            "forget",
            "--yes",
        ];
        let mut forget = scene
            .bench
            .command(&[&arguments[..], &[&scene.patient]].concat());
        let mut child = forget
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64((next(&mut seed) % 1000) as f64 / 1000.0));
        child.kill().unwrap();
        killed += u32::from(child.wait().unwrap().code().is_none());
        done(&scene.bench, &name, &["forget", "--yes", &scene.patient]);
        assert_eq!(scene.traces(&name), [""; 0], "{name}");
        assert_eq!(scene.rows_of_others(&name), before, "{name}");
        fs::remove_dir_all(scene.data(&name)).unwrap();
    }
    assert!(killed > 0, "every removal ended before it was killed");
}

#[test]
fn a_recording_loses_the_person_and_serves_the_others_as_before() {
    let bench = Bench::new();
    bench.write("small.toml", &crate::demo::pipeline("v2"));
    done(&bench, DATA, &["extract", "--record", "recorded"]);
    let exchanges = || {
        let file = fs::File::open(bench.path().join("recorded/exchanges.ndjson.zst")).unwrap();
        String::from_utf8(zstd::decode_all(file).unwrap()).unwrap()
    };
    let catalogue = || fs::read_to_string(bench.path().join("recorded/catalogue.json")).unwrap();
    let landed = landed(&bench.path().join(DATA));
    let patient = landed.iter().find(|one| one["resourceType"] == "Patient");
    let patient = patient.unwrap()["id"].as_str().unwrap().to_owned();
    let is_theirs = |line: &&str| has_word(line.as_bytes(), patient.as_bytes());
    let before = exchanges();
    let theirs = before.lines().filter(is_theirs).count();
    let of_others: Vec<&str> = before.lines().filter(|line| !is_theirs(line)).collect();
    assert!(theirs > 0 && !of_others.is_empty());

    let forgotten = done(&bench, DATA, &["--json", "forget", "--yes", &patient]);
    assert_eq!(forgotten.summary()["forget"]["recorded"], theirs);
    let after = exchanges();
    assert_eq!(after.lines().collect::<Vec<_>>(), of_others);
    assert!(!has_word(catalogue().as_bytes(), patient.as_bytes()));
    let left: Value = serde_json::from_str(&catalogue()).unwrap();
    assert_eq!(left["people"].as_array().unwrap().len(), 2);
    assert_eq!(left["exchanges"], of_others.len());
    // A recording that was taken elsewhere is no reason to fail.
    fs::rename(
        bench.path().join("recorded"),
        bench.path().join("elsewhere"),
    )
    .unwrap();
    let twice = done(&bench, DATA, &["forget", "--yes", &patient]);
    assert!(
        twice.stderr.contains("forgotten before"),
        "{}",
        twice.stderr
    );
}
