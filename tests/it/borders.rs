//! Who may use whom, and which third-party crates stay out of which of ours.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The crates and what of ours each may use. The command may use all.
const ARROWS: &[(&str, &[&str])] = &[
    ("columnar", &["contract"]),
    ("compare", &["columnar", "contract", "loader"]),
    ("consent", &["contract", "vault"]),
    ("contract", &[]),
    ("deidentify", &["columnar", "contract", "loader"]),
    (
        "extractor",
        &["consent", "contract", "fhir", "landing", "vault"],
    ),
    ("fhir", &["contract", "json"]),
    ("json", &[]),
    ("landing", &["contract", "fhir", "json"]),
    ("loader", &["columnar", "contract"]),
    ("publisher", &["contract", "loader"]),
    (
        "python",
        &["contract", "landing", "loader", "transformer", "viewdef"],
    ),
    ("sandbox", &["contract"]),
    ("transformer", &["contract", "fhir", "landing", "viewdef"]),
    ("vault", &["contract"]),
    (
        "verify",
        &["contract", "fhir", "landing", "loader", "viewdef"],
    ),
    ("viewdef", &["json"]),
];

const NETWORK: &[&str] = &["hyper", "reqwest", "tokio", "rustls", "oauth2"];
const TABLES: &[&str] = &["arrow-array", "arrow-schema", "parquet"];
const VAULT: &[&str] = &["rusqlite", "chacha20poly1305"];
const TERMINAL: &[&str] = &["clap", "indicatif", "tracing-subscriber"];

/// What must not be reachable from a crate, however indirectly.
const FENCES: &[(&str, &[&[&str]])] = &[
    ("columnar", &[NETWORK, VAULT, TERMINAL]),
    ("compare", &[NETWORK, VAULT, TERMINAL]),
    ("consent", &[TABLES, TERMINAL]),
    ("contract", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("deidentify", &[NETWORK, VAULT, TERMINAL]),
    ("extractor", &[TABLES, TERMINAL]),
    ("fhir", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("json", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("landing", &[NETWORK, TABLES, VAULT, TERMINAL]),
    ("loader", &[NETWORK, VAULT, TERMINAL]),
    ("publisher", &[VAULT, TERMINAL]),
    ("python", &[NETWORK, VAULT, TERMINAL]),
    ("sandbox", &[TABLES, VAULT, TERMINAL]),
    ("transformer", &[NETWORK, VAULT, TERMINAL]),
    ("vault", &[NETWORK, TABLES, TERMINAL]),
    ("verify", &[NETWORK, VAULT, TERMINAL]),
    ("viewdef", &[NETWORK, VAULT, TERMINAL]),
];

#[test]
fn crates_use_only_those_that_the_design_lets_them_use() {
    for (name, allowed) in ARROWS {
        let direct = tree(&package(name), &["--depth", "1"]);
        let ours = direct.iter().filter_map(|used| short(used));
        let stray: Vec<&str> = ours
            .filter(|used| used != name && !allowed.contains(used))
            .collect();
        assert!(stray.is_empty(), "{name} must not use {stray:?}");
    }
}

#[test]
fn every_crate_has_its_arrows_and_its_fence() {
    let metadata: Value = serde_json::from_str(&cargo(&[
        "metadata",
        "--offline",
        "--locked",
        "--no-deps",
        "--format-version",
        "1",
    ]))
    .unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let expected: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| short(package["name"].as_str().unwrap()))
        .filter(|name| *name != "tests")
        .collect();
    assert_eq!(
        ARROWS
            .iter()
            .map(|(name, _)| *name)
            .collect::<BTreeSet<_>>(),
        expected
    );
    assert_eq!(
        FENCES
            .iter()
            .map(|(name, _)| *name)
            .collect::<BTreeSet<_>>(),
        expected
    );
}

#[test]
fn no_stage_reaches_a_library_that_is_not_its_business() {
    for (name, fences) in FENCES {
        let reached = tree(&package(name), &[]);
        for stray in fences.iter().flat_map(|fence| fence.iter()) {
            assert!(!reached.contains(*stray), "{name} reaches {stray}");
        }
    }
}

/// Words of FHIR and CMS that belong to the crate `fhir`.
const FHIR_WORDS: &[&str] = &[
    "\"ExplanationOfBenefit\"",
    "\"Coverage\"",
    "\"Patient\"",
    "\"Practitioner\"",
    "\"Organization\"",
    "\"Bundle\"",
    "\"created\"",
    "\"contained\"",
    "\"identifier\"",
    "cms.gov",
    "hl7.org",
];

/// The files outside `fhir` that may say them, and why.
const MAY_SAY: &[(&str, &[&str], &str)] = &[
    (
        "contract/src/ids.rs",
        &["\"ExplanationOfBenefit\"", "\"Coverage\"", "\"Patient\""],
        "names of folders and tables, shared by all stages",
    ),
    (
        "landing/src/import/documents/between.rs",
        &["\"Bundle\""],
        "what an import reads comes in Bundles",
    ),
    (
        "landing/src/import/resources.rs",
        &["\"Bundle\""],
        "what an import reads comes in Bundles",
    ),
];

#[test]
fn stages_and_contract_leave_fhir_to_its_crate() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut found = BTreeSet::new();
    let mut files = 0;
    for name in [
        "compare",
        "contract",
        "landing",
        "loader",
        "publisher",
        "transformer",
        "vault",
        "verify",
    ] {
        for file in sources(&crates.join(name).join("src")) {
            files += 1;
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
            let code: Vec<&str> = code.lines().filter(|line| !is_comment(line)).collect();
            let code = code.join("\n");
            let file = file.strip_prefix(&crates).unwrap().to_str().unwrap();
            let words = FHIR_WORDS.iter().filter(|word| code.contains(**word));
            found.extend(words.map(|word| (file.to_owned(), *word)));
        }
    }
    assert!(files > 100, "only {files} files were read");
    let allowed = MAY_SAY
        .iter()
        .flat_map(|(file, words, _)| words.iter().map(|word| ((*file).to_owned(), *word)));
    assert_eq!(found, allowed.collect());
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// The source files below a folder, without those that are tests as a whole.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            files.extend(sources(&path));
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn tls_is_rustls_with_ring_alone() {
    let reached = tree("claimlake", &[]);
    assert!(reached.contains("ring"), "the command does not reach ring");
    for stray in ["aws-lc-sys", "openssl-sys", "native-tls"] {
        assert!(!reached.contains(stray), "the command reaches {stray}");
    }
}

#[test]
fn the_sandbox_is_not_linked_without_its_feature() {
    let with = tree("claimlake", &[]);
    let without = tree("claimlake", &["--no-default-features"]);
    assert!(with.contains("claimlake-sandbox") && without.contains("claimlake-loader"));
    assert!(!without.contains("claimlake-sandbox"), "{without:?}");
}

fn package(name: &str) -> String {
    format!("claimlake-{name}")
}

fn short(package: &str) -> Option<&str> {
    package.strip_prefix("claimlake-")
}

/// The packages that an ordinary build of `package` on this machine uses, itself among them.
fn tree(package: &str, further: &[&str]) -> BTreeSet<String> {
    let arguments = [
        &[
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ],
        &["--package", package][..],
        further,
    ];
    cargo(&arguments.concat())
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(Into::into)
        .collect()
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
