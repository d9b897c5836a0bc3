//! Every structural path of the real bodies occurs in ours.

use std::collections::BTreeSet;
use std::path::PathBuf;

use claimlake_contract::ApiVersion;
use serde_json::Value;

use super::{every, found};
use crate::fhir::FhirStore;
use crate::population::PopulationConfig;
use crate::serve::records::Kind;

/// Adds the path of every leaf, arrays collapsed to `[]`.
fn collect(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let dot = if path.is_empty() { "" } else { "." };
                collect(member, &format!("{path}{dot}{name}"), paths);
            }
        }
        Value::Array(elements) => {
            elements
                .iter()
                .for_each(|element| collect(element, &format!("{path}[]"), paths));
        }
        _ => {
            paths.insert(path.to_owned());
        }
    }
}

/// Resource type and structural path of each row of an inventory.
fn inventory(text: &str) -> BTreeSet<(String, String)> {
    text.lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = Vec::new();
            let (mut cell, mut quoted) = (String::new(), false);
            for letter in line.chars() {
                match letter {
                    '"' => quoted = !quoted,
                    ',' if !quoted => cells.push(std::mem::take(&mut cell)),
                    _ => cell.push(letter),
                }
            }
            cells.push(cell);
            Some((cells.first()?.clone(), cells.get(2)?.clone()))
        })
        .collect()
}

#[test]
fn every_structural_path_of_the_real_bodies_occurs() {
    let Some(shared) = std::env::var_os("CLAIMLAKE_SHARED").map(PathBuf::from) else {
        eprintln!("SKIPPED: CLAIMLAKE_SHARED names no folder with the inventories of real bodies");
        return;
    };
    let store = FhirStore::new(PopulationConfig {
        seed: 1,
        patients: 30,
        eobs_mean: 40,
    });
    for (space, name) in [(ApiVersion::V2, "v2"), (ApiVersion::V3, "v3")] {
        let file = shared.join(format!("reference/eob_leaf_paths_{name}.csv"));
        let text = std::fs::read_to_string(&file).unwrap();
        let mut ours = BTreeSet::new();
        for (patient, kind) in (0..30).flat_map(|patient| Kind::ALL.map(|kind| (patient, kind))) {
            let mut paths = BTreeSet::new();
            for body in found(&store, patient, space, kind, &every()) {
                collect(&body, "", &mut paths);
            }
            ours.extend(
                paths
                    .into_iter()
                    .map(|path| (kind.as_str().to_owned(), path)),
            );
        }
        let real = inventory(&text);
        assert!(real.len() > 200, "the inventory was not understood");
        let missing: Vec<_> = real.difference(&ours).cloned().collect();
        assert!(missing.is_empty(), "{name} lacks {missing:#?}");
    }
}
