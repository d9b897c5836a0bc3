//! One person leaves: nothing of theirs stays, nothing of others changes, whatever kills it.

pub(crate) mod scene;

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::servers::Sandbox;

use crate::files::names_below;
use scene::{DATA, Scene, command, done, has_word, landed, reference_of};

#[test]
fn nothing_of_a_forgotten_person_stays_and_nothing_of_others_changes() {
    let scene = Scene::new();
    let before = scene.rows_of_others(DATA);
    let untouched = scene.untouched_files(DATA);
    assert!(!untouched.is_empty() && !scene.traces(DATA).is_empty());
    let refused = command(&scene.bench, DATA, &["forget", &scene.patient]).exits(2);
    refused.fails_with("--yes");

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
    let after = BTreeSet::from_iter(names_below(&scene.data(DATA).join("lake/current")));
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
    twice.says("forgotten before");
    command(&scene.bench, DATA, &["forget", "--yes", "nobody"]).exits(2);
}

#[test]
fn a_grant_is_revoked_first_and_comes_back_only_with_a_new_consent() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2"]);
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    let exported = run(&["grants", "export", "--reveal-secrets"]);
    bench.write("grant.ndjson", &exported.stdout);
    let grant: Value = serde_json::from_str(exported.stdout.trim()).unwrap();
    let patient = grant["patient"].as_str().unwrap();
    let forgotten = run(&["--json", "forget", "--yes", patient]).exits(0);
    assert_eq!(forgotten.summary()["forget"]["revoked"], true);
    assert!(!forgotten.stderr.contains(patient), "{}", forgotten.stderr);
    assert_eq!(run(&["grants", "list"]).stdout, "");

    let refused = run(&["--json", "grants", "import", "grant.ndjson"]).exits(3);
    assert_eq!(refused.summary()["report"]["forgotten"], 1);
    assert_eq!(run(&["grants", "list"]).stdout, "");
    let back = run(&["--json", "grants", "import", "--again", "grant.ndjson"]).exits(0);
    assert_eq!(back.summary()["report"]["inserted"], 1);
}

#[test]
fn who_revoked_long_enough_ago_is_forgotten_at_the_end_of_a_load() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "3"]);
    let run = |arguments: &[&str]| sandbox.run(&bench, arguments);
    assert_eq!(run(&["run"]).exit, 0);
    let listed = run(&["grants", "list"]).stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let patient = first["patient"].as_str().unwrap();
    assert_eq!(run(&["grants", "revoke", patient]).exit, 0);
    let load = |lifetime: &str| {
        let mut load = sandbox.command(&bench, &["load"]);
        load.env("CLAIMLAKE_EXTRACT_ON_REVOKED", lifetime);
        Ended::of(&mut load).exits(0);
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
    twice.says("forgotten before");
}
