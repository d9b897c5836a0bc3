//! What is on record of an earlier load is lost: what landed first does not become the newest.

use std::fs;
use std::path::Path;

use crate::command::Bench;
use crate::files::names_below;

/// Names of the table files of the current snapshot: hashes of what is in them.
fn tables(data: &Path) -> Vec<String> {
    let mut names = names_below(&data.join("lake/current"));
    names.retain(|name| name.starts_with("patient/"));
    names
}

#[test]
fn bodies_of_one_time_keep_the_order_in_which_they_landed() {
    let bench = Bench::new();
    let body = |gender: &str| {
        format!("{{\"resourceType\":\"Patient\",\"id\":\"one\",\"gender\":\"{gender}\"}}\n")
    };
    for gender in ["male", "female"] {
        bench.load("d", "in.ndjson", &body(gender));
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
    bench.publish("d");
    assert_eq!(tables(&data), before, "the body that landed first counts");
    bench.done(&["--data", "d", "verify"]);
}
