//! `[load] publish`: places that every load publishes the lake to.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::forget::scene::{DATA, command, done};
use crate::publish::{json, url};

/// A bench whose pipeline publishes to these places.
fn bench(targets: &[String]) -> Bench {
    let bench = Bench::new();
    configure(&bench, targets);
    bench
}

fn configure(bench: &Bench, targets: &[String]) {
    let targets: Vec<String> = targets.iter().map(|url| format!("{url:?}")).collect();
    let pipeline = crate::demo::pipeline("v2");
    let key = format!("[load]\npublish = [{}]\n", targets.join(", "));
    assert!(pipeline.contains("[load]\n"));
    bench.write("small.toml", &pipeline.replace("[load]\n", &key));
}

fn published(ended: &Ended) -> Vec<Value> {
    ended.summary()["published"].as_array().unwrap().clone()
}

#[test]
fn a_load_and_a_run_publish_to_every_place() {
    let bench = Bench::new();
    let places = [url(&bench, "one"), url(&bench, "two/lake")];
    configure(&bench, &places);
    let ended = done(&bench, DATA, &["--json", "run"]);
    let all = published(&ended);
    assert_eq!(all.len(), 2);
    for (one, url) in all.iter().zip(&places) {
        assert_eq!(&one["target"], url);
        assert_eq!(one["outcome"]["changed"], true);
        assert_eq!(one["error"], Value::Null);
    }
    let snapshot = &json(&bench.path().join(DATA).join("lake/current/manifest.json"))["snapshot"];
    for place in ["one", "two/lake"] {
        let state = json(&bench.path().join(place).join("snapshots/1.json"));
        assert_eq!(&state["local"]["snapshot"], snapshot);
    }
    let again = published(&done(&bench, DATA, &["--json", "load"]));
    assert!(again.iter().all(|one| one["outcome"]["changed"] == false));
    done(&bench, DATA, &["status"]).prints("as state 1");
}

#[test]
fn a_place_that_fails_undoes_neither_the_load_nor_the_other_places() {
    let bench = Bench::new();
    configure(&bench, &[url(&bench, "full"), url(&bench, "good")]);
    fs::create_dir(bench.path().join("full")).unwrap();
    fs::write(bench.path().join("full/notes.txt"), "mine").unwrap();
    let ended = command(&bench, DATA, &["--json", "run"]).exits(1);
    ended.says("not empty");
    let all = published(&ended);
    assert!(all[0]["error"].as_str().unwrap().contains("not empty"));
    assert_eq!(all[1]["outcome"]["changed"], true);
    assert_eq!(ended.summary()["load"]["snapshot"], 1);
    assert!(bench.path().join("good/snapshots/1.json").exists());
    assert!(!bench.path().join("full/claimlake.json").exists());
    // Nothing was written there, so there is nothing to be removed there.
    let recorded = json(&bench.path().join(DATA).join("publish.json"));
    assert_eq!(recorded["targets"].as_array().unwrap().len(), 1);

    fs::remove_file(bench.path().join("full/notes.txt")).unwrap();
    done(&bench, DATA, &["load"]);
    assert!(bench.path().join("full/snapshots/1.json").exists());
}

#[test]
fn what_cannot_be_a_place_is_refused_before_anything_runs() {
    for (targets, words) in [
        (vec!["s4://bucket/lake"], "s4://"),
        (vec!["file:///mnt/x", "mnt"], "not a URL"),
        (vec!["s3://KEY:HIDDEN@bucket/lake"], "credentials"),
        (vec!["s3://bucket/lake", "s3a://bucket/lake/"], "one place"),
        (vec!["s3://bucket/lake", "s3://bucket/lake/x"], "one place"),
    ] {
        let targets: Vec<String> = targets.into_iter().map(str::to_owned).collect();
        let bench = bench(&targets);
        for stage in ["run", "load"] {
            let ended = command(&bench, DATA, &[stage]).exits(2);
            ended.fails_with(words);
            ended.says("load.publish");
            assert!(!ended.stderr.contains("HIDDEN"), "{}", ended.stderr);
        }
        assert!(!bench.path().join(DATA).exists());
    }
    let bench = Bench::new();
    configure(&bench, &[url(&bench, "d/x")]);
    let ended = command(&bench, DATA, &["run"]).exits(2);
    ended.fails_with("folder of its own");
    configure(&bench, &["s3://bucket/lake".to_owned()]);
    let arguments = ["--pipeline", "small.toml", "--data", DATA, "run"];
    let mut command = bench.command(&arguments);
    command.env("AWS_ENDPOINT_URL", "http://store.example");
    Ended::of(&mut command).exits(2).fails_with("without TLS");
    assert!(!bench.path().join(DATA).exists());
}

#[test]
fn only_so_many_states_stay_as_the_pipeline_keeps_snapshots() {
    let bench = Bench::new();
    let pipeline = crate::demo::pipeline("v2");
    assert!(pipeline.contains("keep_snapshots = 3\n"));
    let pipeline = pipeline.replace("keep_snapshots = 3\n", "keep_snapshots = 2\n");
    bench.write(
        "small.toml",
        &pipeline.replace("[load]\n", "[load]\nkeep_hours = 0\n"),
    );
    done(&bench, DATA, &["run"]);
    let place = url(&bench, "place");
    for night in 0..4 {
        let patient = crate::command::a_patient(&format!("-{night}"));
        bench.write("more.ndjson", &patient);
        done(&bench, DATA, &["import", "--api", "v2", "more.ndjson"]);
        done(&bench, DATA, &["run", "--from", "transform"]);
        done(&bench, DATA, &["publish", &place]);
    }
    let mut states: Vec<String> = fs::read_dir(bench.path().join("place/snapshots"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    states.sort();
    assert_eq!(states, ["3.json", "4.json"]);
}
