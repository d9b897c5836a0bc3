//! The vault's key: replaced, kept for backups, forgotten; and the copies that need it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{Bench, Ended};
use crate::files::{copy_folder, mode, set_mode};
use crate::vault::{arguments, demo, done, put_back, run, wait_for_broker};

fn keys(bench: &Bench) -> Vec<PathBuf> {
    let entries = fs::read_dir(bench.path().join("config/claimlake/keys")).unwrap();
    let mut found: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// A keyring in a folder, for as much of `secret-tool` as is used.
const SECRET_TOOL: &str = r#"#!/bin/sh
action=$1
for name; do :; done
case $action in
store) umask 077; cat > "$RING/$name" ;;
lookup) cat "$RING/$name" 2> /dev/null ;;
clear) rm "$RING/$name" ;;
esac
"#;

/// Where the key is kept: in the configuration folder, in a named file, in the keyring.
const PLACES: [&str; 3] = ["config", "file", "keyring"];

fn command_of(bench: &Bench, place: &str, command: &[&str]) -> Command {
    let mut command = bench.command(&arguments(command));
    match place {
        // A name without a folder, from where the command runs.
        "file" => command.env("CLAIMLAKE_VAULT_KEY_FILE", "named.key"),
        "keyring" => {
            let path = std::env::var("PATH").unwrap();
            let tools = bench.path().join("tools");
            command
                .env("CLAIMLAKE_VAULT_KEYRING", "system")
                .env("RING", bench.path().join("ring"))
                .env("PATH", format!("{}:{path}", tools.display()))
        }
        _ => &mut command,
    };
    command
}

/// The demo with its key in one of the places.
fn demo_with_its_key(place: &str) -> Bench {
    let bench = Bench::new();
    bench.write("p.toml", &crate::demo::pipeline("v2"));
    let tool = bench.write("tools/secret-tool", SECRET_TOOL);
    set_mode(&tool, 0o755);
    fs::create_dir(bench.path().join("ring")).unwrap();
    Ended::of(&mut command_of(&bench, place, &["extract"])).exits(0);
    bench
}

/// All files of keys below a folder.
fn key_files(bench: &Bench) -> Vec<PathBuf> {
    let folders = [".", "ring", "config/claimlake/keys"].map(|folder| bench.path().join(folder));
    let entries = folders
        .into_iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten());
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap_or_default();
            text.trim().len() == 64
        })
        .collect()
}

#[test]
fn a_rekey_killed_at_any_of_its_steps_leaves_a_vault_that_opens() {
    for place in PLACES {
        let bench = demo_with_its_key(place);
        assert_eq!(key_files(&bench).len(), 1, "{place}");
        let ended = |command: &[&str]| Ended::of(&mut command_of(&bench, place, command));
        assert_eq!(ended(&["vault", "backup", "first.db"]).exit, 0);
        for step in [
            "rekey-new-key",
            "rekey-old-key",
            "rekey-sealed",
            "rekey-in-place",
            "rekey-sealed",
            "rekey-old-key",
        ] {
            let mut killed = command_of(&bench, place, &["vault", "rekey"]);
            let killed = Ended::of(killed.env("CLAIMLAKE_CRASH_AT", step));
            assert_eq!(killed.exit, -1, "{place} {step}: {}", killed.stderr);
            let listed = ended(&["grants", "list"]);
            assert_eq!(listed.exit, 0, "{place} {step}: {}", listed.stderr);
            assert_eq!(listed.stdout.lines().count(), 3, "{place} {step}");
            assert_eq!(listed.stderr, "", "{place} {step}");
        }
        let rekeyed = ended(&["vault", "rekey"]);
        assert_eq!(rekeyed.exit, 0, "{place}: {}", rekeyed.stderr);
        assert!(rekeyed.stderr.contains("vault forget-old-keys"));
        for file in key_files(&bench) {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        // The backup of the beginning opens until the old keys are forgotten.
        assert_eq!(ended(&["vault", "backup", "last.db"]).exit, 0);
        let put_back = |copy: &str| put_back(&bench, &[(copy, "d/vault.db")]);
        put_back("first.db");
        let listed = ended(&["grants", "list"]);
        assert_eq!(listed.exit, 0, "{place}: {}", listed.stderr);
        listed.says("a key from before");
        put_back("last.db");
        let forgotten = ended(&["vault", "forget-old-key", "--yes"]);
        assert_eq!(forgotten.exit, 0, "{place}: {}", forgotten.stderr);
        assert_eq!(ended(&["grants", "list"]).exit, 0, "{place}");
        put_back("first.db");
        assert_eq!(ended(&["grants", "list"]).exit, 2, "{place}");
    }
}

#[test]
fn a_backup_from_before_a_rekey_opens_until_the_old_keys_are_forgotten() {
    let bench = demo();
    done(&bench, &["vault", "backup", "first.db"]);
    assert_eq!(mode(&bench.path().join("first.db")), 0o600);
    let twice = run(&bench, &["vault", "backup", "first.db"]).exits(2);
    assert!(twice.error_line().contains("is there already"));
    done(&bench, &["vault", "rekey"]);
    done(&bench, &["vault", "backup", "second.db"]);
    assert_eq!(keys(&bench).len(), 2);
    let doctor = run(&bench, &["doctor"]).stdout;
    assert!(doctor.contains("1 old key kept beside it"), "{doctor}");
    let put_back = |copy: &str| put_back(&bench, &[(copy, "d/vault.db")]);
    put_back("first.db");
    let listed = done(&bench, &["grants", "list"]);
    assert_eq!(listed.stdout.lines().count(), 3);
    assert!(
        listed.stderr.contains("a key from before")
            && listed.stderr.contains("put back from a backup")
            && listed
                .stderr
                .contains("another data directory has the same key file"),
        "{}",
        listed.stderr
    );
    let refused = run(&bench, &["vault", "forget-old-keys"]).exits(2);
    refused.says("vault rekey");
    put_back("second.db");
    let asked = run(&bench, &["vault", "forget-old-keys"]).exits(2);
    for words in [
        "--yes",
        "copies",
        "same key file",
        "vault rekey --key-file FILE",
    ] {
        asked.fails_with(words);
    }
    assert_eq!(keys(&bench).len(), 2);
    done(&bench, &["vault", "forget-old-keys", "--yes"]);
    assert_eq!(keys(&bench).len(), 1);
    assert_eq!(done(&bench, &["grants", "list"]).stderr, "");
    put_back("first.db");
    let wrong = run(&bench, &["grants", "list"]).exits(2);
    assert!(wrong.error_line().contains("needs the key before it"));
}

/// `CLAIMLAKE_VAULT_KEY_FILE`; none is the key file in the configuration folder.
fn with_key_file(bench: &Bench, data: &str, file: Option<&str>, command: &[&str]) -> Ended {
    let flags = ["--pipeline", "p.toml", "--data", data];
    let mut command = bench.command(&[&flags, command].concat());
    command.envs(file.map(|file| ("CLAIMLAKE_VAULT_KEY_FILE", file)));
    Ended::of(&mut command)
}

#[test]
fn of_two_data_directories_with_one_key_file_each_gets_a_key_of_its_own() {
    // A copy, and one file that is named for both.
    for shared in [None, Some("shared.key")] {
        let bench = Bench::new();
        bench.write("p.toml", &crate::demo::pipeline("v2"));
        let on = |data: &str, file, command: &[&str]| {
            let ended = with_key_file(&bench, data, file, command);
            assert_eq!(ended.exit, 0, "{shared:?} {command:?}: {}", ended.stderr);
            ended
        };
        on("d", shared, &["extract"]);
        wait_for_broker(&bench);
        match shared {
            None => copy_folder(&bench.path().join("d"), &bench.path().join("e")),
            Some(_) => drop(on("e", shared, &["extract"])),
        }
        on("d", shared, &["vault", "rekey"]);
        let old = on("e", shared, &["grants", "list"]).stderr;
        assert!(old.contains("vault rekey --key-file FILE"), "{old}");
        let own = Some("e.key");
        // A kill after each step: by one of the two files the vault opens.
        for (step, opens) in [("rekey-new-key", shared), ("rekey-sealed", own)] {
            let flags = ["--pipeline", "p.toml", "--data", "e"];
            let rekey = ["vault", "rekey", "--key-file", "e.key"];
            let mut killed = bench.command(&[&flags[..], &rekey].concat());
            killed.envs(shared.map(|file| ("CLAIMLAKE_VAULT_KEY_FILE", file)));
            let killed = Ended::of(killed.env("CLAIMLAKE_CRASH_AT", step));
            assert_eq!(killed.exit, -1, "{step}: {}", killed.stderr);
            on("e", opens, &["grants", "list"]);
        }
        with_key_file(&bench, "e", own, &["vault", "rekey", "--key-file", "e.key"]).exits(2);
        let rekeyed = on("e", own, &["vault", "rekey", "--key-file", "f.key"]);
        for words in ["CLAIMLAKE_VAULT_KEY_FILE", "stays where it is"] {
            rekeyed.says(words);
        }
        let own = Some("f.key");
        assert_eq!(mode(&bench.path().join("f.key")), 0o600);
        on("d", shared, &["vault", "forget-old-keys", "--yes"]);
        for (data, file) in [("d", shared), ("e", own)] {
            let listed = on(data, file, &["grants", "list"]);
            assert_eq!(
                (listed.stdout.lines().count(), listed.stderr.as_str()),
                (3, "")
            );
            on(data, file, &["vault", "rekey"]);
            on(data, file, &["vault", "forget-old-keys", "--yes"]);
        }
    }
}

#[test]
fn a_new_key_that_is_the_present_one_is_refused_in_either_spelling() {
    let bench = Bench::new();
    bench.write("p.toml", &crate::demo::pipeline("v2"));
    let (hex, base64) = ("0".repeat(64), format!("{}=", "A".repeat(43)));
    let with_key = |new: Option<&str>, command: &[&str]| {
        let mut command = bench.command(&arguments(command));
        command.env("CLAIMLAKE_VAULT_KEY", &hex);
        Ended::of(command.envs(new.map(|new| ("CLAIMLAKE_VAULT_NEW_KEY", new))))
    };
    assert_eq!(with_key(None, &["extract"]).exit, 0);
    for new in [&hex, &base64] {
        let refused = with_key(Some(new), &["vault", "rekey"]).exits(2);
        let said = refused.error_line();
        assert!(
            said.contains("nothing was changed") && !said.contains(new.as_str()),
            "{said}"
        );
    }
    let file = bench.write("same.key", &hex);
    set_mode(&file, 0o600);
    with_key(None, &["vault", "rekey", "--key-file", "same.key"]).exits(2);
    assert_eq!(with_key(None, &["grants", "list"]).exit, 0);
    assert_eq!(with_key(Some(&"1".repeat(64)), &["vault", "rekey"]).exit, 0);
}
