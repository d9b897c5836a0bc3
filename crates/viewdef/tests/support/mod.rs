//! What several tests need: the pipelines' views and real bodies.
#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod arbitrary;
pub(crate) mod claims;
pub(crate) mod damage;
pub(crate) mod engines;
pub(crate) mod leaf_paths;
pub(crate) mod sentinels;
pub(crate) mod structures;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use claimlake_viewdef::definition::ViewDefinition;
use serde_json::Value;

/// The folder of the pipelines.
pub(crate) fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pipelines")
}

/// The views of the demo and of the real service by file name without extension.
pub(crate) fn pipeline_views() -> BTreeMap<String, ViewDefinition> {
    views_in("views")
}

/// The views in a folder of the pipelines.
pub(crate) fn views_in(folder: &str) -> BTreeMap<String, ViewDefinition> {
    std::fs::read_dir(pipelines().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let view = ViewDefinition::from_text(&text)
                .unwrap_or_else(|errors| panic!("{name}: {errors}"));
            (name, view)
        })
        .collect()
}

/// Real bodies of the API; none where `CLAIMLAKE_SHARED` names no folder.
pub(crate) fn real_bodies() -> Option<Vec<Value>> {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        println!("skipped: CLAIMLAKE_SHARED names no folder with real bodies");
        return None;
    };
    let mut bodies = Vec::new();
    for file in ["data/real_v2.ndjson", "data/real_v3.ndjson"] {
        let text = std::fs::read_to_string(Path::new(&shared).join(file)).unwrap();
        for line in text.lines() {
            bodies.push(serde_json::from_str(line).unwrap());
        }
    }
    Some(bodies)
}

/// Bodies that hold every path of the inventories of both APIs; none where
/// `CLAIMLAKE_SHARED` names no folder.
pub(crate) fn inventory_bodies() -> Option<Vec<Value>> {
    let Ok(shared) = std::env::var("CLAIMLAKE_SHARED") else {
        println!("skipped: CLAIMLAKE_SHARED names no folder with inventories of leaf paths");
        return None;
    };
    let mut bodies = Vec::new();
    for file in ["eob_leaf_paths_v2.csv", "eob_leaf_paths_v3.csv"] {
        let path = Path::new(&shared).join("reference").join(file);
        bodies.extend(leaf_paths::bodies(&std::fs::read_to_string(path).unwrap()));
    }
    Some(bodies)
}
