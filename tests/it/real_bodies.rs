//! Bodies of servers from end to end: every resource once, every array element a row.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Bench, skipped, words};

/// Runs a check on synthetic bodies, some of which were updated later or have no id, and on real ones
/// where they are to be had.
fn with_bodies(check: impl Fn(&[PathBuf])) {
    let bench = Bench::new();
    let own = ["v2", "v3"].map(|api| {
        let of_week = |week: &str, updated: [&str; 2]| {
            let generate = words("sandbox generate --patients 2 --eobs 20 --seed 9 --weeks");
            let generate = [&generate[..], &[week, "--api", api]].concat();
            let mut bodies = bench.done(&generate).events();
            for (number, body) in bodies.iter_mut().enumerate() {
                body["meta"]["lastUpdated"] = updated[number % 2].into();
            }
            bodies
        };
        // What comes later is newer or older.
        let first = of_week("0", ["2026-02-02T00:00:00Z"; 2]);
        let later = of_week(
            "5",
            ["2026-01-01T00:00:00Z", "2026-02-02T00:00:00.25+00:00"],
        );
        let mut bodies = [first, later].concat();
        for body in bodies.iter_mut().step_by(20) {
            body.as_object_mut().unwrap().remove("id");
        }
        let lines: String = bodies.iter().map(|body| format!("{body}\n")).collect();
        bench.write(&format!("{api}.ndjson"), &lines)
    });
    check(&own);
    match std::env::var_os("CLAIMLAKE_SHARED") {
        None => skipped("CLAIMLAKE_SHARED is not set: no real server bodies to read"),
        Some(shared) => {
            let data = PathBuf::from(shared).join("data");
            check(&["real_v2.ndjson", "real_v3.ndjson"].map(|name| data.join(name)));
        }
    }
}

/// By API, type and id the newest body; at a tie the last line.
fn newest(bodies: &[PathBuf]) -> (BTreeMap<(&'static str, String, String), Value>, u64) {
    let mut newest: BTreeMap<(&'static str, String, String), Value> = BTreeMap::new();
    let mut without_id = 0;
    for (api, path) in ["v2", "v3"].into_iter().zip(bodies) {
        for line in fs::read_to_string(path).unwrap().lines() {
            let body: Value = serde_json::from_str(line).unwrap();
            let Some(id) = body["id"].as_str() else {
                without_id += 1;
                continue;
            };
            let key = (
                api,
                body["resourceType"].as_str().unwrap().into(),
                id.into(),
            );
            let is_older = newest
                .get(&key)
                .is_some_and(|other| instant(&body) < instant(other));
            if !is_older {
                newest.insert(key, body);
            }
        }
    }
    (newest, without_id)
}

/// `meta.lastUpdated` of these bodies is in UTC throughout: seconds, then the fraction.
fn instant(body: &Value) -> (String, String) {
    let text = body["meta"]["lastUpdated"].as_str().unwrap_or_default();
    assert!(
        text.is_empty() || text.ends_with('Z') || text.ends_with("+00:00"),
        "another zone"
    );
    let seconds = text.get(..19).unwrap_or_default();
    let rest = text.get(19..).unwrap_or_default();
    let fraction: String = rest.chars().filter(char::is_ascii_digit).collect();
    let fraction = if rest.starts_with('.') {
        fraction
    } else {
        String::new()
    };
    (seconds.into(), fraction)
}

#[test]
fn bodies_become_a_row_each_and_array_elements_too() {
    with_bodies(become_rows);
}

fn become_rows(bodies: &[PathBuf]) {
    let (newest, without_id) = newest(bodies);
    let bench = Bench::new();
    let inputs: Vec<&str> = bodies.iter().map(|path| path.to_str().unwrap()).collect();
    let imported = bench.done(&[&["--json", "--data", "d", "import"], inputs.as_slice()].concat());
    assert_eq!(imported.summary()["import"]["rejected"], 0);

    let transformed = bench.run(&["--json", "--data", "d", "transform"]);
    // More than one in a hundred of these bodies has no id.
    assert_eq!(transformed.exit, 3, "{}", transformed.stderr);
    let summary = transformed.summary();
    assert_eq!(summary["transform"]["rejected_resources"], without_id);

    let loaded = bench.done(&["--json", "--data", "d", "load"]).summary();
    let rows = &loaded["load"]["rows"];
    for (table, resource_type) in [
        ("eob", "ExplanationOfBenefit"),
        ("coverage", "Coverage"),
        ("patient", "Patient"),
    ] {
        let expected = newest.keys().filter(|key| key.1 == resource_type).count();
        assert_eq!(rows[table], expected, "{table}");
    }
    for (table, array) in [
        ("eob_item", "item"),
        ("eob_diagnosis", "diagnosis"),
        ("eob_supporting_info", "supportingInfo"),
        ("eob_procedure", "procedure"),
        ("eob_care_team", "careTeam"),
        ("eob_total", "total"),
    ] {
        assert_eq!(
            rows[table],
            elements(&newest, |eob| length(&eob[array])),
            "{table}"
        );
    }
    let adjudications = elements(&newest, |eob| {
        let items = eob["item"].as_array().into_iter().flatten();
        items.map(|item| length(&item["adjudication"])).sum()
    });
    assert_eq!(rows["eob_item_adjudication"], adjudications);
}

fn length(array: &Value) -> usize {
    array.as_array().map_or(0, Vec::len)
}

fn elements(
    newest: &BTreeMap<(&'static str, String, String), Value>,
    count: impl Fn(&Value) -> usize,
) -> usize {
    let eobs = newest
        .iter()
        .filter(|(key, _)| key.1 == "ExplanationOfBenefit");
    eobs.map(|(_, body)| count(body)).sum()
}

#[test]
fn the_same_bodies_twice_change_nothing() {
    with_bodies(change_nothing_twice);
}

fn change_nothing_twice(bodies: &[PathBuf]) {
    let bench = Bench::new();
    let inputs: Vec<&str> = bodies.iter().map(|path| path.to_str().unwrap()).collect();
    let all = || {
        bench.done(&[&["--data", "d", "import"], inputs.as_slice()].concat());
        bench.run(&["--data", "d", "transform"]);
        bench.done(&["--json", "--data", "d", "load"]).summary()
    };
    let first = all();
    let second = all();
    assert_eq!(first["load"]["changed"], true);
    assert_eq!(second["load"]["changed"], false);
    assert_eq!(first["load"]["rows"], second["load"]["rows"]);
    assert_eq!(first["load"]["snapshot"], second["load"]["snapshot"]);
}
