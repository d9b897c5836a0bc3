//! v2 sends the months of one reference year at a time under one id: those of other years stay.

mod scene;

use std::fs;

use arrow_array::cast::AsArray as _;
use arrow_ipc::reader::FileReader;
use serde_json::{Value, json};

use crate::files::edit_manifest;
use scene::{
    bench, bench_with, coverage, done, lands, months, pipeline, publish, rewrite, run, tables,
};

/// The hash of the id `part-a-1` in landing manifests: xxh3-128 of it in quotes.
const HASH: &str = "8dd2dcd8fbaf5dd4c874f92e2eb87a79";

#[test]
fn years_stay_in_whatever_order_bodies_come() {
    let bench = bench();
    let of = |day, year, months: &[u32]| coverage("part-a-1", day, year, months);
    let bodies = [
        of("2021-12-01", 2021, &[1, 2, 3]),
        of("2022-12-01", 2022, &[1]),
        of("2023-12-01", 2023, &[1, 2]),
        // A correction of an earlier year, with a month less.
        of("2024-01-01", 2021, &[1, 3]),
        // No year is left as it is by another coverage, or by one of v3's kind without codes.
        coverage("part-a-2", "2022-12-01", 2022, &[5]),
    ];
    let whole: Vec<&Value> = bodies.iter().collect();
    lands(&bench, "whole", &whole);
    let expected = [
        "2021-01", "2021-03", "2022-01", "2022-05", "2023-01", "2023-02",
    ];
    assert_eq!(months(&bench, "whole"), expected);
    let orders = [
        [0, 1, 2, 3, 4],
        [3, 2, 1, 0, 4],
        [0, 2, 1, 4, 3],
        [2, 3, 4, 0, 1],
        [3, 0, 4, 2, 1],
    ];
    for order in orders {
        let data = format!("d{order:?}");
        for body in order {
            lands(&bench, &data, &[&bodies[body]]);
        }
        assert_eq!(months(&bench, &data), expected, "{order:?}");
        assert!(
            tables(&bench, &data) == tables(&bench, "whole"),
            "{order:?}"
        );
        // All of it again, and all of landing: nothing is new.
        let again = lands(&bench, &data, &whole);
        assert_eq!(again["outcome"]["changed"], json!(false), "{again}");
        let full = publish(&bench, &data, &["--full"]);
        assert_eq!(full["outcome"]["changed"], json!(false), "{full}");
    }
    let status = done(&bench, "whole", &["status"]);
    assert_eq!(status["landing"][0]["resources"], 5, "{status}");
    assert_eq!(status["lake"]["rows"]["changes"], 2, "{status}");
}

#[test]
fn resources_are_counted_without_their_years_and_a_year_that_comes_late_is_a_change() {
    let bench = bench();
    let newer = coverage("part-a-1", "2023-12-01", 2023, &[1]);
    let counts = |load: &Value| {
        let names = ["new", "changed_resources", "unchanged", "superseded_bodies"];
        names.map(|name| load["outcome"][name].as_u64().unwrap())
    };
    assert_eq!(counts(&lands(&bench, "d", &[&newer])), [1, 0, 0, 0]);
    let until = run(&bench, "d", &["changes"]).summary()["until"].clone();
    let older = coverage("part-a-1", "2022-12-01", 2022, &[1]);
    assert_eq!(counts(&lands(&bench, "d", &[&older])), [0, 0, 0, 1]);
    assert_eq!(months(&bench, "d"), ["2022-01", "2023-01"]);
    let since = ["changes", "--since", until.as_str().unwrap()];
    let changes = done(&bench, "d", &since);
    assert_eq!(changes.as_array().unwrap().len(), 1, "{changes}");
    assert_eq!(changes[0]["kind"], "changed");
    assert_eq!(changes[0]["resource_type"], "Coverage");
    assert_eq!(changes[0]["resource_id"], "part-a-1");
    // Years are no bodies.
    let traced = run(&bench, "d", &["trace", "part-a-1"]).exits(0).events();
    let traced = traced.iter().filter_map(|event| event["standing"].as_str());
    assert_eq!(traced.collect::<Vec<_>>(), ["newest", "superseded"]);
}

#[test]
fn a_coverage_that_is_gone_loses_all_years_and_comes_back_with_its_own() {
    let bench = bench();
    for full in [false, true] {
        let data = if full { "full" } else { "d" };
        let how = if full { &["--full"][..] } else { &[] };
        for (day, year) in [("2021-12-01", 2021), ("2022-12-01", 2022)] {
            lands(&bench, data, &[&coverage("part-a-1", day, year, &[1])]);
        }
        assert_eq!(months(&bench, data), ["2021-01", "2022-01"]);
        // A full read by a server that no longer has it: what it had was extracted.
        let other = coverage("part-a-2", "2023-12-01", 2023, &[9]);
        bench.write("in.ndjson", &format!("{other}\n"));
        done(&bench, data, &["import", "--api", "v2", "in.ndjson"]);
        let runs = bench
            .path()
            .join(data)
            .join("landing/api=v2/resource=Coverage");
        let mut runs: Vec<_> = fs::read_dir(runs)
            .unwrap()
            .map(|run| run.unwrap().path())
            .collect();
        runs.sort();
        for (number, run) in runs.iter().enumerate() {
            edit_manifest(run, |manifest| {
                let gone = if number == 2 {
                    json!([HASH])
                } else {
                    json!([])
                };
                manifest["origin"] = "extract".into();
                manifest["patients"] = json!([{
                    "grant": "g-00000000000000000000000000000001", "patient": "-1", "total": 1, "pages": 1,
                    "resources": 1, "last_updated": null, "state": "complete",
                    "frames": [[0, 0]], "gone": gone,
                }]);
            });
        }
        done(&bench, data, &["vault", "new", "--yes"]);
        publish(&bench, data, how);
        assert_eq!(months(&bench, data), ["2023-09"], "full: {full}");
        let back = coverage("part-a-1", "2020-12-01", 2021, &[7]);
        bench.write("in.ndjson", &format!("{back}\n"));
        done(&bench, data, &["import", "--api", "v2", "in.ndjson"]);
        publish(&bench, data, how);
        assert_eq!(months(&bench, data), ["2021-07", "2023-09"], "full: {full}");
    }
}

#[test]
fn a_labelled_coverage_loses_all_years_whatever_comes_later_of_before() {
    let part2 = |text: String| text.replace("[transform]\n", "[transform]\npart2 = \"drop\"\n");
    let bench = bench_with(part2);
    let of = |day, year| coverage("part-a-1", day, year, &[1]);
    let mut labelled = of("2022-12-01", 2022);
    labelled["meta"]["security"] = json!([{"code": "42CFRPart2"}]);
    let lands_each = |data: &str, full: bool| {
        let mut found = Vec::new();
        let bodies = [
            of("2021-12-01", 2021),
            labelled.clone(),
            of("2020-12-01", 2020),
            of("2023-12-01", 2023),
            of("2021-12-02", 2019),
        ];
        for body in &bodies {
            lands(&bench, data, &[body]);
            if full {
                publish(&bench, data, &["--full"]);
            }
            found.push(months(&bench, data).join(" "));
        }
        found
    };
    let expected = ["2021-01", "", "", "2023-01", "2023-01"];
    assert_eq!(lands_each("d", false), expected);
    assert_eq!(lands_each("full", true), expected);
    assert!(tables(&bench, "d") == tables(&bench, "full"));
}

#[test]
fn forgetting_a_patient_removes_all_years_and_their_keys() {
    let bench = bench();
    let mut other = coverage("part-a-7", "2022-12-01", 2022, &[4]);
    other["beneficiary"]["reference"] = "Patient/-7".into();
    lands(
        &bench,
        "d",
        &[&coverage("part-a-1", "2021-12-01", 2021, &[1]), &other],
    );
    lands(
        &bench,
        "d",
        &[&coverage("part-a-1", "2022-12-01", 2022, &[1])],
    );
    done(&bench, "d", &["forget", "--yes", "-1"]);
    assert_eq!(months(&bench, "d"), ["2022-04"]);
    let keys = bench.path().join("d/lake/current/keys/keys.arrow");
    let reader = FileReader::try_new(fs::File::open(keys).unwrap(), None).unwrap();
    let ids = reader.flat_map(|batch| {
        let ids = batch.unwrap().column_by_name("_id").unwrap().clone();
        let ids = ids.as_string::<i32>().iter().flatten();
        ids.map(str::to_owned).collect::<Vec<_>>()
    });
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    assert_eq!(ids, ["part-a-7", "part-a-7|2022"]);
    done(&bench, "d", &["verify"]);
    publish(&bench, "d", &["--full"]);
    assert_eq!(months(&bench, "d"), ["2022-04"]);
}

#[test]
fn a_row_of_a_kept_year_that_is_missing_or_one_too_many_is_found() {
    let bench = bench();
    for (day, year) in [("2021-12-01", 2021), ("2022-12-01", 2022)] {
        lands(&bench, "d", &[&coverage("part-a-1", day, year, &[1, 2])]);
    }
    let snapshot = bench.path().join("d/lake/current").canonicalize().unwrap();
    let wrong = |what: &str| {
        let verified = run(&bench, "d", &["verify"]).exits(1);
        assert!(
            verified.wrong().contains(&"table_rows".to_owned()),
            "{what}: {:?}",
            verified.wrong()
        );
    };
    rewrite(&snapshot, |batch| vec![batch.slice(0, 1), batch]);
    let one_more = ["2021-01", "2021-01", "2021-02", "2022-01", "2022-02"];
    assert_eq!(months(&bench, "d"), one_more);
    wrong("one more");
    rewrite(&snapshot, |batch| vec![batch.slice(2, 3)]);
    assert_eq!(months(&bench, "d"), one_more[2..]);
    wrong("one less");
}

#[test]
fn a_lake_of_before_gets_the_years_and_loses_them_with_the_rule() {
    let without = |text: String| {
        let (before, keep) = text.split_once("[derive.coverage_month.keep]").unwrap();
        let (_, load) = keep.split_once("[load]").unwrap();
        format!("{before}[load]{load}")
    };
    let bench = bench_with(without);
    for (day, year) in [("2021-12-01", 2021), ("2022-12-01", 2022)] {
        lands(&bench, "d", &[&coverage("part-a-1", day, year, &[1])]);
    }
    assert_eq!(months(&bench, "d"), ["2022-01"]);
    let until = run(&bench, "d", &["changes"]).summary()["until"].clone();
    pipeline(&bench, |text| text);
    done(&bench, "d", &["run", "--from", "transform"]);
    assert_eq!(months(&bench, "d"), ["2021-01", "2022-01"]);
    // The table is another one; no resource has changed.
    let since = ["changes", "--since", until.as_str().unwrap()];
    assert_eq!(done(&bench, "d", &since), json!([]));
    done(&bench, "d", &["verify"]);
    pipeline(&bench, without);
    done(&bench, "d", &["run", "--from", "transform"]);
    assert_eq!(months(&bench, "d"), ["2022-01"]);
    done(&bench, "d", &["verify"]);
}

#[test]
fn a_rule_that_names_no_column_is_refused() {
    for (column, words) in [("monht", "monht"), ("part", "DATE")] {
        let other = |text: String| {
            let rule = format!("year_of = \"{column}\"");
            text.replace("year_of = \"month\"", &rule)
        };
        let bench = bench_with(other);
        bench.write(
            "in.ndjson",
            &format!("{}\n", coverage("c", "2021-12-01", 2021, &[1])),
        );
        done(&bench, "d", &["import", "--api", "v2", "in.ndjson"]);
        run(&bench, "d", &["transform"]).exits(2).says(words);
    }
}
