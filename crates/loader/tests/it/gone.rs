//! Resources that the server no longer has leave the lake, and come back when they land again.

use std::path::Path;

use claimlake_contract::{ApiVersion, NoProgress, PatientId, Person};
use claimlake_loader::{
    CurrentCase, CurrentRule, ForgetRequest, LoadOptions, LoadOutcome, ResourceStatus, forget,
    known_resources, load, read_manifest,
};

use crate::basic::{load_claims, many, request};
use crate::lake_rows::{of, rows};
use crate::staged_runs::{Claim, Staging, stage};

fn newest_of_a_group() -> CurrentRule {
    CurrentRule {
        table: "eob".to_owned(),
        column: "is_current".to_owned(),
        also: Vec::new(),
        cases: vec![CurrentCase {
            group_by: vec!["claim_group_id".to_owned()],
            newest_by: vec!["last_updated".to_owned()],
            ..CurrentCase::default()
        }],
    }
}

fn gone(claim: &Claim) -> Claim {
    claim.clone().with(|claim| {
        claim.last_updated = None;
        claim.status = "gone";
    })
}

fn ids(data: &Path) -> Vec<String> {
    let mut ids = of(&rows(&data.join("lake"), "eob"), &["eob_id"]);
    ids.sort();
    ids
}

fn known(data: &Path) -> Vec<(String, ResourceStatus)> {
    let snapshot = data.join("lake/current");
    let manifest = read_manifest(&snapshot).unwrap();
    let mut known = Vec::new();
    known_resources(&snapshot, &manifest, |found, status| {
        known.push((found.resource_id.to_owned(), status));
    })
    .unwrap();
    known.sort_by(|one, other| one.0.cmp(&other.0));
    known
}

fn full(data: &Path, number: u32, claims: &[Claim], rebuild: bool) -> LoadOutcome {
    let staging = Staging {
        full: true,
        ..Staging::default()
    };
    let staged = stage(data, number, claims, &staging);
    let mut request = request(&data.join("lake"), number, &[staged]);
    request.options.rebuild = rebuild;
    load(&request, &NoProgress).unwrap()
}

#[test]
fn a_run_that_says_only_that_a_claim_is_gone_publishes_the_lake_without_it() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let claims = many(6);
    load_claims(data, 1, &claims);
    let outcome = load_claims(data, 2, &[gone(&claims[3])]);
    assert_eq!((outcome.changed, outcome.gone), (true, 1));
    assert_eq!((outcome.new, outcome.dropped, outcome.left_out), (0, 0, 0));
    let expected: Vec<String> = (0..6)
        .filter(|number| *number != 3)
        .map(|number| format!("carrier--{number}"))
        .collect();
    assert_eq!(ids(data), expected);
    let known = known(data);
    assert_eq!(known[3], ("carrier--3".to_owned(), ResourceStatus::Gone));
    assert!(
        known[4..]
            .iter()
            .all(|(_, status)| *status == ResourceStatus::InLake)
    );
    // All of landing says the same, also where tables are made anew, and nothing is absent.
    let mut all = claims.clone();
    all.push(gone(&claims[3]));
    assert!(!full(data, 3, &all, false).changed);
    full(data, 4, &all, true);
    assert_eq!(ids(data), expected);
    // Landed again, with an older body than before.
    let older = claims[3].clone().with(|claim| claim.last_updated = Some(1));
    assert_eq!(load_claims(data, 5, std::slice::from_ref(&older)).new, 1);
    assert_eq!(ids(data).len(), 6);
    all.push(older);
    assert!(!full(data, 6, &all, false).changed);
}

#[test]
fn of_the_versions_of_a_claim_another_is_current_where_the_newest_is_gone() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let version = |id: &str, updated: i64| {
        Claim::new(id).with(|claim| {
            claim.group = Some("g".to_owned());
            claim.last_updated = Some(updated);
        })
    };
    let load_with_rule = |number: u32, claims: &[Claim]| {
        let staged = stage(data, number, claims, &Staging::default());
        let mut request = request(&data.join("lake"), number, &[staged]);
        request.options.current = vec![newest_of_a_group()];
        load(&request, &NoProgress).unwrap()
    };
    let (old, new) = (version("a", 1), version("b", 2));
    load_with_rule(1, &[old, new.clone()]);
    let current = || of(&rows(&data.join("lake"), "eob"), &["eob_id", "is_current"]);
    assert_eq!(current(), ["a false", "b true"]);
    load_with_rule(2, &[gone(&new)]);
    assert_eq!(current(), ["a true"]);
}

#[test]
fn forgetting_a_person_takes_what_is_known_to_be_gone() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let theirs = Claim::new("a");
    let others = Claim::new("b").with(|claim| claim.patient = "p2".to_owned());
    load_claims(data, 1, &[theirs.clone(), others.clone()]);
    load_claims(data, 2, &[gone(&theirs), gone(&others)]);
    let mut person = Person::default();
    person.ids.insert((ApiVersion::V2, PatientId::new("p1")));
    let request = ForgetRequest {
        lake: data.join("lake"),
        run: crate::staged_runs::run_id(3),
        person: person.clone(),
        resources: Vec::new(),
        options: LoadOptions::default(),
        published_at: "2026-11-29T00:00:00Z".to_owned(),
    };
    forget(&request, &NoProgress).unwrap();
    assert_eq!(known(data), [("b".to_owned(), ResourceStatus::Gone)]);
}

#[test]
fn a_claim_that_was_never_loaded_is_remembered_as_gone_and_makes_no_rows() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let claim = Claim::new("a");
    let outcome = load_claims(data, 1, &[claim.clone(), gone(&claim), Claim::new("b")]);
    assert_eq!((outcome.new, outcome.gone, outcome.left_out), (1, 0, 1));
    assert_eq!(ids(data), ["b"]);
    assert_eq!(of(&rows(&data.join("lake"), "changes"), &["kind"]), ["new"]);
}
