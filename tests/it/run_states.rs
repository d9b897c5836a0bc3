//! What is running, interrupted, failed and finished, and what is refused while something runs.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::changes::set_faults;
use crate::command::{Bench, Ended, a_patient, wait_until};
use crate::files::{copy_folder, files};
use crate::servers::Sandbox;

/// A few claims of two patients, from a server that answers for claims only once the test says so.
struct Silent {
    bench: Bench,
    sandbox: Sandbox,
}

impl Silent {
    fn new() -> Self {
        let bench = Bench::new();
        let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "3"]);
        set_faults(&sandbox, &json!(["hang:only=eob"]));
        Self { bench, sandbox }
    }

    fn answers_from_now_on(&self) {
        set_faults(&self.sandbox, &json!([]));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.sandbox.command(&self.bench, arguments)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(&mut self.command(arguments))
    }

    /// Begins a command, and returns when `status` says that its extract is running.
    fn begin(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = Running(Some(command.stderr(Stdio::piped()).spawn().unwrap()));
        wait_until("it extracts", || {
            self.status()["extracts"][0]["state"] == "running"
        });
        child
    }

    fn status(&self) -> Value {
        let ended = self.run(&["--json", "status"]).exits(0);
        ended.summary()
    }

    fn page(&self, data: &Path) -> String {
        let mut command = self.command(&["status"]);
        command.env("COLUMNS", "120").env("CLAIMLAKE_DATA", data);
        Ended::of(&mut command).stdout
    }
}

/// A process that ends with its test.
struct Running(Option<Child>);

impl Running {
    fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    fn signal(&self, signal: &str) {
        let process = self.id().to_string();
        let sent = Command::new("kill").args([signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    fn ended(self) -> (Option<i32>, String) {
        let (code, _, said) = self.ended_with_events();
        (code, said)
    }

    /// The exit code, what it wrote to standard output, and to standard error.
    fn ended_with_events(mut self) -> (Option<i32>, String, String) {
        let output = self.0.take().unwrap().wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The state of the last run of a command; null where it never ran.
fn state_of<'a>(status: &'a Value, command: &str) -> &'a Value {
    let runs = status["last_runs"].as_array().unwrap();
    let run = runs.iter().find(|run| run["command"] == command);
    run.map_or(&Value::Null, |run| &run["state"])
}

#[test]
fn while_a_run_extracts_every_other_writer_is_refused_at_once_and_told_by_whom() {
    let silent = Silent::new();
    let first = silent.begin(&["run"]);
    let who = format!(" (run, process {}, since 20", first.id());
    for (arguments, zone) in [
        (&["run"][..], "landing"),
        (&["extract"], "landing"),
        (&["import", "nothing.ndjson"], "landing"),
        (&["forget", "--yes", "--offline", "nobody"], "landing"),
        (&["run", "--from", "transform"], "staged"),
        (&["transform"], "staged"),
        (&["load"], "staged"),
        (&["snapshots", "rollback", "1"], "staged"),
    ] {
        let refused = silent.run(arguments).exits(1);
        let line = refused.error_line();
        let said = format!("another claimlake is writing the {zone} zone of ");
        assert!(line.contains(&said), "{arguments:?}: {line}");
        assert!(line.contains(&who), "{arguments:?}: {line}");
    }
    let status = silent.status();
    // Nothing of the refused ones was begun or noted: the one that runs is what there is to see.
    assert_eq!(status["extracts"].as_array().unwrap().len(), 1);
    assert_eq!(state_of(&status, "run"), "running");
    assert_eq!(state_of(&status, "load"), &Value::Null);
    assert_eq!(status["extracts"][0]["process"]["id"], first.id());
    let page = silent.page(&silent.bench.path().join("d"));
    assert!(
        page.contains(&format!("running (process {})", first.id())),
        "{page}"
    );
    assert!(!page.contains("interrupted"), "{page}");
    assert_eq!(status["interrupted_runs"], Value::Array(Vec::new()));

    // A kill leaves no lock behind, and a copy of what it leaves runs no more than the original.
    first.signal("-KILL");
    assert_eq!(first.ended().0, None);
    copy_folder(
        &silent.bench.path().join("d"),
        &silent.bench.path().join("copied"),
    );
    for data in ["d", "copied"] {
        let page = silent.page(&silent.bench.path().join(data));
        assert!(page.contains("interrupted"), "{data}: {page}");
        assert!(!page.contains("running"), "{data}: {page}");
    }
    let status = silent.status();
    assert_eq!(state_of(&status, "run"), "interrupted");
    assert_eq!(status["extracts"][0]["state"], "interrupted");
    assert_eq!(status["extracts"][0]["end"], "not ended");
    silent.answers_from_now_on();
    silent.run(&["run"]).exits(0);
    let status = silent.status();
    assert_eq!(state_of(&status, "run"), "finished");
    assert_eq!(status["extracts"][0]["state"], "finished");
    assert_eq!(silent.run(&["verify"]).exit, 0);
}

#[test]
fn a_signal_during_extract_ends_a_run_before_its_next_stage() {
    let silent = Silent::new();
    for (signal, times) in [("-INT", 1), ("-TERM", 1), ("-INT", 2)] {
        let run = silent.begin(&["run"]);
        for _ in 0..times {
            run.signal(signal);
        }
        let (exit, said) = run.ended();
        assert_eq!(exit, Some(1), "{signal}: {said}");
        let last = said.lines().last().unwrap();
        assert!(last.starts_with("error: interrupted"), "{signal}: {said}");
        assert!(
            last.contains("claimlake --pipeline blue_button --data d run goes on"),
            "{last}"
        );
        let status = silent.status();
        assert_eq!(state_of(&status, "run"), "interrupted", "{signal} {times}");
        assert_eq!(state_of(&status, "transform"), &Value::Null, "{signal}");
        assert_eq!(status["extracts"][0]["state"], "interrupted", "{signal}");
    }
    silent.answers_from_now_on();
    silent.run(&["run"]).exits(0);
    let status = silent.status();
    for command in ["run", "transform", "load"] {
        assert_eq!(state_of(&status, command), "finished");
    }
}

#[test]
fn a_load_by_hand_goes_on_beside_an_extract_by_hand_and_a_run_does_not() {
    let silent = Silent::new();
    silent.bench.write("patient.ndjson", &a_patient("-1"));
    silent
        .run(&["import", "--api", "v2", "patient.ndjson"])
        .exits(0);
    let extract = silent.begin(&["extract"]);
    for stage in ["transform", "load"] {
        silent.run(&[stage]).exits(0);
    }
    let refused = silent.run(&["run"]).exits(1);
    let who = format!(" (extract, process {}, since 20", extract.id());
    refused.fails_with(&who);
    assert_eq!(silent.run(&["run", "--from", "transform"]).exit, 0);
    extract.signal("-TERM");
    assert_eq!(extract.ended().0, Some(1));
}

#[test]
fn how_commands_without_safe_points_end_is_told_apart() {
    let bench = Bench::new();
    bench.import("d", "patient.ndjson", &a_patient("-1"));
    let state = |command: &str| {
        let status = bench.done(&["--json", "--data", "d", "status"]).summary();
        let runs = status["last_runs"].as_array().unwrap();
        let run = runs.iter().find(|run| run["command"] == command).unwrap();
        (
            run["state"].as_str().unwrap().to_owned(),
            run["exit"].as_i64(),
        )
    };
    let state_of = |command: &str| {
        let (state, exit) = state(command);
        format!(
            "{state} {}",
            exit.map_or("-".into(), |exit| exit.to_string())
        )
    };
    assert_eq!(state_of("import"), "finished 0");
    let missing = ["--data", "d", "import", "--api", "v2", "missing.ndjson"];
    assert_eq!(bench.run(&missing).exit, 2);
    assert_eq!(state_of("import"), "failed 2");

    // Reading what nobody sends, until somebody ends it.
    for (signal, exit) in [("-INT", Some(1)), ("-TERM", Some(1)), ("-KILL", None)] {
        let arguments = ["--json", "--data", "d", "import", "--api", "v2", "-"];
        let mut command = bench.command(&arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let unsent = child.stdin.take();
        let import = Running(Some(child));
        wait_until("it imports", || state_of("import") == "running -");
        import.signal(signal);
        let (code, events, said) = import.ended_with_events();
        assert_eq!(code, exit, "{signal}: {said}");
        if exit.is_some() {
            let last = said.lines().last().unwrap();
            assert!(
                last.starts_with("error: interrupted during import"),
                "{said}"
            );
            let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
            let ended = (&last["event"], &last["exit"]);
            assert_eq!(ended, (&"summary".into(), &1.into()));
        }
        assert_eq!(state_of("import"), "interrupted -", "{signal}");
        drop(unsent);
    }
    bench.publish("d");
    assert_eq!(state_of("run"), "finished 0");
    let current = bench.path().join("d/lake/current");
    std::fs::write(current.join("views.spark.sql"), "").unwrap();
    let table = files(&current.join("patient").canonicalize().unwrap());
    std::fs::write(&table[0], "").unwrap();
    assert_eq!(bench.run(&["--data", "d", "verify"]).exit, 1);
    assert_eq!(state_of("verify"), "failed 1");
    let page = bench.done(&["--data", "d", "status"]).stdout;
    assert!(page.contains("failed (exit 1) after "), "{page}");
}
