//! The vault's key: replaced, kept for backups, forgotten; and the copies that need it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use crate::command::{Bench, Ended};
use crate::vault::{arguments, demo, done, mode, put_back, run};

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
    fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(bench.path().join("ring")).unwrap();
    let extracted = Ended::of(&mut command_of(&bench, place, &["extract"]));
    assert_eq!(extracted.exit, 0, "{}", extracted.stderr);
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
        assert!(
            listed.stderr.contains("a key from before"),
            "{}",
            listed.stderr
        );
        put_back("last.db");
        let forgotten = ended(&["vault", "forget-old-key"]);
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
    let twice = run(&bench, &["vault", "backup", "first.db"]);
    assert_eq!(twice.exit, 2, "{}", twice.stderr);
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
        listed.stderr.contains("a key from before"),
        "{}",
        listed.stderr
    );
    let refused = run(&bench, &["vault", "forget-old-keys"]);
    assert_eq!(refused.exit, 2);
    assert!(refused.stderr.contains("vault rekey"), "{}", refused.stderr);
    put_back("second.db");
    done(&bench, &["vault", "forget-old-keys"]);
    assert_eq!(keys(&bench).len(), 1);
    assert_eq!(done(&bench, &["grants", "list"]).stderr, "");
    put_back("first.db");
    let wrong = run(&bench, &["grants", "list"]);
    assert_eq!(wrong.exit, 2, "{}", wrong.stderr);
    assert!(wrong.error_line().contains("needs the key before it"));
}
