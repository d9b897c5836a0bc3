//! What `import` does with input that is good, bad and in between.

use std::fs;

use crate::command::{Bench, Ended, words};
use crate::files::{files_and_folders, mode, names_below};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"-1","meta":{"lastUpdated":"2026-01-02T00:00:00Z"},"birthDate":"1940-01-02"}"#;

/// Whether nothing but locks was left in the data directory.
fn is_empty(bench: &Bench) -> bool {
    let data = bench.path().join("d");
    !data.exists()
        || names_below(&data)
            .iter()
            .all(|name| name.ends_with(".lock"))
}

fn import(bench: &Bench, arguments: &[&str]) -> Ended {
    bench.run(&[&["--json", "--data", "d", "import"], arguments].concat())
}

#[test]
fn a_line_that_is_not_json_is_rejected_and_the_rest_lands() {
    let bench = Bench::new();
    let other = PATIENT.replace("\"-1\"", "\"-2\"");
    bench.write("in.ndjson", &format!("{PATIENT}\nnot json\n{other}\n"));
    let ended = import(&bench, &["--api", "v2", "in.ndjson"]);
    // One line of three is more than the one in a hundred that the pipeline allows.
    assert_eq!(ended.exit, 3, "{}", ended.stderr);
    let summary = ended.summary();
    assert_eq!(summary["import"]["resources"], 2);
    assert_eq!(summary["import"]["rejected"], 1);
    let rejected = summary["import"]["rejected_file"].as_str().unwrap();
    assert!(bench.path().join(rejected).is_file());
}

#[test]
fn what_is_rejected_is_told_by_place_and_never_by_value() {
    let bench = Bench::new();
    bench.write("in.ndjson", &format!("{PATIENT}\nSECRET-VALUE\n"));
    let ended = bench
        .run(&["--data", "d", "import", "--api", "v2", "in.ndjson"])
        .exits(3);
    ended.says("in.ndjson line 2");
    assert!(!ended.stderr.contains("SECRET-VALUE"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("1940"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn html_where_json_is_due_lands_nothing_and_exits_three() {
    let bench = Bench::new();
    bench.write(
        "page.json",
        "<!DOCTYPE html>\n<html><body>Maintenance</body></html>\n",
    );
    let ended = import(&bench, &["--api", "v2", "page.json"]).exits(3);
    assert_eq!(ended.summary()["import"]["resources"], 0);
}

#[test]
fn a_file_that_is_not_there_is_a_usage_error_that_leaves_nothing_behind() {
    let bench = Bench::new();
    bench.write("in.ndjson", PATIENT);
    let ended = bench
        .run(&words("--data d import --api v2 in.ndjson gone.ndjson"))
        .exits(2);
    assert!(ended.error_line().contains("gone.ndjson"));
    assert!(is_empty(&bench));
}

#[test]
fn resources_without_a_cms_url_ask_for_the_api_flag() {
    let bench = Bench::new();
    bench.write("in.ndjson", PATIENT);
    let ended = bench.run(&["--data", "d", "import", "in.ndjson"]).exits(2);
    ended.fails_with("--api");
    assert!(is_empty(&bench));
}

#[test]
fn a_bundle_and_a_resource_over_several_lines_land_one_line_each() {
    let bench = Bench::new();
    bench.write(
        "bundle.json",
        &format!("{{\n \"resourceType\": \"Bundle\",\n \"entry\": [\n  {{\"resource\": {PATIENT}}}\n ]\n}}\n"),
    );
    bench.write("one.json", &PATIENT.replace(',', ",\n  "));
    let ended = import(&bench, &["--api", "v2", "bundle.json", "one.json"]).exits(0);
    assert_eq!(ended.summary()["import"]["by_type"]["v2/Patient"], 2);
}

/// As `<(zcat …)` and `mkfifo` make them: whoever opens one twice waits for ever.
#[test]
fn named_pipes_are_read_once_each_with_and_without_the_api_flag() {
    const CLAIM: &str = r#"{"resourceType":"ExplanationOfBenefit","id":"1","x":"https://bluebutton.cms.gov/resources/variables/a"}"#;
    for flag in [&["--api", "v2"][..], &[]] {
        let bench = Bench::new();
        let writers: Vec<_> = ["one", "two"]
            .into_iter()
            .map(|name| {
                let path = bench.path().join(name);
                let made = std::process::Command::new("mkfifo").arg(&path).status();
                assert!(made.unwrap().success());
                std::thread::spawn(move || fs::write(path, CLAIM))
            })
            .collect();
        let ended = import(&bench, &[flag, &["one", "two"]].concat()).exits(0);
        let landed = ended.summary()["import"]["by_type"]["v2/ExplanationOfBenefit"].clone();
        assert_eq!(landed, 2);
        for writer in writers {
            writer.join().unwrap().unwrap();
        }
    }
}

#[test]
fn the_data_directory_is_readable_by_its_owner_only() {
    let bench = Bench::new();
    bench.write("in.ndjson", PATIENT);
    assert_eq!(import(&bench, &["--api", "v2", "in.ndjson"]).exit, 0);
    for path in files_and_folders(&bench.path().join("d")) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}
