//! Which version of a claim is current, and what the table `changes` says of it.

use std::collections::BTreeMap;
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{Change, CurrentCase, CurrentRule, LoadOptions, LoadOutcome, changes, load};

use crate::basic::{many, request};
use crate::lake_rows::{bytes, of, rows};
use crate::staged_runs::{Claim, Staging, run_id, stage};

fn conditions(all: &[(&str, &str)]) -> BTreeMap<String, Vec<String>> {
    all.iter()
        .map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()]))
        .collect()
}

/// The former kind of rule: the newest must meet `current_if`. Pipelines of users have it.
pub(crate) fn rule() -> CurrentRule {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    CurrentRule {
        table: "eob".to_owned(),
        column: "is_current".to_owned(),
        also: Vec::new(),
        cases: vec![
            CurrentCase {
                when: conditions(&[("source_api", "v2")]),
                current_if: conditions(&[("status", "active")]),
                group_by: names(&["patient_id", "claim_group_id"]),
                newest_by: names(&["last_updated"]),
                ..CurrentCase::default()
            },
            CurrentCase {
                when: conditions(&[("source_api", "v3")]),
                current_if: conditions(&[("final_action", "FinalAction")]),
                group_by: names(&["patient_id", "claim_group_id"]),
                newest_by: names(&["last_updated"]),
                ..CurrentCase::default()
            },
        ],
    }
}

fn load_run(data: &Path, number: u32, claims: &[Claim]) -> LoadOutcome {
    let staged = stage(data, number, claims, &Staging::default());
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        current: vec![rule()],
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).unwrap()
}

fn current(data: &Path) -> Vec<String> {
    of(&rows(&data.join("lake"), "eob"), &["eob_id", "is_current"])
}

/// Kind and id of the changes of one run.
fn changes_of(data: &Path, number: u32) -> Vec<String> {
    let since = (number > 1).then(|| run_id(number - 1));
    let all: Vec<Change> = changes(&data.join("lake"), since.as_ref())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mine = all
        .into_iter()
        .filter(|change| change.run == run_id(number).as_str());
    let mut lines: Vec<String> = mine
        .map(|change| format!("{} {}", change.resource_id, change.kind))
        .collect();
    lines.sort();
    lines
}

fn version(api: &'static str, id: &str, updated: i64, is_final: bool) -> Claim {
    Claim::new(id).with(|claim| {
        claim.api = api;
        claim.group = Some("g1".to_owned());
        claim.last_updated = Some(updated);
        claim.status = if api == "v3" || is_final {
            "active"
        } else {
            "cancelled"
        };
        claim.final_action = Some(if is_final {
            "FinalAction"
        } else {
            "NotFinalAction"
        });
    })
}

#[test]
fn a_claim_adjusted_twice_moved_to_another_year_and_cancelled_is_followed_in_v2_and_v3() {
    for api in ["v2", "v3"] {
        let data = tempfile::tempdir().unwrap();
        let data = data.path();
        let bystander = Claim::new("other").with(|claim| claim.api = api);
        load_run(data, 1, &[version(api, "a", 1, true), bystander]);
        let other = if api == "v3" {
            "other false"
        } else {
            "other true"
        };
        assert_eq!(current(data), ["a true", other], "{api}");

        // Adjusted: a new version takes over, the server marks the old one.
        load_run(
            data,
            2,
            &[version(api, "a", 2, false), version(api, "b", 3, true)],
        );
        assert_eq!(current(data), ["a false", "b true", other], "{api}");
        assert_eq!(changes_of(data, 2), ["a superseded", "b new"], "{api}");

        // Adjusted again, into another year; this time only the new version comes.
        let moved = version(api, "c", 4, true).with(|claim| claim.year = Some(2025));
        load_run(data, 3, &[moved]);
        assert_eq!(
            current(data),
            ["a false", "b false", "c true", other],
            "{api}"
        );
        assert_eq!(changes_of(data, 3), ["b superseded", "c new"], "{api}");

        // Cancelled: no version is current any more.
        let cancelled = version(api, "c", 5, false).with(|claim| claim.year = Some(2025));
        load_run(data, 4, &[cancelled]);
        assert_eq!(
            current(data),
            ["a false", "b false", "c false", other],
            "{api}"
        );
        assert_eq!(changes_of(data, 4), ["c cancelled"], "{api}");

        // Superseded claims stay, with their rows in every table.
        assert_eq!(rows(&data.join("lake"), "eob_item").len(), 8, "{api}");
    }
}

#[test]
fn what_is_current_does_not_depend_on_the_order_of_loads() {
    let history = [
        version("v2", "a", 1, true),
        version("v2", "b", 3, true).with(|claim| claim.year = Some(2020)),
        version("v2", "c", 2, true),
        version("v3", "a", 9, false),
    ];
    let mut lakes = Vec::new();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        let data = tempfile::tempdir().unwrap();
        for (number, index) in order.into_iter().enumerate() {
            load_run(data.path(), number as u32 + 1, &[history[index].clone()]);
        }
        assert_eq!(
            current(data.path()),
            ["a false", "a false", "b true", "c false"]
        );
        lakes.push(bytes(&data.path().join("lake"), &["eob", "eob_item"]));
    }
    assert_eq!(lakes[0], lakes[1]);
    assert_eq!(lakes[0], lakes[2]);
}

#[test]
fn a_row_that_no_case_fits_has_no_opinion_and_a_claim_without_group_stands_alone() {
    let data = tempfile::tempdir().unwrap();
    let unknown = Claim::new("x").with(|claim| claim.api = "v9");
    let lone = |id: &str| Claim::new(id).with(|claim| claim.last_updated = Some(1));
    load_run(data.path(), 1, &[unknown, lone("y"), lone("z")]);
    assert_eq!(current(data.path()), ["x -", "y true", "z true"]);
}

#[test]
fn a_first_load_tells_of_new_resources_and_a_second_one_of_nothing() {
    let data = tempfile::tempdir().unwrap();
    load_run(data.path(), 1, &many(3));
    let new = ["carrier--0 new", "carrier--1 new", "carrier--2 new"];
    assert_eq!(changes_of(data.path(), 1), new);
    assert!(!load_run(data.path(), 2, &many(3)).changed);
    let change = changes(&data.path().join("lake"), None)
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(
        (change.hash_before, change.hash_after.unwrap().len()),
        (None, 32)
    );
    assert!(!format!("{:?}", change.patient_id).contains("p0"));
}
