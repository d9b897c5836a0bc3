//! Names from outside that would steer a terminal: they are shown, never obeyed.

use std::os::unix::ffi::OsStrExt as _;

use serde_json::Value;

use crate::command::{Bench, Ended};

/// Clears the screen, sets a title, turns the direction, and begins a line of its own.
const NAMES: [&str; 6] = [
    "a\u{1b}[2J\u{1b}]0;owned\u{7}.ndjson",
    "b\rerror: nothing\u{8}\u{8}.ndjson",
    "c\nextract    done\n.ndjson",
    "d\u{9b}31m\u{85}.ndjson",
    "e\u{202e}nosjdn.\u{2066}x",
    "f\u{7f}\u{2028}\u{200f}.ndjson",
];

/// What a terminal must not see: everything that is not text, a line break or a tab.
fn assert_harmless(text: &str, what: &str) {
    let steers = |one: &char| {
        (one.is_control() && !matches!(one, '\n' | '\t'))
            || ('\u{2028}'..='\u{202e}').contains(one)
            || ('\u{2066}'..='\u{2069}').contains(one)
            || matches!(one, '\u{200e}' | '\u{200f}' | '\u{61c}')
    };
    assert_eq!(text.chars().find(steers), None, "{what}: {text:?}");
}

#[test]
fn names_of_files_are_shown_and_not_obeyed_wherever_they_are_told() {
    for name in NAMES {
        let bench = Bench::new();
        let missing = format!("{name}-missing");
        bench.write(
            name,
            "{\"resourceType\":\"Patient\",\"id\":\"a\"}\nno JSON\n",
        );
        bench.write(
            "view.json",
            r#"{"resourceType":"ViewDefinition","resource":"Patient",
            "status":"active","name":"v","select":[{"column":[{"name":"id","path":"id"}]}]}"#,
        );
        for arguments in [
            &["import", &missing, "--api", "v2"][..],
            &["import", name, "--api", "v2"],
            &["view", "view.json", name],
            &["view", name, "view.json"],
            &["view", "view.json", &missing],
            &["--pipeline", name, "status"],
            &["--pipeline", &missing, "status"],
            &["--data", name, "status"],
            &["--data", &missing, "import", name, "--api", "v2"],
            &["--data", &missing, "status"],
            &["-v", "--data", &missing, "verify"],
            &["grants", "import", name],
            &["extract", "--record", name],
            &["forget", "--yes", name],
            &["trace", name],
            &[name],
            &["status", name],
            &["--format", name],
        ] {
            let ended = bench.run(arguments);
            assert_harmless(&ended.stderr, &format!("{arguments:?}"));
            let lines: Vec<&str> = ended.stderr.lines().collect();
            assert!(
                !lines.contains(&"extract    done"),
                "{arguments:?}: a line is not ours: {lines:?}"
            );
            let in_events = bench.run(&[&["--json"], arguments].concat());
            assert_harmless(&in_events.stderr, &format!("--json {arguments:?}"));
            assert_harmless(&in_events.stdout, &format!("--json {arguments:?}"));
            for line in in_events.stdout.lines() {
                let event: Result<Value, _> = serde_json::from_str(line);
                assert!(event.is_ok(), "{line}");
            }
        }
    }
}

#[test]
fn events_hold_the_name_as_it_is() {
    let bench = Bench::new();
    let name = "d\u{9b}31m\u{202e}.ndjson";
    let ended = bench
        .run(&["--json", "import", name, "--api", "v2"])
        .exits(2);
    let error = ended.summary()["error"].as_str().unwrap().to_owned();
    assert!(error.contains(name), "{error:?}");
}

#[test]
fn a_name_that_is_no_text_at_all_does_no_harm() {
    let bench = Bench::new();
    let name = std::ffi::OsStr::from_bytes(b"x\xff\xfe\x1b[31m.ndjson");
    let mut command = bench.command(&["import", "--api", "v2"]);
    let ended = Ended::of(command.arg(name)).exits(2);
    assert_harmless(&ended.stderr, "bytes");
}

#[test]
fn a_spreadsheet_takes_no_cell_for_a_formula_where_that_is_asked_for() {
    let bench = Bench::new();
    bench.write(
        "view.json",
        r#"{"resourceType":"ViewDefinition","resource":"Patient","status":"active","name":"v",
            "select":[{"column":[{"name":"id","path":"id","type":"id"},
            {"name":"family","path":"name.family","type":"string"},
            {"name":"amount","path":"extension.value.ofType(decimal)","type":"decimal",
                "tag":[{"name":"ansi/type","value":"DECIMAL(18,2)"}]}]}]}"#,
    );
    let patients = [
        r#"{"resourceType":"Patient","id":"-19","name":[{"family":"=cmd|' /C calc'!A0"}],"extension":[{"url":"u","valueDecimal":-5.00}]}"#,
        r#"{"resourceType":"Patient","id":"b","name":[{"family":"Smith-Jones"}]}"#,
    ];
    bench.write("in.ndjson", &patients.join("\n"));
    let csv = ["view", "view.json", "in.ndjson", "--format", "csv"];
    let plain = bench.done(&csv);
    assert_eq!(
        plain.stdout,
        "id,family,amount\n-19,=cmd|' /C calc'!A0,-5.00\nb,Smith-Jones,\n"
    );
    let safe = bench.done(&[&csv[..], &["--spreadsheet-safe"]].concat());
    assert_eq!(
        safe.stdout,
        "id,family,amount\n'-19,'=cmd|' /C calc'!A0,-5.00\nb,Smith-Jones,\n"
    );
    for format in ["ndjson", "parquet"] {
        let arguments = ["view", "view.json", "in.ndjson", "--format", format];
        let refused = bench
            .run(&[&arguments[..], &["--spreadsheet-safe"]].concat())
            .exits(2);
        let line = refused.error_line();
        assert!(line.contains("--format csv"), "{line}");
    }
}
