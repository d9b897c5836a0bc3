//! Patients who leave published places, too.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::command::{Bench, Ended};
use crate::files::files;
use crate::forget::scene::{DATA, Scene, command, decoded, done, has_word};
use crate::publish::{a_patient_of, json as read_json, url, with_lake};
use crate::servers::Sandbox;

/// A scene whose lake was published twice, with the person, to two places.
fn published() -> Scene {
    let scene = Scene::new();
    for place in ["one", "two"] {
        done(&scene.bench, DATA, &["publish", &url(&scene.bench, place)]);
    }
    done(&scene.bench, DATA, &["load"]);
    for place in ["one", "two"] {
        done(&scene.bench, DATA, &["publish", &url(&scene.bench, place)]);
        assert!(scene.traces(place).len() > 10, "{:?}", scene.traces(place));
    }
    scene
}

fn forget(scene: &Scene, arguments: &[&str]) -> Ended {
    let all = [&["--json", "forget", "--offline"], arguments].concat();
    command(&scene.bench, DATA, &all)
}

fn open(ended: &Ended) -> usize {
    let open = &ended.summary()["published_targets_to_clear"];
    open.as_array().unwrap().len()
}

/// The sequences of the states at a place.
fn states(place: &Path) -> Vec<u64> {
    let names = fs::read_dir(place.join("snapshots")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut states: Vec<u64> = names
        .map(|name| name.strip_suffix(".json").unwrap().parse().unwrap())
        .collect();
    states.sort_unstable();
    states
}

#[test]
fn nothing_of_a_forgotten_person_stays_at_any_published_place() {
    let scene = published();
    // What a killed publish left, and what another program put there.
    for (place, path) in [("one", ".unfinished/1-1"), ("two", "eob/part-0.json")] {
        let path = scene.data(place).join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &scene.patient).unwrap();
    }
    let ended = forget(&scene, &["--yes", &scene.patient]).exits(0);
    assert_eq!(open(&ended), 0);
    let cleared = &ended.summary()["published_targets_cleared"];
    assert_eq!(cleared.as_array().unwrap().len(), 2);
    assert!(!scene.mentions(ended.stderr.as_bytes()), "{}", ended.stderr);
    for place in ["one", "two"] {
        assert_eq!(scene.traces(place), [""; 0], "{place}");
        assert_eq!(states(&scene.data(place)).len(), 1);
    }
    assert_eq!(scene.traces(DATA), [""; 0]);
    let status = done(&scene.bench, DATA, &["status"]);
    assert!(
        !status.stdout.contains("forgotten since"),
        "{}",
        status.stdout
    );
    // Others are still there.
    let manifest = read_json(&scene.data(DATA).join("lake/current/manifest.json"));
    let state = states(&scene.data("one"))[0];
    let state = read_json(&scene.data("one").join(format!("snapshots/{state}.json")));
    let rows = |tables: &Value, name: &str| -> u64 {
        let tables = tables.as_array().unwrap().iter();
        let files = tables.flat_map(|table| table["files"].as_array().unwrap());
        let is_of = |path: &str| path.starts_with(&format!("{name}/"));
        let files = files.filter(|file| is_of(file["path"].as_str().unwrap()));
        files.map(|file| file["rows"].as_u64().unwrap()).sum()
    };
    for table in ["eob", "patient", "coverage"] {
        let expected = rows(&manifest["tables"], table);
        assert!(expected > 0);
        assert_eq!(rows(&state["tables"], table), expected);
    }
    // And the history goes on from there.
    done(&scene.bench, DATA, &["run"]);
    done(&scene.bench, DATA, &["publish", &url(&scene.bench, "one")]);
}

#[test]
fn a_place_that_is_away_stays_open_until_it_is_back() {
    let scene = published();
    let away = scene.data("away");
    fs::rename(scene.data("two"), &away).unwrap();
    let ended = forget(&scene, &["--yes", &scene.patient]).exits(1);
    assert_eq!(open(&ended), 1);
    ended.says("nothing is there now");
    assert_eq!(scene.traces("one"), [""; 0]);
    assert!(!scene.data("two").exists(), "nothing is made in its place");
    let status = done(&scene.bench, DATA, &["status"]);
    status.prints("holds rows of patients who were forgotten");
    // Other commands try again and go on.
    let two = url(&scene.bench, "two");
    for arguments in [&["run"][..], &["publish", &url(&scene.bench, "one")]] {
        let ended = command(&scene.bench, DATA, arguments).exits(1);
        ended.says("nothing is there now");
    }
    command(&scene.bench, DATA, &["publish", &two]).exits(1);
    assert_eq!(open(&forget(&scene, &["--finish"]).exits(1)), 1);
    done(&scene.bench, DATA, &["verify"]);

    // An empty mount point is no proof either.
    fs::create_dir(scene.data("two")).unwrap();
    command(&scene.bench, DATA, &["publish", &two]).exits(1);
    fs::remove_dir(scene.data("two")).unwrap();
    fs::rename(&away, scene.data("two")).unwrap();
    done(&scene.bench, DATA, &["load"]);
    assert_eq!(scene.traces("two"), [""; 0]);
    forget(&scene, &["--finish"]).exits(0);
}

#[test]
fn who_revoked_long_enough_ago_leaves_published_places_at_the_end_of_a_load() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "3"]);
    sandbox.run(&bench, &["run"]).exits(0);
    let place = url(&bench, "place");
    sandbox.run(&bench, &["publish", &place]).exits(0);
    let listed = sandbox.run(&bench, &["grants", "list"]).stdout;
    let first: Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    let patient = first["patient"].as_str().unwrap().to_owned();
    sandbox
        .run(&bench, &["grants", "revoke", &patient])
        .exits(0);
    let found = || {
        let is_theirs = |path: &&PathBuf| {
            let bytes = fs::read(path).unwrap();
            has_word(&bytes, patient.as_bytes())
                || has_word(&decoded(path, &bytes), patient.as_bytes())
        };
        files(&bench.path().join("place"))
            .iter()
            .filter(is_theirs)
            .count()
    };
    assert!(found() > 3);
    let mut load = sandbox.command(&bench, &["load"]);
    load.env("CLAIMLAKE_EXTRACT_ON_REVOKED", "forget_after 0 days");
    Ended::of(&mut load).exits(0);
    assert_eq!(found(), 0);
}

#[test]
fn a_place_that_cannot_be_published_to_is_named_with_what_ends_it() {
    let bench = with_lake();
    let place = url(&bench, "place");
    done(&bench, DATA, &["publish", &place]);
    let foreign = bench
        .path()
        .join("place/eob/_delta_log/00000000000000000001.json");
    fs::write(
        foreign,
        json!({"commitInfo": {"operation": "OPTIMIZE"}}).to_string(),
    )
    .unwrap();
    let patient = a_patient_of(&bench);
    let forget = ["forget", "--yes", "--offline", &patient];
    let ended = command(&bench, DATA, &forget).exits(1);
    ended.says("OPTIMIZE");
    ended.says("publish --removed");
    command(&bench, DATA, &["publish", "--removed", &place])
        .exits(1)
        .fails_with("not empty");
    // The advice is followed.
    fs::remove_dir_all(bench.path().join("place")).unwrap();
    done(&bench, DATA, &["publish", "--removed", &place]);
    done(&bench, DATA, &["forget", "--finish"]);
    done(&bench, DATA, &["publish", &place]);
}

#[test]
fn a_place_within_another_is_refused() {
    let bench = with_lake();
    done(&bench, DATA, &["publish", &url(&bench, "place")]);
    command(&bench, DATA, &["publish", &url(&bench, "place/eob/x")])
        .exits(1)
        .fails_with("a place of its own");
    command(&bench, DATA, &["publish", &url(&bench, "place/x")])
        .exits(1)
        .fails_with("a place of its own");
}
