//! Every scalar of a body is in some table, or its path is reported as unread.

use std::collections::BTreeSet;
use std::path::Path;

use claimlake_contract::{ApiVersion, ResourceType};
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

#[test]
fn every_scalar_of_real_bodies_is_in_a_table_or_told_as_unread() {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        println!("skipped: CLAIMLAKE_SHARED names no folder with real bodies");
        return;
    };
    let views = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines/views");
    for (api, file) in [(ApiVersion::V2, "real_v2"), (ApiVersion::V3, "real_v3")] {
        let mut scene = Scene::new();
        scene.views = std::fs::read_dir(&views)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .map(|path| ViewText {
                place: path.display().to_string(),
                text: std::fs::read_to_string(&path).unwrap(),
            })
            .collect();
        let text = std::fs::read_to_string(format!("{shared}/data/{file}.ndjson")).unwrap();
        let mut made = Vec::new();
        let mut next = 100_000;
        let mut by_type: std::collections::BTreeMap<String, Vec<String>> = Default::default();
        for line in text.lines() {
            let mut body: Value = serde_json::from_str(line).unwrap();
            // Some bodies are snapshots of before the server gave them an id.
            if body.get("id").is_none() {
                body["id"] = "none".into();
            }
            let resource = body["resourceType"].as_str().unwrap().to_owned();
            let body = replaced(&body, "", &mut next, &mut made);
            by_type.entry(resource).or_default().push(body.to_string());
        }
        for (resource, lines) in by_type {
            let resource: ResourceType = resource.parse().unwrap();
            scene.land_as(api, &resource, &[lines]);
        }
        let staged = scene.transform();
        assert_eq!(staged.outcome.manifest.rejected_resources, 0);
        let mut held = BTreeSet::new();
        for table in &staged.outcome.manifest.tables {
            for row in staged.rows(&table.layout.name) {
                for cell in row.into_values().flatten() {
                    for part in cell.split('\u{1f}') {
                        held.insert(part.trim_start_matches("Patient/").to_owned());
                        // Decimals have the zeros of their scale.
                        held.insert(part.split('.').next().unwrap_or_default().to_owned());
                    }
                }
            }
        }
        let unread: BTreeSet<String> = staged.unread().into_iter().collect();
        assert_eq!(
            unread.iter().collect::<Vec<_>>(),
            ["resourceType"],
            "{file}"
        );
        let lost: BTreeSet<&str> = made
            .iter()
            .filter(|(_, sentinel)| !held.contains(sentinel))
            .map(|(path, _)| path.as_str())
            .collect();
        assert!(made.len() > 1_000, "{}", made.len());
        assert!(lost.is_empty(), "{file}: {lost:?}");
    }
}
