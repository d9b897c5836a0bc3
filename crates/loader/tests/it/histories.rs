//! Bodies that come in any loads, and which of them remain.

use std::path::{Path, PathBuf};

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, LoadOutcome, load};
use proptest::prelude::*;

use crate::basic::{load_claims, request};
use crate::current::rule;
use crate::lake_rows::{bytes, of, rows};
use crate::staged_runs::{Claim, Staging, stage};

fn body(updated: i64, status: &'static str) -> Claim {
    Claim::new("a").with(|claim| {
        claim.last_updated = Some(updated);
        claim.status = status;
    })
}

fn bodies_in_lake(data: &Path) -> Vec<String> {
    of(
        &rows(&data.join("lake"), "eob"),
        &["eob_id", "last_updated"],
    )
}

#[test]
fn a_body_withdrawn_twice_is_as_new_as_the_second_says() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let other = Claim::new("b");
    load_claims(data, 1, &[body(2, "active"), other]);
    load_claims(data, 2, &[body(1, "withdrawn"), body(3, "withdrawn")]);
    assert_eq!(bodies_in_lake(data), ["b 1000"]);
}

#[test]
fn two_staged_runs_with_one_id_are_refused() {
    let one = tempfile::tempdir().unwrap();
    let two = tempfile::tempdir().unwrap();
    let claims = |prefix: &str| -> Vec<Claim> {
        (0..20)
            .map(|n| Claim::new(&format!("{prefix}{n}")))
            .collect()
    };
    let staged = [
        stage(one.path(), 1, &claims("x"), &Staging::default()),
        stage(two.path(), 1, &claims("y"), &Staging::default()),
    ];
    let lake = one.path().join("lake");
    let outcome = load(&request(&lake, 1, &staged), &NoProgress);
    let refused = outcome.unwrap_err().to_string();
    assert!(
        refused.contains("another staged run has its id"),
        "{refused}"
    );
}

fn load_with(data: &Path, number: u32, claims: &[Claim], full: bool, memory: usize) -> LoadOutcome {
    let staging = Staging {
        full,
        ..Staging::default()
    };
    let staged: PathBuf = stage(data, number, claims, &staging);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options = LoadOptions {
        current: vec![rule()],
        memory_bytes: memory,
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).unwrap()
}

fn claim() -> impl Strategy<Value = Claim> {
    (0..6_u8, 0..4_u8, 0..4_i64, 0..4_u8, any::<bool>(), 0..3_i32).prop_map(
        |(id, group, updated, status, v3, year)| {
            Claim::new(&format!("c{id}")).with(|claim| {
                claim.api = if v3 { "v3" } else { "v2" };
                claim.last_updated = (updated > 0).then_some(updated);
                claim.group = (group > 0).then(|| format!("g{group}"));
                claim.status = ["active", "cancelled", "active", "withdrawn"][status as usize];
                claim.final_action = Some(match claim.status {
                    "cancelled" => "NotFinalAction",
                    _ => "FinalAction",
                });
                claim.year = (year > 0).then_some(2020 + year);
                claim.items = 1;
            })
        },
    )
}

/// What is current, by the rule in words.
fn model(history: &[Claim]) -> Vec<String> {
    let mut newest: std::collections::BTreeMap<(String, String), (Option<i64>, usize, Claim)> =
        Default::default();
    for (at, claim) in history.iter().enumerate() {
        let key = (claim.api.to_owned(), claim.id.clone());
        let age = (claim.last_updated, at);
        match newest.get(&key) {
            Some((updated, order, _)) if (*updated, *order) > age => {}
            _ => {
                newest.insert(key, (age.0, age.1, claim.clone()));
            }
        }
    }
    let newest = newest.into_values().map(|(_, _, claim)| claim);
    let all: Vec<Claim> = newest.filter(|claim| claim.status != "withdrawn").collect();
    let holds = |claim: &Claim| match claim.api {
        "v2" => claim.status == "active",
        _ => claim.final_action == Some("FinalAction"),
    };
    let mut lines: Vec<String> = all
        .iter()
        .map(|claim| {
            let is_newest = match &claim.group {
                None => true,
                Some(_) => all
                    .iter()
                    .filter(|other| other.api == claim.api && other.group == claim.group)
                    .all(|other| other.last_updated <= claim.last_updated),
            };
            format!(
                "{} {} {} {}",
                claim.api,
                claim.id,
                claim.group.as_deref().unwrap_or("-"),
                holds(claim) && is_newest
            )
        })
        .collect();
    lines.sort();
    lines
}

fn found(data: &Path) -> Vec<String> {
    of(
        &rows(&data.join("lake"), "eob"),
        &["source_api", "eob_id", "claim_group_id", "is_current"],
    )
}

/// A history in pieces, cut at these places wherever they lie.
pub(crate) fn cut_at<'h, T>(history: &'h [T], cuts: &[usize]) -> Vec<&'h [T]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (history.len() + 1)).collect();
    cuts.extend([0, history.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2)
        .map(|cut| &history[cut[0]..cut[1]])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 25,
        rng_seed: proptest::test_runner::RngSeed::Fixed(5),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_lake_is_that_of_the_newest_bodies_whatever_loads_they_come_in(history in prop::collection::vec(claim(), 1..30), cuts in prop::collection::vec(any::<usize>(), 0..5), memory in prop::sample::select(vec![1, 6 << 20])) {
        let one = tempfile::tempdir().unwrap();
        load_with(one.path(), 1, &history, true, 6 << 20);
        prop_assert_eq!(found(one.path()), model(&history));
        let many = tempfile::tempdir().unwrap();
        for (number, load) in cut_at(&history, &cuts).into_iter().enumerate() {
            load_with(many.path(), number as u32 + 1, load, false, memory);
        }
        prop_assert_eq!(found(many.path()), model(&history));
        let names = ["eob", "eob_item"];
        prop_assert!(bytes(&one.path().join("lake"), &names) == bytes(&many.path().join("lake"), &names));
        // All of landing on top: nothing changes.
        let again = load_with(many.path(), 9, &history, true, memory);
        prop_assert_eq!(found(many.path()), model(&history));
        prop_assert_eq!((again.new, again.left_out), (0, 0));
    }
}

#[test]
fn what_another_rule_decided_is_never_mixed_with_what_this_one_says() {
    use claimlake_loader::{CurrentCase, CurrentRule, is_decided_by, read_manifest};
    let first = [body(1, "active"), Claim::new("b")];
    let next = [body(2, "active")];
    let other = CurrentRule {
        cases: vec![CurrentCase {
            newest_by: vec!["last_updated".to_owned()],
            ..CurrentCase::default()
        }],
        ..rule()
    };
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    load_with(data, 1, &first, false, 10_000);
    let load_by_other = |number: u32, claims: &[Claim], full: bool| {
        let staging = Staging {
            full,
            ..Staging::default()
        };
        let staged = stage(data, number, claims, &staging);
        let mut request = request(&data.join("lake"), number, &[staged]);
        request.options.current = vec![other.clone()];
        load(&request, &NoProgress)
    };
    let refused = load_by_other(2, &next, false).unwrap_err().to_string();
    assert!(
        refused.contains("run `transform --full`, then `load`"),
        "{refused}"
    );
    let by = |rule: &CurrentRule| {
        let folder = data.join("lake/current");
        let manifest = read_manifest(&folder).unwrap();
        is_decided_by(&folder, &manifest, std::slice::from_ref(rule)).unwrap()
    };
    assert!(by(&rule()) && !by(&other));
    // The first rule goes on; all of landing, by the other rule, makes the table anew.
    load_with(data, 3, &next, false, 10_000);
    let all: Vec<Claim> = first.iter().chain(&next).cloned().collect();
    assert!(load_by_other(4, &all, true).unwrap().changed);
    assert!(by(&other) && !by(&rule()));
}
