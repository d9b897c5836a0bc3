//! `run` hands rows over in another form than `transform` leaves them: the lake is the same.

use std::collections::BTreeSet;
use std::path::Path;

use crate::command::Bench;

/// The Parquet files of a lake, whose names are hashes of what is in them. Tables about runs
/// carry run ids.
fn parquet_files(lake: &Path) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut waiting = vec![lake.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(lake).unwrap().display().to_string();
            if path.is_dir() {
                waiting.push(path);
            } else if relative.ends_with(".parquet") && !relative.starts_with("changes/") {
                files.insert(relative);
            }
        }
    }
    files
}

#[test]
fn run_and_its_stages_one_by_one_leave_the_same_files() {
    let bench = Bench::new();
    let claims = bench.run(&[
        "sandbox",
        "generate",
        "--patients",
        "6",
        "--eobs",
        "25",
        "--seed",
        "7",
    ]);
    assert_eq!(claims.exit, 0, "{}", claims.stderr);
    bench.write("claims.ndjson", &claims.stdout);
    for data in ["at-once", "one-by-one"] {
        let imported = bench.run(&["--data", data, "import", "--api", "v2", "claims.ndjson"]);
        assert_eq!(imported.exit, 0, "{}", imported.stderr);
    }
    let ran = bench.run(&["--data", "at-once", "run", "--from", "transform"]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    for stage in ["transform", "load"] {
        let ended = bench.run(&["--data", "one-by-one", stage]);
        assert_eq!(ended.exit, 0, "{}", ended.stderr);
    }
    let files = |data: &str| parquet_files(&bench.path().join(data).join("lake/current/"));
    let at_once = files("at-once");
    assert!(at_once.len() > 100, "{} files", at_once.len());
    assert_eq!(at_once, files("one-by-one"));
}
