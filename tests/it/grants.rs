//! Consents handed over, lent, ended: one owner a token, no secret where none is due.

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::servers::Sandbox;

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_listed_grant_shows_whose_it_is_and_no_secret() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let listed = Ended::of(&mut sandbox.command(&bench, &["grants", "list"]));
    assert_eq!(listed.exit, 0, "{}", listed.stderr);
    let grants = lines(&listed.stdout);
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["state"], "active");
    assert!(grants[0]["patient"].is_string());
    let exported =
        Ended::of(&mut sandbox.command(&bench, &["grants", "export", "--reveal-secrets"]));
    let secret = &lines(&exported.stdout)[0]["refresh_token"];
    assert!(!listed.stdout.contains(secret.as_str().unwrap()));
}

#[test]
fn an_export_without_a_recipient_asks_for_one() {
    let bench = Bench::new();
    let ended = bench.run(&["grants", "export"]);
    assert_eq!(ended.exit, 2);
    assert!(ended.stderr.contains("--to"), "{}", ended.stderr);
}

#[test]
fn a_lent_token_is_an_access_token_only() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let listed = Ended::of(&mut sandbox.command(&bench, &["grants", "list"]));
    let patient = lines(&listed.stdout)[0]["patient"]
        .as_str()
        .unwrap()
        .to_owned();
    let lent = Ended::of(&mut sandbox.command(&bench, &["token", &patient]));
    assert_eq!(lent.exit, 0, "{}", lent.stderr);
    let lent = lines(&lent.stdout).remove(0);
    assert!(lent["access_token"].is_string() && lent["expires_at"].is_string());
    assert!(lent.get("refresh_token").is_none());
    let nobody = Ended::of(&mut sandbox.command(&bench, &["token", "-1"]));
    assert_eq!(nobody.exit, 2);
    assert!(
        nobody.error_line().contains("grants list"),
        "{}",
        nobody.stderr
    );
}

#[test]
fn a_consent_that_ended_is_named_and_the_run_exits_four() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "2", "--eobs", "3"]);
    sandbox.consent(&bench);
    sandbox.consent(&bench);
    let exported =
        Ended::of(&mut sandbox.command(&bench, &["grants", "export", "--reveal-secrets"]));
    let first = exported.stdout.lines().next().unwrap();
    // Another owner takes the first grant over and ends it: ours is over, too.
    bench.write("one.ndjson", &format!("{first}\n"));
    let elsewhere = ["--data", "elsewhere"];
    let imported = Ended::of(&mut sandbox.command(
        &bench,
        &[&elsewhere[..], &["grants", "import", "one.ndjson"]].concat(),
    ));
    assert_eq!(imported.exit, 0, "{}", imported.stderr);
    let patient = lines(first)[0]["patient"].as_str().unwrap().to_owned();
    let revoked = Ended::of(&mut sandbox.command(
        &bench,
        &[&elsewhere[..], &["grants", "revoke", &patient]].concat(),
    ));
    assert_eq!(revoked.exit, 0, "{}", revoked.stderr);

    let run = Ended::of(&mut sandbox.command(&bench, &["--json", "run"]));
    assert_eq!(run.exit, 4, "{}", run.stderr);
    let summary = run.summary();
    assert_eq!(
        summary["extract"]["outcome"]["by_state"]["needs_consent"],
        1
    );
    assert_eq!(summary["extract"]["outcome"]["by_state"]["complete"], 1);
    // The others' night goes on.
    assert_eq!(summary["load"]["changed"], true);
    assert!(!run.stderr.contains(&patient), "{}", run.stderr);
    let listed =
        Ended::of(&mut sandbox.command(&bench, &["grants", "list", "--state", "needs-consent"]));
    assert_eq!(lines(&listed.stdout)[0]["needs"], "consent");
}

#[test]
fn another_key_opens_the_same_consents_and_the_one_before_nothing() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let keys = || -> Vec<std::path::PathBuf> {
        walk(bench.path())
            .into_iter()
            .filter(|path| path.extension().is_some_and(|kind| kind == "key"))
            .collect()
    };
    let key_file = keys().remove(0);
    let before = std::fs::read_to_string(&key_file).unwrap();
    let rekeyed = Ended::of(&mut sandbox.command(&bench, &["vault", "rekey"]));
    assert_eq!(rekeyed.exit, 0, "{}", rekeyed.stderr);
    assert_eq!(keys(), [key_file]);
    let listed = Ended::of(&mut sandbox.command(&bench, &["grants", "list"]));
    assert_eq!(lines(&listed.stdout).len(), 1);
    let old = Ended::of(
        sandbox
            .command(&bench, &["grants", "list"])
            .env("CLAIMLAKE_VAULT_KEY", before.trim()),
    );
    assert_eq!(old.exit, 2);
    assert!(old.error_line().contains("does not open"), "{}", old.stderr);
    assert!(!old.stderr.contains(before.trim()));
}

#[test]
fn a_line_taken_out_of_the_access_log_is_found() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "2"]);
    sandbox.consent(&bench);
    let exported =
        Ended::of(&mut sandbox.command(&bench, &["grants", "export", "--reveal-secrets"]));
    assert_eq!(exported.exit, 0, "{}", exported.stderr);
    let shown = Ended::of(&mut sandbox.command(&bench, &["access-log", "show"]));
    let actions: Vec<Value> = lines(&shown.stdout)
        .into_iter()
        .map(|mut line| line["action"].take())
        .collect();
    assert_eq!(actions, ["authorized", "exported"]);
    let patient = lines(&exported.stdout)[0]["patient"].take();
    assert!(!shown.stdout.contains(patient.as_str().unwrap()));
    let whole = Ended::of(&mut sandbox.command(&bench, &["access-log", "verify"]));
    assert_eq!(whole.exit, 0, "{}", whole.stderr);
    let log = walk(bench.path())
        .into_iter()
        .find(|path| path.ends_with("access.log"))
        .unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, text.split_once('\n').unwrap().1).unwrap();
    let touched = Ended::of(&mut sandbox.command(&bench, &["access-log", "verify"]));
    assert_eq!(touched.exit, 1);
    assert!(
        touched.error_line().contains("touched"),
        "{}",
        touched.stderr
    );
}

/// Every file below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(walk(&path)),
            false => files.push(path),
        }
    }
    files
}
