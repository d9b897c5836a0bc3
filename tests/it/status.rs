//! The operator's page, at the widths terminals have.

use crate::command::Ended;
use crate::command::{Bench, a_patient};

fn status_at(bench: &Bench, columns: &str) -> String {
    let arguments = ["--data", "d", "status"];
    let ended = Ended::of(bench.command(&arguments).env("COLUMNS", columns)).exits(0);
    ended.stdout
}

#[test]
fn the_page_fits_terminals_of_80_and_of_40_columns() {
    let bench = Bench::new();
    bench.write(
        "people.ndjson",
        "{\"resourceType\":\"Patient\",\"id\":\"-1\",\"meta\":{\"lastUpdated\":\"2026-01-02T03:04:05Z\"}}\n",
    );
    bench.done(&["--data", "d", "import", "--api", "v2", "people.ndjson"]);
    bench.publish("d");
    bench.done(&["--data", "d", "import", "--api", "v2", "people.ndjson"]);
    for columns in [80, 40] {
        let page = status_at(&bench, &columns.to_string());
        for line in page.lines() {
            // Commands and paths stay whole, so that they can be copied.
            let is_whole = line.contains("claimlake ") || line.contains("run=");
            assert!(
                is_whole || line.chars().count() <= columns,
                "{columns}: {line}"
            );
        }
        for said in ["landing", "lake", "snapshot 1", "oldest PHI", "next"] {
            assert!(page.contains(said), "{said} at {columns}: {page}");
        }
    }
}

#[test]
fn what_is_new_in_landing_is_next() {
    let bench = Bench::new();
    bench.write("people.ndjson", &a_patient("-1"));
    let next = |bench: &Bench| {
        let summary = bench.done(&["--json", "--data", "d", "status"]).summary();
        summary["next"][0]["command"].as_str().unwrap().to_owned()
    };
    assert_eq!(next(&bench), "claimlake --data d run");
    bench.done(&["--data", "d", "import", "--api", "v2", "people.ndjson"]);
    assert_eq!(next(&bench), "claimlake --data d transform");
    bench.done(&["--data", "d", "transform"]);
    assert_eq!(next(&bench), "claimlake --data d load");
}

#[test]
fn a_damaged_lake_is_named_and_the_rest_is_told() {
    let bench = Bench::new();
    bench.load("d", "people.ndjson", &a_patient("-1"));
    bench.write("d/lake/snapshots/1/manifest.json", "{}");
    let page = status_at(&bench, "80");
    assert!(page.contains("unreadable lake: "), "{page}");
    assert!(page.contains("landing    v2 Patient"), "{page}");
}

#[test]
fn a_load_that_changed_nothing_has_no_rate() {
    let bench = Bench::new();
    bench.import("d", "people.ndjson", &a_patient("-1"));
    let first = bench.done(&["--data", "d", "run", "--from", "transform"]);
    first.says("1 resource became ");
    first.says(" of 44 tables");
    first.says("publishing: 1 snapshot\n");
    let current = bench.path().canonicalize().unwrap().join("d/lake/current");
    let query = format!(".show()\" {}\n", current.display());
    first.says(&query);
    assert!(status_at(&bench, "120").contains("/s)"));
    bench.done(&["--data", "d", "load"]);
    let page = status_at(&bench, "120");
    let load = page.lines().find(|line| line.trim().starts_with("load "));
    let load = load.unwrap_or_else(|| panic!("{page}"));
    assert!(load.ends_with(", nothing changed"), "{load}");
    assert!(!load.contains("/s)"), "{load}");
}

#[test]
fn every_command_that_works_on_the_data_is_told_with_its_duration() {
    let bench = Bench::new();
    bench.load("d", "people.ndjson", &a_patient("-1"));
    bench.done(&["--data", "d", "verify"]);
    let missing = ["--data", "d", "import", "--api", "v2", "missing.ndjson"];
    assert_eq!(bench.run(&missing).exit, 2);
    let summary = bench.done(&["--json", "--data", "d", "status"]).summary();
    let runs: Vec<(&str, &str)> = summary["last_runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| {
            assert!(run["milliseconds"].is_u64(), "{run}");
            (
                run["command"].as_str().unwrap(),
                run["end"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("import", "failed"),
        ("transform", "finished"),
        ("load", "finished"),
        ("run", "finished"),
        ("verify", "finished"),
    ];
    assert_eq!(runs, expected);
    let transform = &summary["last_runs"][1]["summary"];
    assert_eq!(transform["resources"], 1);
    let page = status_at(&bench, "80");
    assert!(page.contains("\nlast runs  import    "), "{page}");
    assert!(page.contains(", 1 resource"), "{page}");
    assert!(page.contains(", landing and lake agree"), "{page}");
    // The history alone is no vault: nobody's consent is here, and no key.
    assert!(!page.contains("grants"), "{page}");
    assert!(!bench.path().join("config").exists());
}
