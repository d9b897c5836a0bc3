//! What a wrong command line or pipeline gets: one clear line and exit code 2, nothing made.

use crate::command::{Bench, a_patient};

const SMALL: &str = "name = 'small'\n[source]\nkind = 'sandbox'\n[transform]\nviews = ['*.json']\n";

#[test]
fn an_unknown_key_names_itself_and_its_nearest_neighbour() {
    let bench = Bench::new();
    bench.write("p.toml", &format!("{SMALL}[extract]\npage_sise = 10\n"));
    let ended = bench.run(&["--pipeline", "p.toml", "transform"]).exits(2);
    assert_eq!(
        ended.error_line(),
        "pipeline p.toml: line 7: unknown key 'extract.page_sise', did you mean 'extract.page_size'?"
    );
    assert!(!bench.path().join("data").exists());
}

#[test]
fn a_pipeline_that_cannot_be_read_names_the_file_and_the_flag() {
    let bench = Bench::new();
    let ended = bench
        .run(&["--pipeline", "nowhere.toml", "transform"])
        .exits(2);
    let said = ended.error_line();
    assert!(
        said.contains("nowhere.toml") && said.contains("--pipeline"),
        "{said}"
    );
}

#[test]
fn the_last_event_tells_the_exit_code_of_a_failure_too() {
    let bench = Bench::new();
    let ended = bench.run(&["--json", "--pipeline", "nowhere.toml", "transform"]);
    let summary = ended.summary();
    assert_eq!(summary["command"], "transform");
    assert_eq!(summary["exit"], 2);
    assert!(summary["error"].as_str().unwrap().contains("nowhere.toml"));
}

#[test]
fn an_unknown_flag_is_a_usage_error_and_help_is_not() {
    let bench = Bench::new();
    assert_eq!(bench.run(&["transform", "--bogus"]).exit, 2);
    assert_eq!(bench.run(&[]).exit, 2);
    let help = bench.done(&["--help"]);
    help.prints("Exit codes:");
}

#[test]
fn a_mistake_is_told_with_what_to_do() {
    let bench = Bench::new();
    bench.write("file", "x\n");
    bench.write("people.ndjson", &a_patient("-1"));
    bench.done(&["import", "--api", "v2", "people.ndjson"]);
    let is_a_file = "the data directory file is a file: name a folder with --data";
    for (arguments, exit, words) in [
        (&["--data", "file", "run"][..], 2, is_a_file),
        (&["--data", "file", "status"], 2, is_a_file),
        (&["--data", "file", "verify"], 2, is_a_file),
        (
            &["trace", "-1", "--table", "patients"],
            2,
            "makes a table 'patients', did you mean 'patient'?",
        ),
        (
            &["snapshots", "rollback", "4"],
            1,
            "there is no snapshot 4: nothing is published yet",
        ),
        (&["authorize"], 2, "--pipeline blue_button"),
        (
            &["view", "data", "people.ndjson"],
            2,
            "a file with one ViewDefinition",
        ),
    ] {
        let ended = bench.run(arguments).exits(exit);
        let said = ended.error_line();
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    bench.done(&["run", "--from", "transform"]);
    let only = bench.run(&["snapshots", "rollback", "4"]);
    assert!(only.error_line().ends_with("the only one is 1"));
}

#[test]
fn completions_are_data_on_stdout() {
    let bench = Bench::new();
    let ended = bench.done(&["completions", "bash"]);
    ended.prints("_claimlake");
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_layout_that_names_no_column_or_no_table_is_refused() {
    let bench = Bench::new();
    let views = crate::command::repository().join("pipelines/views/patient.json");
    let base = SMALL.replace("'*.json'", &format!("{:?}", views.display().to_string()));
    for (layout, said) in [
        ("[table.patient]\npartition_by = ['gendr']\n", "'gendr'"),
        ("[table.persons]\nsort_by = []\n", "table.persons"),
        ("[load]\nsort_by = ['brith_date']\n", "'brith_date'"),
    ] {
        bench.write("p.toml", &format!("{base}{layout}"));
        let ended = bench.run(&["--pipeline", "p.toml", "transform"]);
        assert_eq!(ended.exit, 2, "{layout}: {}", ended.stderr);
        ended.fails_with(said);
    }
}
