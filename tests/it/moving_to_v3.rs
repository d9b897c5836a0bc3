//! From a lake of v2 to one of v3, as docs/moving-to-v3.md says, against a sandbox.

use serde_json::json;

use crate::command::{Bench, Ended};
use crate::servers::{Sandbox, location, post};

/// A consent without personal data: nothing that v2 serves has an identifier of v3's then.
fn consent_without_demographics(bench: &Bench, sandbox: &Sandbox) {
    let started = sandbox.run(bench, &["authorize", "--start"]).exits(0);
    let callback = location(&format!(
        "{}&share_demographics=false",
        started.stdout.trim()
    ));
    sandbox
        .run(bench, &["authorize", "--finish", &callback])
        .exits(0);
}

fn at_v3(bench: &Bench, sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    let mut command = sandbox.command(bench, arguments);
    Ended::of(command.env("CLAIMLAKE_SOURCE_API", "v3"))
}

fn migrate(bench: &Bench, sandbox: &Sandbox, more: &[&str]) -> Ended {
    sandbox.run(
        bench,
        &[&["--json", "grants", "migrate", "--to", "v3"], more].concat(),
    )
}

#[test]
fn consents_move_one_by_one_and_the_lakes_pair_their_patients() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "3", "--eobs", "12", "--seed", "4"]);
    for _ in 0..3 {
        consent_without_demographics(&bench, &sandbox);
    }
    sandbox.run(&bench, &["run"]).exits(0);
    let data = bench.path().join("d");
    let frozen = bench.path().join("frozen");
    let snapshot = std::fs::canonicalize(data.join("lake/current")).unwrap();
    let copied = bench
        .program("cp")
        .arg("-a")
        .args([&snapshot, &frozen])
        .status();
    assert!(copied.unwrap().success());
    assert!(frozen.join("manifest.json").is_file());

    // An app that is not admitted: the first refusal ends it, and nothing is lost.
    let plan = migrate(&bench, &sandbox, &["--dry-run"]).exits(0);
    assert_eq!(plan.summary()["report"]["left"], 3);
    post(
        &sandbox,
        "/_sandbox/settings",
        "{\"v3\":\"early-adopters\"}",
    );
    let refused = migrate(&bench, &sandbox, &["--limit", "3"]).exits(1);
    let report = &refused.summary()["report"];
    assert_eq!(
        (&report["migrated"], &report["left"]),
        (&json!(0), &json!(3))
    );
    assert_eq!(report["refused"].as_array().unwrap().len(), 1);
    sandbox.run(&bench, &["run"]).exits(0);
    post(&sandbox, "/_sandbox/settings", "{\"v3\":\"open\"}");

    // A pilot of one, then the others.
    let pilot = migrate(&bench, &sandbox, &[]).exits(0);
    let report = &pilot.summary()["report"];
    assert_eq!(
        (&report["migrated"], &report["left"]),
        (&json!(1), &json!(2))
    );
    let rest = migrate(&bench, &sandbox, &["--limit", "9"]).exits(0);
    assert_eq!(rest.summary()["report"]["there"], 3);
    let listed = sandbox.run(&bench, &["grants", "list"]).events();
    assert!(
        listed
            .iter()
            .all(|grant| grant["api"] == "v3" && grant["state"] == "active")
    );
    let log = sandbox.run(&bench, &["access-log", "verify"]).exits(0);
    assert!(!log.stderr.contains("wrong"));

    at_v3(&bench, &sandbox, &["run"]).exits(0);
    let compare = [
        "--json",
        "compare",
        "--left",
        "frozen",
        "--right",
        "d",
        "--right-api",
        "v3",
    ];
    let ended = sandbox.run(&bench, &compare).exits(3);
    let persons = &ended.summary()["compare"]["persons"];
    assert_eq!(
        persons,
        &json!({"both": 3, "only_left": 0, "only_right": 0, "with_several_ids": 0})
    );

    // Whoever is forgotten by the id at v2 is forgotten at v3, too.
    let ids = crate::lake_rows::rows_below(&frozen.join("claim"));
    let id = crate::lake_rows::cell(&ids[0], "patient_id").to_string();
    let id = format!("v2:{}", id.trim_matches('"'));
    at_v3(&bench, &sandbox, &["forget", "--yes", &id]).exits(0);
    let listed = sandbox.run(&bench, &["grants", "list"]).events();
    assert_eq!(listed.len(), 2);
    let ended = sandbox.run(&bench, &compare).exits(3);
    let persons = &ended.summary()["compare"]["persons"];
    assert_eq!(
        (&persons["both"], &persons["only_left"]),
        (&json!(2), &json!(1))
    );
}
