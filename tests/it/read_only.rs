//! A data directory that may be read and not written, as an auditor has it: the commands that look
//! work without a key where none is needed, change nothing, and the others say what forbids them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::command::{Bench, Ended, skipped};
use crate::demo;

/// A user who owns nothing here, where the tests have the rights of root.
const NOBODY: u32 = 65_534;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Every folder and file below, folders after what is in them.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(below(&path));
        }
        found.push(path);
    }
    found
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let paths = below(folder).into_iter();
    paths
        .map(|path| (path.clone(), fs::read(&path).ok()))
        .collect()
}

/// Three people of the demo, in a data directory that nobody may write.
fn read_only_demo(bench: &Bench) -> PathBuf {
    bench.write("p.toml", &demo::pipeline("v2"));
    bench.done(&["--pipeline", "p.toml", "--data", "d", "run"]);
    let data = bench.path().join("d");
    set_mode(bench.path(), 0o755);
    for path in below(&data) {
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    set_mode(&data, 0o555);
    data
}

/// Runs a command as somebody who may not write; with the vault's key, or without.
fn looked(bench: &Bench, arguments: &[&str], key: Option<&str>) -> Ended {
    let mut command =
        bench.command(&[&["--pipeline", "p.toml", "--data", "d"], arguments].concat());
    command.env("XDG_CONFIG_HOME", bench.path().join("nowhere"));
    if let Some(key) = key {
        command.env("CLAIMLAKE_VAULT_KEY", key);
    }
    if is_root(bench) {
        command.uid(NOBODY).gid(NOBODY);
    }
    Ended::of(&mut command)
}

/// Nothing is forbidden to root, whatever the modes say.
fn is_root(bench: &Bench) -> bool {
    fs::metadata(bench.path()).unwrap().uid() == 0
}

/// Whether that somebody can start the program that this build made, wherever it lies.
fn can_start(bench: &Bench) -> bool {
    let mut command = bench.command(&["--version"]);
    command.uid(NOBODY).gid(NOBODY);
    !is_root(bench) || command.output().is_ok_and(|ended| ended.status.success())
}

#[test]
fn who_may_only_read_can_look_at_everything_and_leaves_no_trace() {
    let bench = Bench::new();
    let data = read_only_demo(&bench);
    if !can_start(&bench) {
        return skipped("a user without rights cannot start the program where it lies");
    }
    let keys = below(&bench.path().join("config"));
    let key = keys.iter().find(|path| path.is_file()).unwrap();
    let key = fs::read_to_string(key).unwrap();
    let before = contents(&data);
    let page = format!("{}/report.html", bench.path().display());
    let copy = format!("{}/copy.db", bench.path().display());
    set_mode(bench.path(), 0o777);
    for (arguments, needs_key, said) in [
        (&["verify"][..], false, "landing and snapshot 1 agree"),
        (&["status"], true, "3 active (v2)"),
        (&["snapshots"], false, "current"),
        (&["trace", "-20140000000001"], false, "patient"),
        (
            &["report", "--verify", "--output", &page],
            true,
            "snapshot 1, ",
        ),
        (&["changes"], false, "new"),
        (&["grants", "list"], true, "\"state\":\"active\""),
        (&["access-log", "show"], true, "\"action\":\"pulled\""),
        (&["access-log", "verify"], true, "whole, lines: 3"),
        (&["vault", "backup", &copy], false, "the vault is copied to"),
    ] {
        let ended = looked(&bench, arguments, needs_key.then_some(key.trim()));
        assert_eq!(ended.exit, 0, "{arguments:?}: {}", ended.stderr);
        let words = format!("{}{}", ended.stdout, ended.stderr);
        assert!(words.contains(said), "{arguments:?}: {words}");
        for wrong in ["unreadable", "not noted", "ermission"] {
            assert!(!words.contains(wrong), "{arguments:?}: {words}");
        }
    }
    let status = looked(&bench, &["status"], None);
    assert!(
        status
            .stdout
            .contains("unreadable vault: the vault's key is missing")
    );
    assert!(status.stdout.contains("last runs  "), "{}", status.stdout);
    let doctor = looked(&bench, &["doctor"], Some(key.trim()));
    assert_eq!(doctor.exit, 1);
    assert!(
        doctor.stdout.contains("whole, 3 grants"),
        "{}",
        doctor.stdout
    );
    assert!(
        doctor
            .stdout
            .contains("d cannot be written: Permission denied"),
        "{}",
        doctor.stdout
    );
    for (arguments, forbidden) in [
        (&["load"][..], "cannot open the lock file d/.staged.lock: "),
        (&["snapshots", "rollback", "1"], "d/.staged.lock: "),
        (&["report"], "(--output names another file): "),
        (
            &["vault", "rekey"],
            "closing the data directory to others 'd': ",
        ),
    ] {
        let ended = looked(&bench, arguments, Some(key.trim()));
        assert_eq!(ended.exit, 1, "{arguments:?}: {}", ended.stderr);
        let error = ended.error_line();
        for words in [forbidden, "check its owner and mode"] {
            assert!(error.contains(words), "{arguments:?}: {error}");
        }
    }
    assert_eq!(contents(&data), before);
    // So that the folder can be removed.
    set_mode(&data, 0o755);
    for path in below(&data).iter().rev() {
        set_mode(path, 0o755);
    }
}
