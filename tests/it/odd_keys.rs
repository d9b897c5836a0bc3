//! Claims whose keys are escaped, twice or nearly another key, from import to tables and to who is
//! forgotten.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Bench, repository, words};
use crate::files::files;
use crate::references::{column, verified};

#[test]
fn what_has_rows_has_those_of_its_patient_the_rest_is_rejected_and_all_of_it_can_be_forgotten() {
    let fixture = std::fs::read_to_string(repository().join("fixtures/odd_keys.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_str(&fixture).unwrap();
    let lines: Vec<&str> = cases
        .iter()
        .filter(|case| case["person"] != "no page")
        .map(|case| case["line"].as_str().unwrap())
        .collect();
    let of = |table: &str| {
        let read = cases.iter().filter(|case| case["person"] != "no page");
        read.filter(|case| case["table"] == table).count()
    };
    let bench = Bench::new();
    bench.write("odd.ndjson", &lines.join("\n"));
    bench.done(&words("--json --data d import odd.ndjson --api v2"));
    let transformed = bench.run(&["--json", "--data", "d", "transform"]);
    let rejected = &transformed.summary()["transform"]["rejected_resources"];
    assert_eq!(
        *rejected,
        of("twice") + of("refused"),
        "{}",
        transformed.stdout
    );
    bench.done(&["--data", "d", "load"]);
    let patients = column(&bench, "d", "eob", "patient_id");
    let anothers = patients.iter().filter(|id| *id == "-20").count();
    let own = patients.iter().filter(|id| *id == "-19").count();
    // By the fixture: one escaped key alone that names another patient.
    assert_eq!((anothers, own), (1, of("row") - 1), "{patients:?}");
    verified(&bench, "d");

    bench.done(&["--json", "--data", "d", "forget", "--yes", "-19"]);
    assert_eq!(column(&bench, "d", "eob", "patient_id"), ["-20"]);
    let landed = landed(&bench.path().join("d/landing"));
    assert!(landed.contains("Patient/-20"));
    assert!(!landed.contains("Patient/-19"), "{landed}");
    verified(&bench, "d");
}

/// The text of all parts, whether it is JSON or not.
fn landed(folder: &Path) -> String {
    let mut parts = files(folder);
    parts.retain(|path| path.to_string_lossy().ends_with(".ndjson.zst"));
    let text = |part: &PathBuf| zstd::stream::decode_all(File::open(part).unwrap()).unwrap();
    String::from_utf8(parts.iter().flat_map(text).collect()).unwrap()
}
