//! Nothing is lost between a line and the lake: every scalar of bodies that hold every path of the
//! API's inventories is replaced by one that occurs nowhere else, and looked for in the tables.

#[path = "../../crates/viewdef/tests/support/leaf_paths.rs"]
mod leaf_paths;
#[path = "../../crates/viewdef/tests/support/sentinels.rs"]
#[allow(dead_code, reason = "shared with tests of single bodies")]
mod sentinels;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use parquet::record::Field;
use serde_json::Value;

use crate::command::{Bench, skipped, words};
use crate::files::only;
use crate::lake_rows;
use sentinels::{Sentinels, is_told_apart};

/// A value as both sides can show it: texts as they are, of dates and times the day (no two
/// sentinels share one), numbers without needless zeros.
fn shown(text: &str) -> String {
    let is_date = text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    if is_date {
        return text[..10].to_owned();
    }
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    match is_number && text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    }
}

fn shown_value(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        other => shown(&other.to_string()),
    }
}

fn collect(field: &Field, values: &mut BTreeSet<String>) {
    match field {
        Field::Null => {}
        Field::Str(text) => {
            values.insert(shown(text));
        }
        Field::ListInternal(list) => list
            .elements()
            .iter()
            .for_each(|item| collect(item, values)),
        Field::Group(row) => row
            .get_column_iter()
            .for_each(|(_, item)| collect(item, values)),
        other => {
            values.insert(shown(&other.to_string()));
        }
    }
}

/// Every value of every table, and of the partitions.
fn values_of(lake: &Path) -> BTreeSet<String> {
    let mut values = BTreeSet::new();
    for path in lake_rows::parquet_files(lake) {
        for part in path.components() {
            let part = part.as_os_str().to_string_lossy();
            values.extend(part.split_once('=').map(|(_, value)| value.to_owned()));
        }
        for row in lake_rows::rows_of(&path) {
            row.get_column_iter()
                .for_each(|(_, field)| collect(field, &mut values));
        }
    }
    values
}

#[test]
fn every_scalar_of_synthetic_claims_is_in_the_lake() {
    let generate =
        words("sandbox generate --patients 1 --eobs 12 --resource ExplanationOfBenefit --api");
    for api in ["v2", "v3"] {
        let claims = Bench::new()
            .done(&[&generate[..], &[api]].concat())
            .events();
        nothing_is_lost(api, &claims);
    }
}

#[test]
fn every_scalar_of_every_path_of_the_inventories_is_in_the_lake() {
    let Some(shared) = std::env::var_os("CLAIMLAKE_SHARED") else {
        return skipped("CLAIMLAKE_SHARED is not set: no inventories of leaf paths to read");
    };
    for api in ["v2", "v3"] {
        let inventory = Path::new(&shared).join(format!("reference/eob_leaf_paths_{api}.csv"));
        nothing_is_lost(
            api,
            &leaf_paths::bodies(&fs::read_to_string(inventory).unwrap()),
        );
    }
}

fn nothing_is_lost(api: &str, bodies: &[Value]) {
    let (bodies, made) = Sentinels::replace_all(bodies);
    let lines: Vec<String> = bodies.iter().map(Value::to_string).collect();
    let bench = Bench::new();
    bench.write("in.ndjson", &lines.join("\n"));
    bench.done(&["--data", "d", "import", "--api", api, "in.ndjson"]);
    let transformed = bench
        .done(&["--data", "d", "--json", "transform"])
        .summary();
    assert_eq!(
        transformed["transform"]["rejected_resources"], 0,
        "{transformed}"
    );
    let unread = unread_paths(&bench.path().join("d/staged"));
    bench.done(&["--data", "d", "load"]);

    let found = values_of(&fs::canonicalize(bench.path().join("d/lake/current")).unwrap());
    let mut lost: BTreeMap<&str, usize> = BTreeMap::new();
    for (path, value) in &made {
        let is_reported = unread.iter().any(|unread| is_below(path, unread));
        if is_told_apart(value) && !is_reported && !found.contains(&shown_value(value)) {
            *lost.entry(path).or_default() += 1;
        }
    }
    assert!(made.len() > 500, "{} sentinels", made.len());
    assert!(lost.is_empty(), "{api}: {lost:#?}");
    assert_eq!(unread.iter().collect::<Vec<_>>(), ["resourceType"], "{api}");
}

/// Whether a path, which begins with its resource type, is an unread one or below it.
fn is_below(path: &str, unread: &str) -> bool {
    let path = path.split_once('.').map_or("", |(_, path)| path);
    path.strip_prefix(unread)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn unread_paths(staged: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(only(staged).join("unread.json")).unwrap();
    let unread: Value = serde_json::from_str(&text).unwrap();
    let paths = unread["paths"].as_array().unwrap().iter();
    paths
        .map(|lost| lost["path"].as_str().unwrap().to_owned())
        .collect()
}
