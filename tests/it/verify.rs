//! `verify` where bodies of a resource have landed more than once, in any order, and on what is not
//! there.

use serde_json::Value;

use crate::command::Bench;

/// The claims with another `meta.lastUpdated` and a payment that tells which body a row is of.
fn bodies(claims: &[Value], updated: &str, paid: &str) -> String {
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
    let made = [
        "sandbox",
        "generate",
        "--patients",
        "3",
        "--eobs",
        "9",
        "--resource",
        "ExplanationOfBenefit",
    ];
    let claims = bench.done(&made).stdout;
    let claims: Vec<Value> = claims
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
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
        bench.write(&name, run);
        bench.done(&["--data", "d", "import", "--api", "v2", &name]);
        bench.done(&["--data", "d", "run", "--from", "transform"]);
    }
    let verified = bench.run(&["--json", "--data", "d", "verify"]);
    assert_eq!(verified.exit, 0, "{}", verified.stdout);
    let checks = verified.summary()["verify"]["checks"].clone();
    let count_of = |name: &str| {
        let check = checks.as_array().unwrap().iter();
        let check = check.clone().find(|check| check["name"] == name).unwrap();
        check["checked"].as_u64().unwrap()
    };
    assert_eq!(count_of("keys"), claims.len() as u64);

    // A newer body that is staged and not loaded yet.
    let newest = bodies(&claims[..1], "2026-04-04T00:00:00Z", "44.44");
    bench.write("newest.ndjson", &newest);
    bench.done(&["--data", "d", "import", "--api", "v2", "newest.ndjson"]);
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
        let missing = bench.run(&[&["--data", "typo"], command].concat());
        assert_eq!(missing.exit, 2, "{command:?}: {}", missing.stderr);
        assert!(
            missing.error_line().contains("--data"),
            "{}",
            missing.stderr
        );
    }
    std::fs::create_dir(bench.path().join("empty")).unwrap();
    let empty = bench.done(&["--data", "empty", "verify"]);
    assert!(
        empty.stderr.contains("nothing is published yet"),
        "{}",
        empty.stderr
    );
    let left = std::fs::read_dir(bench.path().join("empty")).unwrap();
    assert_eq!(left.count(), 0, "verify writes nothing");
}

#[test]
fn bodies_that_differ_in_the_time_of_their_request_alone_are_the_same() {
    let bench = Bench::new();
    for weeks in ["0", "3"] {
        let claims = bench.run(&[
            "sandbox",
            "generate",
            "--patients",
            "4",
            "--seed",
            "5",
            "--weeks",
            weeks,
        ]);
        assert_eq!(claims.exit, 0, "{}", claims.stderr);
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
    let verified = bench.run(&["--data", "d", "verify"]);
    assert_eq!(verified.exit, 0, "{}", verified.stderr);
}
