//! Listings of a data directory in which nothing was done say so, and make nothing by looking.

use std::fs;

use crate::command::Bench;

#[test]
fn an_empty_listing_says_so_on_stderr_and_makes_no_vault() {
    let bench = Bench::new();
    fs::create_dir(bench.path().join("d")).unwrap();
    for (listing, said) in [
        (&["access-log", "show"][..], "the access log is empty: "),
        (&["access-log", "verify"], "the access log is empty: "),
        (&["grants", "list"], "no grant, or none that fits"),
        (&["snapshots"], "nothing is published yet: "),
        (&["changes"], "nothing is published yet: "),
    ] {
        let arguments = [&["--data", "d"], listing].concat();
        let ended = bench.done(&arguments);
        assert_eq!(ended.stdout, "", "{listing:?}");
        assert!(
            ended.stderr.starts_with(said),
            "{listing:?}: {}",
            ended.stderr
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
        let quiet = bench.done(&[&["--quiet"], &arguments[..]].concat());
        assert_eq!((quiet.stdout, quiet.stderr), (String::new(), String::new()));
        let summary = bench
            .done(&[&["--json"], &arguments[..]].concat())
            .summary();
        assert_eq!(summary["command"], listing[0]);
    }
    let status = bench.done(&["--data", "d", "status"]);
    status.prints("nothing is here yet");
    let left = fs::read_dir(bench.path().join("d")).unwrap().count();
    assert_eq!(left, 0);
    assert!(!bench.path().join("config").exists());
}

#[test]
fn a_directory_that_is_not_there_has_no_access_log() {
    let bench = Bench::new();
    let ended = bench
        .run(&["--data", "mistyped", "access-log", "show"])
        .exits(2);
    ended.fails_with("--data");
    assert!(!bench.path().join("mistyped").exists());
}
