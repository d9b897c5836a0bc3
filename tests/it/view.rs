//! One ViewDefinition over any FHIR input.

use std::process::Stdio;

use crate::command::{Bench, Ended, words};

const VIEW: &str = r#"{"resourceType": "ViewDefinition", "name": "patient", "status": "active", "resource": "Patient",
  "select": [{"column": [{"name": "id", "path": "id", "type": "id"}]},
             {"forEach": "name", "column": [{"name": "family", "path": "family", "type": "string"},
                                            {"name": "given", "path": "given", "type": "string", "collection": true}]}]}"#;

const PATIENTS: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Ade, \"A\"","given":["X","Y"]},{"family":"Alt"}]}
{"resourceType":"Coverage","id":"c"}
{"resourceType":"Patient","id":"b","name":[{"given":["Z"]}]}
"#;

#[test]
fn rows_are_ndjson_in_the_order_of_the_columns() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    bench.write("in.ndjson", PATIENTS);
    let ended = bench.done(&["view", "view.json", "in.ndjson"]);
    assert_eq!(
        ended.stdout,
        "{\"id\":\"a\",\"family\":\"Ade, \\\"A\\\"\",\"given\":[\"X\",\"Y\"]}\n\
         {\"id\":\"a\",\"family\":\"Alt\",\"given\":[]}\n\
         {\"id\":\"b\",\"family\":null,\"given\":[\"Z\"]}\n"
    );
    assert_eq!(ended.stderr, "");
}

#[test]
fn csv_goes_to_a_file_that_appears_when_it_is_whole() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    let bundle = format!(
        "{{\"resourceType\": \"Bundle\", \"entry\": [{}]}}",
        PATIENTS
            .lines()
            .map(|line| format!("{{\"resource\":{line}}}"))
            .collect::<Vec<_>>()
            .join(",\n")
    );
    bench.write("bundle.json", &bundle);
    let ended = bench.done(&words(
        "view view.json bundle.json --format csv --output out.csv",
    ));
    assert_eq!(ended.stdout, "");
    let csv = std::fs::read_to_string(bench.path().join("out.csv")).unwrap();
    assert_eq!(
        csv,
        "id,family,given\na,\"Ade, \"\"A\"\"\",\"[\"\"X\"\",\"\"Y\"\"]\"\na,Alt,[]\nb,,\"[\"\"Z\"\"]\"\n"
    );
    assert!(!bench.path().join("out.csv.part").exists());
}

#[test]
fn standard_input_is_read_and_a_bad_line_is_rejected() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    let input = PATIENTS.replace(
        "{\"resourceType\":\"Coverage\",\"id\":\"c\"}",
        "{\"id\":\"secret",
    );
    let ended = Ended::fed(
        &mut bench.command(&["view", "view.json", "-"]),
        input.into(),
    )
    .exits(3);
    let says_so = ended.stderr.starts_with("rejected: - line 2: not JSON");
    assert!(says_so, "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 3);
}

#[test]
fn an_invalid_view_is_refused_by_the_place_in_it_before_any_data() {
    let bench = Bench::new();
    bench.write(
        "view.json",
        &VIEW.replace("\"path\": \"family\"", "\"path\": \"family(\""),
    );
    bench.write("in.ndjson", PATIENTS);
    let ended = bench
        .run(&["view", "view.json", "in.ndjson", "--output", "out.ndjson"])
        .exits(2);
    let said = ended.error_line();
    assert!(
        said.contains("view.json: select[1].column[0].path"),
        "{said}"
    );
    assert!(!bench.path().join("out.ndjson").exists());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    bench.write("view.json", VIEW);
    bench.write("in.ndjson", &PATIENTS.repeat(20_000));
    let mut child = bench
        .command(&["view", "view.json", "in.ndjson"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}
