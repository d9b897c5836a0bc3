//! `verify` where bodies of a resource have landed more than once, in any order, and on what is not
//! there.

use serde_json::Value;

use crate::command::{Bench, Ended, words};
use crate::files::names_below;

/// The claims with another `meta.lastUpdated` and a payment that shows which body a row is of.
pub(crate) fn bodies(claims: &[Value], updated: &str, paid: &str) -> String {
    let mut text = String::new();
    for claim in claims {
        let mut claim = claim.clone();
        claim["meta"]["lastUpdated"] = updated.into();
        claim["payment"]["amount"]["value"] = serde_json::from_str(paid).unwrap();
        text.push_str(&format!("{claim}\n"));
    }
    text
}

#[test]
fn superseded_bodies_do_not_count_in_whatever_order_they_came() {
    let bench = Bench::new();
    let made = words("sandbox generate --patients 3 --eobs 9 --resource ExplanationOfBenefit");
    let claims = bench.done(&made).events();
    let second = "2026-02-02T00:00:00Z";
    let runs = [
        bodies(&claims, second, "22.22"),
        // Newer ones of some, twice in one file.
        bodies(&claims[..4], "2026-03-03T00:00:00Z", "33.33")
            + &bodies(&claims[..2], "2026-03-03T00:00:00Z", "34.34"),
        // Older ones of some come last.
        bodies(&claims[3..8], "2026-01-01T00:00:00Z", "11.11"),
    ];
    for (number, run) in runs.iter().enumerate() {
        let name = format!("{number}.ndjson");
        bench.load("d", &name, run);
    }
    let verified = bench.done(&["--json", "--data", "d", "verify"]);
    assert_eq!(verified.check("keys")["checked"], claims.len());

    // A newer body that is staged and not loaded yet.
    let newest = bodies(&claims[..1], "2026-04-04T00:00:00Z", "44.44");
    bench.import("d", "newest.ndjson", &newest);
    bench.done(&["--data", "d", "transform"]);
    let behind = bench.run(&["--json", "--data", "d", "verify"]);
    assert_eq!(
        behind.exit, 0,
        "what is not loaded yet is no damage: {}",
        behind.stdout
    );
}

#[test]
fn a_directory_that_is_not_there_is_no_good_lake_and_an_empty_one_is() {
    let bench = Bench::new();
    for command in [&["verify"][..], &["trace", "carrier--1"]] {
        let missing = bench.run(&[&["--data", "typo"], command].concat()).exits(2);
        missing.fails_with("--data");
    }
    std::fs::create_dir(bench.path().join("empty")).unwrap();
    let empty = bench.done(&["--data", "empty", "verify"]);
    empty.says("nothing is published yet");
    let left = std::fs::read_dir(bench.path().join("empty")).unwrap();
    assert_eq!(left.count(), 0, "verify writes nothing");
}

#[test]
fn bodies_that_differ_in_the_time_of_their_request_alone_are_the_same() {
    let bench = Bench::new();
    for weeks in ["0", "3"] {
        let claims = bench.done(&[
            "sandbox",
            "generate",
            "--patients",
            "4",
            "--seed",
            "5",
            "--weeks",
            weeks,
        ]);
        bench.write("claims.ndjson", &claims.stdout);
        let import = ["--data", "d", "import", "--api", "v2", "claims.ndjson"];
        assert_eq!(bench.run(&import).exit, 0);
        assert_eq!(
            bench
                .run(&["--data", "d", "run", "--from", "transform"])
                .exit,
            0
        );
    }
    bench.done(&["--data", "d", "verify"]);
}

#[test]
fn what_has_landed_and_is_not_loaded_yet_is_no_damage() {
    let bench = Bench::new();
    bench.write("small.toml", &crate::demo::pipeline("v2"));
    bench.done(&["--pipeline", "small.toml", "extract"]);
    bench.done(&["--pipeline", "small.toml", "verify"]);
    bench.done(&["--pipeline", "small.toml", "run", "--from", "transform"]);
    bench.done(&["--pipeline", "small.toml", "verify"]);
    // A part that is gone takes people's resources with it.
    let claims = bench
        .path()
        .join("data/small/landing/api=v2/resource=ExplanationOfBenefit");
    let run = std::fs::read_dir(claims).unwrap().next().unwrap().unwrap();
    std::fs::remove_dir_all(run.path()).unwrap();
    let ended = bench.run(&["--pipeline", "small.toml", "verify"]).exits(1);
    ended.says("0 have landed");
}

/// A claim as v2 serves it at a request of this day.
fn asked_on(claim: &Value, day: &str) -> String {
    let mut claim = claim.clone();
    claim["created"] = format!("{day}T10:20:30Z").into();
    format!("{claim}\n")
}

/// Lands and loads these texts in a data directory, one load each.
fn loaded(bench: &Bench, data: &str, loads: &[String]) {
    for (number, text) in loads.iter().enumerate() {
        let name = format!("{data}-{number}.ndjson");
        bench.load(data, &name, text);
    }
}

/// The names of the files of table `eob`, which are hashes of their content.
fn claim_files(bench: &Bench, data: &str) -> Vec<String> {
    let names = names_below(&bench.path().join(data).join("lake/current/eob"));
    let hash = |name: &String| name.rsplit('/').next().unwrap().to_owned();
    let mut hashes: Vec<String> = names.iter().map(hash).collect();
    hashes.sort();
    hashes
}

/// Three bodies of one claim and one `meta.lastUpdated`: as asked for on a first day, with another
/// payment, and the first again as asked for on a third day.
fn three_bodies(bench: &Bench) -> [String; 3] {
    let made =
        words("sandbox generate --patients 1 --eobs 1 --seed 8 --resource ExplanationOfBenefit");
    let first = bench.done(&made).events().remove(0);
    let mut other = first.clone();
    other["payment"]["amount"]["value"] = serde_json::from_str("77.77").unwrap();
    [
        asked_on(&first, "2026-05-01"),
        asked_on(&other, "2026-05-02"),
        asked_on(&first, "2026-05-03"),
    ]
}

/// Whatever the loads of a claim and of the same as asked for later, the tables hold the first.
fn holds_the_first(loads: impl Fn(String, String) -> Vec<String>) {
    let bench = Bench::new();
    let [first, _, third] = three_bodies(&bench);
    loaded(&bench, "first", std::slice::from_ref(&first));
    loaded(&bench, "third", std::slice::from_ref(&third));
    loaded(&bench, "both", &loads(first, third));
    let wanted = claim_files(&bench, "first");
    assert_ne!(
        wanted,
        claim_files(&bench, "third"),
        "`created` is a column"
    );
    assert_eq!(claim_files(&bench, "both"), wanted);
    bench.done(&["--data", "both", "verify"]);
    let id = claim_id(&bench, "both-0.ndjson");
    let traced = bench.done(&["--json", "--data", "both", "trace", &id]);
    assert_eq!(standings(&traced), ["newest", "superseded"]);

    // A lake that holds the other body's `created`.
    let lake = bench.path().join("both/lake");
    std::fs::remove_dir_all(&lake).unwrap();
    std::fs::rename(bench.path().join("third/lake"), &lake).unwrap();
    let wrong = bench.run(&["--data", "both", "verify"]).exits(1);
    wrong.says("with other values");
}

#[test]
fn of_neighbours_that_say_the_same_the_first_counts_over_two_loads() {
    holds_the_first(|first, third| vec![first, third]);
}

#[test]
fn of_neighbours_that_say_the_same_the_first_counts_within_a_load() {
    holds_the_first(|first, third| vec![first + &third]);
}

#[test]
fn a_body_that_comes_again_after_another_counts_again() {
    let bench = Bench::new();
    let [first, other, third] = three_bodies(&bench);
    loaded(&bench, "third", std::slice::from_ref(&third));
    loaded(
        &bench,
        "three",
        &[first.clone(), other.clone(), third.clone()],
    );
    loaded(&bench, "one", &[first + &other + &third]);
    for data in ["three", "one"] {
        assert_eq!(
            claim_files(&bench, data),
            claim_files(&bench, "third"),
            "{data}"
        );
        bench.done(&["--data", data, "verify"]);
    }
    let id = claim_id(&bench, "one-0.ndjson");
    let traced = bench.done(&["--json", "--data", "one", "trace", &id]);
    let wanted = ["superseded", "superseded", "newest"];
    assert_eq!(standings(&traced), wanted);
}

fn claim_id(bench: &Bench, file: &str) -> String {
    let text = std::fs::read_to_string(bench.path().join(file)).unwrap();
    let claim: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    claim["id"].as_str().unwrap().to_owned()
}

/// The outcome of each body that `trace --json` reports, oldest first.
fn standings(traced: &Ended) -> Vec<String> {
    let events = traced.events();
    let standings = events.iter().filter_map(|event| event["standing"].as_str());
    standings.map(str::to_owned).collect()
}
