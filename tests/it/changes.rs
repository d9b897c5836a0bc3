//! What became of which claim, run by run, as the command lists it.

use serde_json::{Value, json};

use crate::command::{Bench, Ended};
use crate::files::edit_manifest;
use crate::servers::{Sandbox, post};

fn claim(id: &str, updated: &str) -> String {
    let claim = json!({
        "resourceType": "ExplanationOfBenefit",
        "id": id,
        "status": "active",
        "meta": {"lastUpdated": updated},
        "patient": {"reference": "Patient/-1"},
    });
    format!("{claim}\n")
}

fn publish(bench: &Bench, text: &str) {
    bench.load("d", "claims.ndjson", text);
}

fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let text = |key: &str| event[key].as_str().unwrap().to_owned();
        format!("{} {}", text("resource_id"), text("kind"))
    };
    let mut kinds: Vec<String> = events.iter().map(kind).collect();
    kinds.sort();
    kinds
}

#[test]
fn every_change_is_an_event_and_since_leaves_out_what_was_listed() {
    let bench = Bench::new();
    let changes = |arguments: &[&str]| {
        bench.done(&[&["--json", "--data", "d", "changes"], arguments].concat())
    };
    let early = "2026-01-02T03:04:05Z";
    publish(
        &bench,
        &[claim("carrier--1", early), claim("carrier--2", early)].concat(),
    );
    let first = changes(&[]);
    assert_eq!(
        kinds(&first.events_of("change")),
        ["carrier--1 new", "carrier--2 new"]
    );
    assert_eq!(first.summary()["changes"], 2);
    let until = first.summary()["until"].as_str().unwrap().to_owned();
    let nothing = changes(&["--since", &until]);
    assert_eq!(nothing.summary()["changes"], 0);
    assert_eq!(nothing.summary()["until"], until);
    publish(&bench, &claim("carrier--2", "2026-02-02T03:04:05Z"));
    let second = changes(&["--since", &until]);
    assert_eq!(kinds(&second.events_of("change")), ["carrier--2 changed"]);
    let change = &second.events_of("change")[0];
    assert_eq!(change["patient_id"], "-1");
    assert_ne!(change["hash_before"], change["hash_after"]);
    let table = bench.done(&["--data", "d", "changes", "--since", &until]);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", table.stdout);
    assert!(lines[0].starts_with("run\tkind\tapi\t"));
    assert!(lines[1].ends_with("\tchanged\tv2\tExplanationOfBenefit\tcarrier--2\t-1"));
}

#[test]
fn a_lake_that_is_not_there_has_no_changes_and_a_run_that_is_none_is_refused() {
    let bench = Bench::new();
    let none = bench.done(&["--data", "d", "changes"]);
    assert_eq!(none.stdout, "");
    assert!(none.stderr.contains("nothing is published yet"));
    bench
        .run(&["--data", "d", "changes", "--since", "yesterday"])
        .exits(2);
}

/// Has a sandbox that runs misbehave from now on.
pub(crate) fn set_faults(sandbox: &Sandbox, faults: &Value) {
    post(sandbox, "/_sandbox/faults", &faults.to_string());
}

#[test]
fn a_claim_that_a_full_read_no_longer_finds_leaves_the_lake_and_is_listed() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "60", "--seed", "7"]);
    let try_to = |arguments: &[&str]| {
        let mut command = sandbox.command(&bench, &[&["--json"], arguments].concat());
        Ended::of(command.env("CLAIMLAKE_EXTRACT_PAGE_SIZE", "10"))
    };
    let run = |arguments: &[&str]| try_to(arguments).exits(0);
    let first = run(&["run"]).summary();
    let rows = first["load"]["rows"]["eob"].as_u64().unwrap();
    set_faults(&sandbox, &json!(["drift-delete:count=1"]));
    let until = run(&["changes"]).summary()["until"]
        .as_str()
        .unwrap()
        .to_owned();
    run(&["extract", "--full"]);
    assert_eq!(run(&["transform"]).summary()["transform"]["gone"], 1);
    let second = run(&["load"]).summary();
    assert_eq!(second["load"]["rows"]["eob"], rows - 1);
    assert_eq!(second["load"]["outcome"]["gone"], 1);
    let listed = run(&["changes", "--since", &until]).events_of("change");
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["kind"], "vanished");
    assert!(listed[0]["hash_after"].is_null());
    assert_eq!(run(&["verify"]).summary()["verify"]["warnings"], 0);
    let id = listed[0]["resource_id"].as_str().unwrap();
    let traced = run(&["trace", id]).stdout;
    let body: Value = serde_json::from_str(traced.lines().next().unwrap()).unwrap();
    assert_eq!(body["standing"], "gone");
    let since = body["gone_since"].as_str().unwrap().to_owned();
    let status = run(&["status"]).summary();
    let claims = status["landing"].as_array().unwrap().iter();
    let gone: Vec<&Value> = claims.map(|landed| &landed["gone"]).collect();
    assert!(gone.contains(&&json!(1)), "{gone:?}");
    assert_eq!(status["full_reads"][0]["people"], 1);
    assert_eq!(status["full_reads"][0]["every_days"], 30);
    // Reported once, also when all of it is read and loaded again, or made anew.
    let until = listed[0]["run"].as_str().unwrap();
    run(&["extract", "--full"]);
    run(&["transform", "--full"]);
    let rebuilt = run(&["load", "--rebuild"]).summary();
    assert_eq!(rebuilt["load"]["rows"]["eob"], rows - 1);
    let again = run(&["changes", "--since", until]).events_of("change");
    assert!(again.is_empty(), "{again:?}");
    run(&["verify"]);
    // What the lake knows as gone, and landing does not, is wrong.
    let eob = "d/landing/api=v2/resource=ExplanationOfBenefit";
    let run_folder = bench.path().join(format!("{eob}/run={since}"));
    edit_manifest(&run_folder, |manifest| {
        manifest["patients"][0]
            .as_object_mut()
            .unwrap()
            .remove("gone");
    });
    let wrong = try_to(&["verify"]).exits(1);
    wrong.prints("no run in landing says so");
}

#[test]
fn full_every_is_days_and_can_be_switched_off() {
    let bench = Bench::new();
    let with = |value: &str| {
        let mut command = bench.command(&["--data", "d", "status"]);
        Ended::of(command.env("CLAIMLAKE_EXTRACT_FULL_EVERY", value))
    };
    for fine in ["0", "1", "30", "3650"] {
        assert_eq!(with(fine).exit, 0, "{fine}: {}", with(fine).stderr);
    }
    for wrong in ["-1", "3651", "monthly", "1.5"] {
        let ended = with(wrong);
        assert_eq!(ended.exit, 2, "{wrong}");
        ended.says("full_every");
    }
}
