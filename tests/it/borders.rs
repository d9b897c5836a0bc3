//! Who may use whom, and which third-party crates stay out of which of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates and what of ours each may use. The command may use all.
const ARROWS: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("extractor", &["contract", "landing", "vault"]),
    ("landing", &["contract"]),
    ("loader", &["contract"]),
    ("sandbox", &["contract"]),
    ("transformer", &["contract", "landing", "viewdef"]),
    ("vault", &["contract"]),
    ("verify", &["contract", "landing", "loader", "viewdef"]),
    ("viewdef", &[]),
];

const NETWORK: &[&str] = &["hyper", "reqwest", "tokio", "rustls", "oauth2"];
const TABLES: &[&str] = &["arrow-array", "arrow-schema", "parquet"];
const VAULT: &[&str] = &["rusqlite", "chacha20poly1305"];
const TERMINAL: &[&str] = &["clap", "indicatif", "tracing-subscriber"];

/// What must not be reachable from a crate, however indirectly.
const FENCES: &[(&str, &[&[&str]])] = &[
    ("contract", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("extractor", &[TABLES, TERMINAL]),
    ("landing", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("loader", &[NETWORK, VAULT, TERMINAL]),
    ("sandbox", &[TABLES, VAULT, TERMINAL]),
    ("transformer", &[NETWORK, VAULT, TERMINAL]),
    ("vault", &[NETWORK, TABLES, TERMINAL]),
    ("verify", &[NETWORK, VAULT, TERMINAL]),
    ("viewdef", &[NETWORK, VAULT, TERMINAL]),
];

#[test]
fn crates_use_only_those_that_the_design_lets_them_use() {
    let graph = Graph::read();
    for (name, allowed) in ARROWS {
        let ours: BTreeSet<&str> = graph.direct(&package(name)).filter_map(short).collect();
        let stray: Vec<_> = ours.iter().filter(|used| !allowed.contains(used)).collect();
        assert!(stray.is_empty(), "{name} must not use {stray:?}");
    }
}

#[test]
fn every_crate_has_its_arrows_and_its_fence() {
    let graph = Graph::read();
    let crates: BTreeSet<&str> = graph
        .members
        .iter()
        .filter_map(|name| short(name))
        .collect();
    let expected: BTreeSet<&str> = crates.into_iter().filter(|name| *name != "tests").collect();
    let arrows: BTreeSet<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    let fences: BTreeSet<&str> = FENCES.iter().map(|(name, _)| *name).collect();
    assert_eq!(arrows, expected);
    assert_eq!(fences, expected);
}

#[test]
fn no_stage_reaches_a_library_that_is_not_its_business() {
    let graph = Graph::read();
    for (name, fences) in FENCES {
        let reached = graph.reached(&package(name));
        for stray in fences.iter().flat_map(|fence| fence.iter()) {
            assert!(!reached.contains(*stray), "{name} reaches {stray}");
        }
    }
}

#[test]
fn tls_is_rustls_with_ring_alone() {
    let graph = Graph::read();
    let reached = graph.reached("claimlake");
    for stray in ["aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!reached.contains(stray), "the command reaches {stray}");
    }
}

#[test]
fn the_sandbox_is_not_linked_without_its_feature() {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--locked",
        "--package",
        "claimlake",
        "--no-default-features",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    assert!(!tree.contains("claimlake-sandbox"), "{tree}");
    assert!(tree.contains("claimlake-loader"), "{tree}");
}

fn package(name: &str) -> String {
    format!("claimlake-{name}")
}

fn short(package: &str) -> Option<&str> {
    package.strip_prefix("claimlake-")
}

/// The packages by name and what each uses in an ordinary build, optional ones included.
struct Graph {
    members: BTreeSet<String>,
    uses: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn read() -> Self {
        // Packages of other platforms need not be on this machine.
        let version = cargo(&["-vV"]);
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let text = cargo(&[
            "metadata",
            "--offline",
            "--locked",
            "--format-version",
            "1",
            "--filter-platform",
            host.unwrap(),
        ]);
        let metadata: Value = serde_json::from_str(&text).unwrap();
        let name_of: BTreeMap<&str, &str> = array(&metadata["packages"])
            .map(|package| (text_of(&package["id"]), text_of(&package["name"])))
            .collect();
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in array(&metadata["resolve"]["nodes"]) {
            let used = uses
                .entry(name_of[text_of(&node["id"])].into())
                .or_default();
            for dependency in array(&node["deps"]) {
                let ordinary = array(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
                if ordinary {
                    used.insert(name_of[text_of(&dependency["pkg"])].into());
                }
            }
        }
        let members = array(&metadata["workspace_members"])
            .map(|id| name_of[text_of(id)].into())
            .collect();
        Self { members, uses }
    }

    fn direct(&self, package: &str) -> impl Iterator<Item = &str> {
        self.uses[package].iter().map(String::as_str)
    }

    fn reached(&self, package: &str) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&str> = self.direct(package).collect();
        while let Some(next) = waiting.pop() {
            if reached.insert(next) {
                waiting.extend(self.direct(next));
            }
        }
        reached
    }
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}
