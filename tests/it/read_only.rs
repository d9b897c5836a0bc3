//! A data directory that may be read and not written, as an auditor has it: the commands that look
//! work without a key where none is needed, change nothing, and the others say what forbids them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use crate::command::{Bench, Ended, binary};
use crate::demo;
use crate::files::{files_and_folders, set_mode};

/// A user who owns nothing here, where the tests have the rights of root.
const NOBODY: u32 = 65_534;

fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let paths = files_and_folders(folder).into_iter();
    paths
        .map(|path| (path.clone(), fs::read(&path).ok()))
        .collect()
}

/// Three patients of the demo, in a data directory that nobody may write.
fn read_only_demo(bench: &Bench) -> PathBuf {
    bench.write("p.toml", &demo::pipeline("v2"));
    bench.done(&["--pipeline", "p.toml", "--data", "d", "run"]);
    let data = bench.path().join("d");
    set_mode(bench.path(), 0o755);
    // Where this build lies, somebody without rights may not be able to start it.
    fs::copy(binary(), bench.path().join("program")).unwrap();
    set_mode(&bench.path().join("program"), 0o755);
    for path in files_and_folders(&data) {
        set_mode(&path, if path.is_dir() { 0o555 } else { 0o444 });
    }
    data
}

/// Runs a command as somebody who may not write; with the vault's key, or without.
fn looked(bench: &Bench, arguments: &[&str], key: Option<&str>) -> Ended {
    let mut command = bench.program(bench.path().join("program").to_str().unwrap());
    command.args([&["--pipeline", "p.toml", "--data", "d"], arguments].concat());
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

#[test]
fn who_may_only_read_can_look_at_everything_and_leaves_no_trace() {
    let bench = Bench::new();
    let data = read_only_demo(&bench);
    let keys = files_and_folders(&bench.path().join("config"));
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
        let ended = looked(&bench, arguments, needs_key.then_some(key.trim())).exits(0);
        let words = format!("{}{}", ended.stdout, ended.stderr);
        assert!(words.contains(said), "{arguments:?}: {words}");
        for wrong in ["unreadable", "not noted", "ermission"] {
            assert!(!words.contains(wrong), "{arguments:?}: {words}");
        }
    }
    let status = looked(&bench, &["status"], None);
    status.prints("unreadable vault: the vault's key is missing");
    status.prints("last runs  ");
    let doctor = looked(&bench, &["doctor"], Some(key.trim())).exits(1);
    doctor.prints("whole, 3 grants");
    doctor.prints("d cannot be written: Permission denied");
    for (arguments, forbidden) in [
        (&["load"][..], "cannot open the lock file d/.staged.lock: "),
        (&["snapshots", "rollback", "1"], "d/.staged.lock: "),
        (&["report"], "(--output names another file): "),
        (
            &["vault", "rekey"],
            "closing the data directory to others 'd': ",
        ),
    ] {
        let ended = looked(&bench, arguments, Some(key.trim())).exits(1);
        let error = ended.error_line();
        for words in [forbidden, "check its owner and mode"] {
            assert!(error.contains(words), "{arguments:?}: {error}");
        }
    }
    assert_eq!(contents(&data), before);
    // So that the folder can be removed.
    set_mode(&data, 0o755);
    for path in files_and_folders(&data).iter().rev() {
        set_mode(path, 0o755);
    }
}
