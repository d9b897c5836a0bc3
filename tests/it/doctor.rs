//! What `doctor` says of set-ups that are fine and of ones that are not.

use std::fs;

use serde_json::Value;

use crate::command::{Bench, Ended};
use crate::files::{files, set_mode, wait_for_broker};
use crate::servers::Sandbox;

fn level_of(ended: &Ended, what: &str) -> Vec<String> {
    let summary = ended.summary();
    let checks = summary["checks"].as_array().unwrap().iter();
    checks
        .filter(|check: &&Value| check["what"] == what)
        .map(|check| check["level"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_fresh_demo_is_fine_and_its_server_is_as_the_profile_says() {
    let bench = Bench::new();
    let ended = bench.run(&["--json", "doctor", "--live"]);
    assert_eq!(ended.exit, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(level_of(&ended, "server"), ["ok"]);
    assert_eq!(level_of(&ended, "vault"), ["ok"]);
    // It looks, and makes nothing.
    assert!(!bench.path().join("data").exists());
}

#[test]
fn a_key_that_others_can_read_and_a_broken_vault_are_named_with_the_way_out() {
    let bench = Bench::new();
    let sandbox = Sandbox::with_consents(&bench, 1, &["--eobs", "1"]);
    let doctor = || sandbox.run(&bench, &["--json", "doctor", "--live"]);
    let fine = doctor();
    assert_eq!(fine.exit, 0, "{}", fine.stdout);
    for what in [
        "key",
        "vault",
        "access log",
        "data: file system",
        "privacy",
        "app",
    ] {
        assert_eq!(level_of(&fine, what), ["ok"], "{what}");
    }
    let keys = files(&bench.path().join("config/claimlake"));
    let [key] = keys.as_slice() else {
        panic!("one key is expected: {keys:?}");
    };
    set_mode(key, 0o644);
    let open = doctor();
    assert_eq!(open.exit, 1, "{}", open.stdout);
    open.prints("chmod 600");
    set_mode(key, 0o600);
    wait_for_broker(&bench.path().join("d"));
    fs::write(bench.path().join("d/vault.db"), "no database").unwrap();
    let damaged = doctor();
    assert_eq!(damaged.exit, 1, "{}", damaged.stdout);
    assert_eq!(level_of(&damaged, "vault"), ["broken"]);
}

#[test]
fn a_server_that_is_down_is_broken_only_when_it_is_asked() {
    let bench = Bench::new();
    let sandbox = Sandbox::start(&bench, &["--patients", "1", "--eobs", "1"]);
    let mut live = sandbox.command(&bench, &["--json", "doctor", "--live"]);
    let mut silent = sandbox.command(&bench, &["--json", "doctor"]);
    drop(sandbox);
    let live = Ended::of(&mut live);
    assert_eq!(live.exit, 1, "{}", live.stdout);
    // Once, not for every document behind the same connection.
    assert_eq!(level_of(&live, "server"), ["broken"]);
    live.prints("the connection was refused");
    let silent = Ended::of(&mut silent);
    assert_eq!(silent.exit, 0, "{}", silent.stdout);
}
