//! `run` hands rows over in another form than `transform` leaves them: the lake is the same.

use std::path::Path;

use crate::command::{Bench, words};
use crate::files::names_below;

/// The Parquet files of a lake, whose names are hashes of what is in them. Tables about runs
/// carry run ids.
fn parquet_files(lake: &Path) -> Vec<String> {
    let mut names = names_below(lake);
    names.retain(|name| name.ends_with(".parquet") && !name.starts_with("changes/"));
    names
}

#[test]
fn run_and_its_stages_one_by_one_leave_the_same_files() {
    let bench = Bench::new();
    let claims = bench.done(&words("sandbox generate --patients 6 --eobs 25 --seed 7"));
    bench.write("claims.ndjson", &claims.stdout);
    for data in ["at-once", "one-by-one"] {
        bench.done(&["--data", data, "import", "--api", "v2", "claims.ndjson"]);
    }
    bench.publish("at-once");
    for stage in ["transform", "load"] {
        bench.done(&["--data", "one-by-one", stage]);
    }
    let files = |data: &str| parquet_files(&bench.path().join(data).join("lake/current/"));
    let at_once = files("at-once");
    assert!(at_once.len() > 100, "{} files", at_once.len());
    assert_eq!(at_once, files("one-by-one"));
}
