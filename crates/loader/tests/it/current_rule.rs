//! Rules of the present kind on histories of any shape: what the source states, what is preliminary,
//! what is never current, and in which order it comes.

use std::collections::BTreeMap;
use std::path::Path;

use claimlake_contract::NoProgress;
use claimlake_loader::{CurrentCase, CurrentRule, LoadOptions, load};
use proptest::prelude::*;

use crate::basic::request;
use crate::histories::cut_at;
use crate::lake_rows::{bytes, of, rows};
use crate::staged_runs::{Claim, Staging, stage};

fn rule() -> CurrentRule {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let values = |column: &str, values: &[&str]| {
        let values = values.iter().map(|&value| value.to_owned()).collect();
        BTreeMap::from([(column.to_owned(), values)])
    };
    CurrentRule {
        table: "eob".to_owned(),
        column: "is_current".to_owned(),
        also: vec!["eob_item".to_owned()],
        cases: vec![CurrentCase {
            when: values("source_api", &["v3"]),
            never_if: values("status", &["draft"]),
            stated_by: values("final_action", &["FinalAction"]),
            preliminary_if: values("eob_type", &["SHARED"]),
            final_if: values("eob_type", &["NCH"]),
            group_by: names(&["patient_id", "claim_group_id"]),
            split_by: names(&["service_date"]),
            newest_by: names(&["last_updated", "eob_id"]),
            newest_at_tie: values("status", &["original", "active"]),
            ..CurrentCase::default()
        }],
    }
}

fn load_all(data: &Path, number: u32, claims: &[Claim], full: bool, memory: usize) {
    let staging = Staging {
        full,
        ..Staging::default()
    };
    let staged = stage(data, number, claims, &staging);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        current: vec![rule()],
        memory_bytes: memory,
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).unwrap();
}

fn claim() -> impl Strategy<Value = Claim> {
    let kinds = prop::sample::select(vec![Some("SHARED"), Some("NCH"), Some("UNKNOWN"), None]);
    let tags = prop::sample::select(vec![
        None,
        None,
        Some("FinalAction"),
        Some("NotFinalAction"),
    ]);
    let statuses = prop::sample::select(vec!["active", "active", "original", "draft"]);
    (0..8_u8, 0..3_u8, 1..4_i64, kinds, tags, statuses, 0..2_i32).prop_map(
        |(id, group, updated, kind, tag, status, day)| {
            Claim::new(&format!("c{id}")).with(|claim| {
                claim.api = if id == 0 { "v2" } else { "v3" };
                claim.last_updated = Some(updated);
                claim.group = (group > 0).then(|| format!("g{group}"));
                claim.eob_type = kind;
                claim.final_action = tag;
                claim.status = status;
                claim.day = 19_500 + day;
                claim.items = i32::from(id % 4);
            })
        },
    )
}

/// The rule in words, version by version.
fn model(history: &[Claim]) -> Vec<String> {
    let mut bodies: BTreeMap<&str, &Claim> = BTreeMap::new();
    for body in history {
        let known = bodies.get(body.id.as_str());
        if known.is_none_or(|known| known.last_updated <= body.last_updated) {
            bodies.insert(&body.id, body);
        }
    }
    let all: Vec<&Claim> = bodies.into_values().collect();
    let mut lines: Vec<String> = all
        .iter()
        .map(|claim| {
            let says = if claim.api == "v2" {
                "-".to_owned()
            } else {
                is_current(claim, &all).to_string()
            };
            format!("{} {says}", claim.id)
        })
        .collect();
    lines.sort();
    lines
}

fn is_current(claim: &Claim, all: &[&Claim]) -> bool {
    let versions: Vec<&&Claim> = all
        .iter()
        .filter(|other| match &claim.group {
            Some(_) => other.api == "v3" && other.group == claim.group && other.day == claim.day,
            None => other.id == claim.id,
        })
        .collect();
    let has_final =
        claim.group.is_some() && versions.iter().any(|other| other.eob_type == Some("NCH"));
    let gives_way = |claim: &Claim| has_final && claim.eob_type == Some("SHARED");
    if claim.status == "draft" || gives_way(claim) {
        return false;
    }
    if let Some(tag) = claim.final_action {
        return tag == "FinalAction";
    }
    if versions.iter().any(|other| other.final_action.is_some()) {
        return false;
    }
    let age = |claim: &Claim| {
        let tie = ["original", "active"]
            .iter()
            .position(|status| *status == claim.status);
        (claim.last_updated, tie, claim.id.clone())
    };
    versions
        .iter()
        .filter(|other| !gives_way(other))
        .all(|other| age(other) <= age(claim))
}

fn found(data: &Path) -> Vec<String> {
    of(&rows(&data.join("lake"), "eob"), &["eob_id", "is_current"])
}

/// What the items say, by claim; those of one say the same.
fn found_in_items(data: &Path) -> Vec<String> {
    let mut items = of(
        &rows(&data.join("lake"), "eob_item"),
        &["eob_id", "is_current"],
    );
    items.dedup();
    items
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 40,
        rng_seed: proptest::test_runner::RngSeed::Fixed(14),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_loads_bodies_come_in_the_versions_that_count_are_current(history in prop::collection::vec(claim(), 1..25), cuts in prop::collection::vec(any::<usize>(), 0..5), memory in prop::sample::select(vec![1, 6 << 20])) {
        let one = tempfile::tempdir().unwrap();
        load_all(one.path(), 1, &history, true, 6 << 20);
        prop_assert_eq!(found(one.path()), model(&history));
        let many = tempfile::tempdir().unwrap();
        for (number, load) in cut_at(&history, &cuts).into_iter().enumerate() {
            load_all(many.path(), number as u32 + 1, load, false, memory);
        }
        prop_assert_eq!(found(many.path()), model(&history));
        let with_items: Vec<String> = model(&history)
            .into_iter()
            .filter(|line| !(line.starts_with("c0 ") || line.starts_with("c4 ")))
            .collect();
        prop_assert_eq!(found_in_items(many.path()), with_items);
        let names = ["eob", "eob_item"];
        prop_assert!(bytes(&one.path().join("lake"), &names) == bytes(&many.path().join("lake"), &names));
    }
}
