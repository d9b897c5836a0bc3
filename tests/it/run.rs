//! `run` hands rows over in another form than `transform` leaves them: the lake is the same.

use std::collections::BTreeSet;
use std::path::Path;

use crate::command::Bench;
use crate::lake_rows;

/// The Parquet files of a lake, whose names are hashes of what is in them. Tables about runs
/// carry run ids.
fn parquet_files(lake: &Path) -> BTreeSet<String> {
    let files = lake_rows::parquet_files(lake).into_iter();
    let names = files.map(|path| path.strip_prefix(lake).unwrap().display().to_string());
    names.filter(|name| !name.starts_with("changes/")).collect()
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
