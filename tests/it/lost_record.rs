//! What is on record of an earlier load is lost: what landed first does not become the newest.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::Bench;
use crate::forget::scene::files;

/// Names of the table files of the current snapshot: hashes of what is in them.
fn tables(data: &Path) -> BTreeSet<String> {
    let current = data.join("lake/current").canonicalize().unwrap();
    let shown = |path: &Path| path.strip_prefix(&current).unwrap().display().to_string();
    files(&current)
        .iter()
        .map(|path| shown(path))
        .filter(|name| name.starts_with("patient/"))
        .collect()
}

#[test]
fn bodies_of_one_time_keep_the_order_in_which_they_landed() {
    let bench = Bench::new();
    let body = |gender: &str| {
        format!("{{\"resourceType\":\"Patient\",\"id\":\"one\",\"gender\":\"{gender}\"}}\n")
    };
    for gender in ["male", "female"] {
        bench.write("in.ndjson", &body(gender));
        bench.done(&["--data", "d", "import", "--api", "v2", "in.ndjson"]);
        bench.done(&["--data", "d", "run", "--from", "transform"]);
    }
    let data = bench.path().join("d");
    let before = tables(&data);
    assert!(!before.is_empty());
    let mut records: Vec<_> = fs::read_dir(data.join("transformed"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    records.sort();
    fs::remove_dir_all(&records[0]).unwrap();
    bench.done(&["--data", "d", "run", "--from", "transform"]);
    assert_eq!(tables(&data), before, "the body that landed first counts");
    bench.done(&["--data", "d", "verify"]);
}
