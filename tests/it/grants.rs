//! Consents handed over, lent, ended: one owner a token, no secret where none is due.

use serde_json::Value;

use crate::command::{Bench, Ended, json_lines};
use crate::files::files;
use crate::servers::Sandbox;

#[test]
fn a_listed_grant_shows_whose_it_is_and_no_secret() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2"]);
    let listed = sandbox.run(&bench, &["grants", "list"]).exits(0);
    let grants = listed.events();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["state"], "active");
    assert!(grants[0]["patient"].is_string());
    let exported = sandbox.run(&bench, &["grants", "export", "--reveal-secrets"]);
    let secret = &exported.events()[0]["refresh_token"];
    assert!(!listed.stdout.contains(secret.as_str().unwrap()));
}

#[test]
fn an_export_without_a_recipient_asks_for_one() {
    let bench = Bench::new();
    let ended = bench.run(&["grants", "export"]).exits(2);
    ended.says("--to");
}

#[test]
fn a_lent_token_is_an_access_token_only() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2"]);
    let listed = sandbox.run(&bench, &["grants", "list"]);
    let patient = listed.events()[0]["patient"].as_str().unwrap().to_owned();
    let lent = sandbox.run(&bench, &["token", &patient]).exits(0);
    let lent = lent.events().remove(0);
    assert!(lent["access_token"].is_string() && lent["expires_at"].is_string());
    assert!(lent.get("refresh_token").is_none());
    let nobody = sandbox.run(&bench, &["token", "-1"]).exits(2);
    nobody.fails_with("grants list");
}

#[test]
fn a_consent_that_ended_is_named_and_the_run_exits_four() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 2, &["--eobs", "3"]);
    let exported = sandbox.run(&bench, &["grants", "export", "--reveal-secrets"]);
    let first = exported.stdout.lines().next().unwrap();
    // Another owner takes the first grant over and ends it: ours is over, too.
    bench.write("one.ndjson", &format!("{first}\n"));
    let elsewhere = ["--data", "elsewhere"];
    Ended::of(&mut sandbox.command(
        &bench,
        &[&elsewhere[..], &["grants", "import", "one.ndjson"]].concat(),
    ))
    .exits(0);
    let patient = json_lines(first)[0]["patient"].as_str().unwrap().to_owned();
    Ended::of(&mut sandbox.command(
        &bench,
        &[&elsewhere[..], &["grants", "revoke", &patient]].concat(),
    ))
    .exits(0);

    let run = sandbox.run(&bench, &["--json", "run"]).exits(4);
    let summary = run.summary();
    assert_eq!(
        summary["extract"]["outcome"]["by_state"]["needs_consent"],
        1
    );
    assert_eq!(summary["extract"]["outcome"]["by_state"]["complete"], 1);
    // The others' night goes on.
    assert_eq!(summary["load"]["changed"], true);
    assert!(!run.stderr.contains(&patient), "{}", run.stderr);
    let listed = sandbox.run(&bench, &["grants", "list", "--state", "needs-consent"]);
    assert_eq!(listed.events()[0]["needs"], "consent");
}

#[test]
fn another_key_opens_the_same_consents_and_the_one_before_nothing() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2"]);
    let keys = || -> Vec<std::path::PathBuf> {
        files(bench.path())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|kind| kind == "key"))
            .collect()
    };
    let key_file = keys().remove(0);
    let before = std::fs::read_to_string(&key_file).unwrap();
    sandbox.run(&bench, &["vault", "rekey"]).exits(0);
    assert_eq!(keys(), [key_file]);
    let listed = sandbox.run(&bench, &["grants", "list"]);
    assert_eq!(listed.events().len(), 1);
    let old = Ended::of(
        sandbox
            .command(&bench, &["grants", "list"])
            .env("CLAIMLAKE_VAULT_KEY", before.trim()),
    )
    .exits(2);
    old.fails_with("does not open");
    assert!(!old.stderr.contains(before.trim()));
}

#[test]
fn a_line_taken_out_of_the_access_log_is_found() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "2"]);
    let exported = sandbox
        .run(&bench, &["grants", "export", "--reveal-secrets"])
        .exits(0);
    let shown = sandbox.run(&bench, &["access-log", "show"]);
    let actions: Vec<Value> = shown
        .events()
        .into_iter()
        .map(|mut line| line["action"].take())
        .collect();
    assert_eq!(actions, ["authorized", "exported"]);
    let patient = exported.events()[0]["patient"].take();
    assert!(!shown.stdout.contains(patient.as_str().unwrap()));
    sandbox.run(&bench, &["access-log", "verify"]).exits(0);
    let log = files(bench.path())
        .into_iter()
        .find(|path| path.ends_with("access.log"))
        .unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.split_once('\n').unwrap().1).unwrap();
    let touched = sandbox.run(&bench, &["access-log", "verify"]).exits(1);
    touched.fails_with("touched");
}
