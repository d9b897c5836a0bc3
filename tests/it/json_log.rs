//! `--log-format json`: every line on stderr is one JSON object; stdout stays what it is.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::command::{Bench, Ended, words};
use crate::servers::Sandbox;

/// The lines of stderr, each of which must be an object with these three.
fn records_of(stderr: &str) -> Vec<Value> {
    let parse = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        for key in ["timestamp", "level", "message"] {
            assert!(record[key].is_string(), "{key}: {line}");
        }
        let texts = record
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_str);
        for text in texts {
            assert!(!text.contains('\n'), "{line}");
        }
        record
    };
    stderr.lines().map(parse).collect()
}

fn with(records: &[Value], key: &str, value: impl Into<Value>) -> Value {
    let value = value.into();
    let found = records.iter().find(|record| record[key] == value);
    found
        .unwrap_or_else(|| panic!("no {key} {value}: {records:#?}"))
        .clone()
}

#[test]
fn a_whole_run_of_the_demo_is_told_in_objects() {
    let bench = Bench::new();
    let small = [
        ("CLAIMLAKE_SOURCE_PATIENTS", "2"),
        ("CLAIMLAKE_SOURCE_EOBS", "3"),
    ];
    let run = |arguments: &[&str]| Ended::of(bench.command(arguments).envs(small));
    let ended = run(&["--log-format", "json", "-vv", "run"]).exits(0);
    assert_eq!(ended.stdout, "");
    let records = records_of(&ended.stderr);
    assert_eq!(with(&records, "stage", "extract")["patients"], 2);
    assert_eq!(with(&records, "stage", "load")["snapshot"], 1);
    let query = records.iter().find_map(|record| record["query"].as_str());
    assert!(query.unwrap().starts_with("python3 -c"), "{records:#?}");
    let last = records.last().unwrap();
    assert_eq!(
        (&last["command"], &last["exit"]),
        (&"run".into(), &0.into())
    );
    // The log's own lines have their words at the same place.
    assert!(
        records.iter().any(|record| record["target"].is_string()),
        "{records:#?}"
    );
    // Both forms at once: events to stdout, and nothing that is not wrong to stderr.
    let both = run(&["--log-format", "json", "--json", "run"]);
    assert_eq!(both.summary()["exit"], 0);
    for line in both.stdout.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["event"].is_string(), "{line}");
    }
    records_of(&both.stderr);
    for command in [
        &["status"][..],
        &["verify"],
        &["doctor"],
        &["snapshots"],
        &["changes"],
    ] {
        let ended = run(&[&["--log-format=json"], command].concat()).exits(0);
        records_of(&ended.stderr);
    }
}

#[test]
fn whatever_fails_is_told_in_objects_too() {
    let bench = Bench::new();
    bench.write("bad.toml", "name = 'p'\n[source]\nkind = 3\n");
    bench.write(
        "some.ndjson",
        "{\"resourceType\":\"Patient\",\"id\":\"-1\"}\nno json\n",
    );
    for (arguments, exit) in [
        (&["run", "--bogus"][..], 2),
        (&["rn"], 2),
        (&[], 2),
        (&["import"], 2),
        (&["--pipeline", "bad.toml", "run"], 2),
        (&["--pipeline", "nowhere.toml", "run"], 2),
        (&["--pipeline", "blue_button", "extract"], 2),
        (&["forget", "-1"], 2),
        (&["snapshots", "rollback", "4"], 1),
        (&["import", "--api", "v2", "some.ndjson"], 3),
        (&["-q", "import", "--api", "v2", "some.ndjson"], 3),
    ] {
        let ended = bench
            .run(&[&["--log-format", "json"], arguments].concat())
            .exits(exit);
        let records = records_of(&ended.stderr);
        let last = records
            .last()
            .unwrap_or_else(|| panic!("{arguments:?}: nothing is said"));
        assert_eq!(last["exit"], exit, "{arguments:?}: {last}");
        let level = if exit == 3 { "WARN" } else { "ERROR" };
        assert_eq!(last["level"], level, "{arguments:?}: {last}");
    }
}

#[test]
fn an_interrupted_run_speaks_in_objects() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2", "--fault", "hang"]);
    let mut child = sandbox
        .command(&bench, &["--log-format", "json", "run"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let signal = || {
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
    };
    let mut text = String::new();
    // Whatever comes next, the first signal comes while the server is silent, the second after it
    // was noticed.
    let mut signals = 0;
    let mut line = String::new();
    while stderr.read_line(&mut line).unwrap() > 0 {
        let is_due = match signals {
            0 => line.contains("extracting"),
            1 => line.contains("once more"),
            _ => false,
        };
        if is_due {
            signal();
            signals += 1;
        }
        text.push_str(&std::mem::take(&mut line));
    }
    let status = child.wait().unwrap();
    assert_ne!(status.code(), Some(0));
    assert!(signals > 0, "{text}");
    assert!(records_of(&text).len() > signals, "{text}");
}

#[test]
fn a_sandbox_that_logs_every_request_speaks_in_objects() {
    let bench = Bench::new();
    let arguments = words("--json --log-format json -vv sandbox --listen 127.0.0.1:0");
    let mut child = bench
        .command(&arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let listening: Value = serde_json::from_str(&line).unwrap();
    let url = listening["url"].as_str().unwrap();
    crate::servers::ask("GET", &format!("{url}/v2/fhir/metadata"));
    crate::servers::ask("GET", &format!("{url}/nowhere%1b%5b31m%0a"));
    child.kill().unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut text).unwrap();
    child.wait().unwrap();
    assert!(!records_of(&text).is_empty());
}
