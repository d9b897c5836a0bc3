//! What the bodies say, read back with a JSON parser of its own.

mod bodies;
mod paths;
mod search;
mod variants;

use std::sync::LazyLock;

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::FhirStore;
use crate::population::PopulationConfig;
use crate::serve::records::{Kind, Records, Search};

const PATIENTS: usize = 40;
const VERSIONS: [ApiVersion; 2] = [ApiVersion::V2, ApiVersion::V3];

/// A store of 40 patients.
fn store() -> FhirStore {
    FhirStore::new(PopulationConfig {
        seed: 11,
        patients: PATIENTS,
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
    patient: usize,
    space: ApiVersion,
    kind: Kind,
    search: &Search,
) -> Vec<Value> {
    let now = "2026-11-24T01:02:03Z".parse().unwrap();
    let found = store.search(patient, space, kind, search, now).resources;
    let parsed = found.iter().map(|body| serde_json::from_slice(body));
    parsed.collect::<Result<_, _>>().unwrap()
}

fn claims(store: &FhirStore, patient: usize, space: ApiVersion) -> Vec<Value> {
    found(store, patient, space, Kind::ExplanationOfBenefit, &every())
}

/// The claims of every patient of the store.
fn all_claims(space: ApiVersion) -> &'static [Value] {
    static CLAIMS: LazyLock<[Vec<Value>; 2]> = LazyLock::new(|| {
        let store = store();
        VERSIONS.map(|space| {
            let of_one = |patient| claims(&store, patient, space);
            (0..PATIENTS).flat_map(of_one).collect()
        })
    });
    match space {
        ApiVersion::V2 => &CLAIMS[0],
        ApiVersion::V3 | ApiVersion::Carin => &CLAIMS[1],
    }
}

fn ids(resources: &[Value]) -> Vec<String> {
    let id = |resource: &Value| resource["id"].as_str().unwrap().to_owned();
    resources.iter().map(id).collect()
}

/// Shows every value below `value` to `seen`, with the name of its member.
fn walk<'v>(value: &'v Value, name: &str, seen: &mut dyn FnMut(&str, &'v Value)) {
    seen(name, value);
    match value {
        Value::Object(members) => members
            .iter()
            .for_each(|(name, member)| walk(member, name, seen)),
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| walk(element, name, seen)),
        _ => {}
    }
}

/// The digits of an amount, as cents; panics where there are not exactly two decimals.
fn cents(amount: &Value) -> i64 {
    let text = amount.to_string();
    let (whole, fraction) = text.split_once('.').expect("two decimals");
    assert_eq!(fraction.len(), 2, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}
