//! What the bodies say, read back with a JSON parser of its own.

mod bodies;
mod paths;
mod search;
mod variants;

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::FhirStore;
use crate::population::PopulationConfig;
use crate::serve::records::{Kind, Records, Search};

/// A store of 40 people.
fn store() -> FhirStore {
    FhirStore::new(PopulationConfig {
        seed: 11,
        patients: 40,
        eobs_mean: 30,
    })
}

fn every() -> Search {
    Search {
        count: usize::MAX,
        ..Search::default()
    }
}

/// What a search finds, parsed.
fn found(
    store: &FhirStore,
    person: usize,
    space: ApiVersion,
    kind: Kind,
    search: &Search,
) -> Vec<Value> {
    let now = "2026-11-24T01:02:03Z".parse().unwrap();
    store
        .search(person, space, kind, search, now)
        .resources
        .iter()
        .map(|body| serde_json::from_slice(body).unwrap())
        .collect()
}

fn claims(store: &FhirStore, person: usize, space: ApiVersion) -> Vec<Value> {
    found(store, person, space, Kind::ExplanationOfBenefit, &every())
}

fn ids(resources: &[Value]) -> Vec<String> {
    resources
        .iter()
        .map(|resource| resource["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The digits of an amount, as cents; panics where there are not exactly two decimals.
fn cents(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').expect("two decimals");
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}
