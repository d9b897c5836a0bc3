//! Every scalar of a body is in some table, or its path is reported as unread.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;

use claimlake_contract::{ApiVersion, EXCHANGES_FILE, RecordedExchange, ResourceType};
use claimlake_transformer::ViewText;
use serde_json::Value;

use crate::scene::Scene;

/// Replaces texts and numbers by ones of their own; what decides (types, systems, dates) stays.
fn replaced(value: &Value, path: &str, next: &mut u64, made: &mut Vec<(String, String)>) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| {
                let path = format!("{path}.{key}");
                (
                    key.clone(),
                    replaced(value, path.trim_start_matches('.'), next, made),
                )
            })
            .collect(),
        Value::Array(items) => {
            let items = items.iter();
            items.map(|item| replaced(item, path, next, made)).collect()
        }
        Value::String(text) => {
            *next += 1;
            let is_date = text.len() >= 10
                && text.as_bytes()[4] == b'-'
                && text.starts_with(|first: char| first.is_ascii_digit());
            let sentinel = match path.rsplit('.').next() {
                Some("resourceType") => return value.clone(),
                _ if is_date => text.clone(),
                Some("reference") => format!("Patient/sentinel-{next}"),
                _ => format!("sentinel-{next}"),
            };
            if !is_date {
                let shown = sentinel.trim_start_matches("Patient/");
                made.push((path.to_owned(), shown.to_owned()));
            }
            sentinel.into()
        }
        Value::Number(_) => {
            *next += 1;
            made.push((path.to_owned(), next.to_string()));
            (*next).into()
        }
        other => other.clone(),
    }
}

/// The bodies of a recording of our sandbox: all claim types of the API version, coverages, patients.
fn recorded(api: ApiVersion) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/recordings");
    let file = folder.join(api.as_str()).join(EXCHANGES_FILE);
    let text = zstd::decode_all(std::fs::File::open(file).unwrap()).unwrap();
    let exchanges = serde_json::Deserializer::from_slice(&text).into_iter::<RecordedExchange>();
    let mut bodies = Vec::new();
    for body in exchanges.filter_map(|exchange| exchange.unwrap().body) {
        let bundle: Value = serde_json::from_str(&body).unwrap_or_default();
        let entries = bundle["entry"].as_array().into_iter().flatten();
        bodies.extend(entries.map(|entry| entry["resource"].clone()));
    }
    bodies
}

/// Bodies that CMS has sent, which are not part of the project; none where they are not here.
fn real(api: ApiVersion) -> Option<Vec<Value>> {
    let shared = std::env::var("CLAIMLAKE_SHARED").ok()?;
    let text = std::fs::read_to_string(format!("{shared}/data/real_{api}.ndjson")).unwrap();
    let bodies = text.lines().map(|line| serde_json::from_str(line).unwrap());
    Some(bodies.collect())
}

fn pipeline_views() -> Vec<ViewText> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/views");
    let paths = std::fs::read_dir(folder).unwrap();
    let paths = paths.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .map(|path| ViewText {
            place: path.display().to_string(),
            text: std::fs::read_to_string(&path).unwrap(),
        })
        .collect()
}

/// Replaces the scalars of the bodies by ones that occur once and looks for these in the tables.
fn assert_nothing_is_lost(api: ApiVersion, bodies: Vec<Value>, at_least: usize) {
    let mut scene = Scene::new();
    scene.views = pipeline_views();
    let mut made = Vec::new();
    let mut next = 100_000;
    let mut by_type: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut body in bodies {
        // Some bodies are snapshots of before the server gave them an id.
        if body.get("id").is_none() {
            body["id"] = "none".into();
        }
        let resource = body["resourceType"].as_str().unwrap().to_owned();
        let body = replaced(&body, "", &mut next, &mut made);
        by_type.entry(resource).or_default().push(body.to_string());
    }
    assert!(by_type.contains_key("ExplanationOfBenefit"));
    for (resource, lines) in by_type {
        let resource: ResourceType = resource.parse().unwrap();
        scene.land_as(api, &resource, &[lines]);
    }
    let staged = scene.transform();
    assert_eq!(staged.outcome.manifest.rejected_resources, 0);
    let mut found = BTreeSet::new();
    for table in &staged.outcome.manifest.tables {
        let rows = staged.rows(&table.layout.name).into_iter();
        for cell in rows.flat_map(BTreeMap::into_values).flatten() {
            for part in cell.split('\u{1f}') {
                found.insert(part.trim_start_matches("Patient/").to_owned());
                // Decimals have the zeros of their scale.
                found.insert(part.split('.').next().unwrap_or_default().to_owned());
            }
        }
    }
    let unread: BTreeSet<String> = staged.unread().into_iter().collect();
    assert_eq!(unread.iter().collect::<Vec<_>>(), ["resourceType"], "{api}");
    let lost = made
        .iter()
        .filter(|(_, sentinel)| !found.contains(sentinel));
    let lost: BTreeSet<&str> = lost.map(|(path, _)| path.as_str()).collect();
    assert!(made.len() > at_least, "{}", made.len());
    assert!(lost.is_empty(), "{api}: {lost:?}");
}

#[test]
fn every_scalar_of_recorded_bodies_is_in_a_table_or_reported_as_unread() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        assert_nothing_is_lost(api, recorded(api), 1_000);
    }
}

/// An addition to the test above, with bodies that are not part of the project.
#[test]
fn every_scalar_of_real_bodies_is_in_a_table_or_reported_as_unread() {
    for api in [ApiVersion::V2, ApiVersion::V3] {
        match real(api) {
            Some(bodies) => assert_nothing_is_lost(api, bodies, 1_000),
            // Written past the capture of the test harness, so that it is seen.
            None => {
                let words = "SKIPPED: CLAIMLAKE_SHARED names no folder with real bodies";
                writeln!(std::io::stderr(), "{words} ({api})").unwrap();
            }
        }
    }
}
