//! Loads that are killed, or that run out of disk, at any moment.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use claimlake_contract::NoProgress;
use claimlake_loader::{LoadOptions, load, read_manifest, snapshots};

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::{bytes, rows};
use crate::staged_runs::{Claim, Staging, stage};

const LAKE: &str = "CLAIMLAKE_TEST_LAKE";
const STAGED: &str = "CLAIMLAKE_TEST_STAGED";
const TABLES: [&str; 2] = ["eob", "eob_item"];

fn load_staged(lake: &Path, staged: &Path) -> claimlake_loader::Result<bool> {
    let mut request = request(lake, 7, &[staged.to_path_buf()]);
    request.options = LoadOptions {
        current: vec![rule()],
        memory_bytes: 100_000,
        ..LoadOptions::default()
    };
    load(&request, &NoProgress).map(|outcome| outcome.changed)
}

/// Does nothing unless the test below starts it in a process of its own.
#[test]
fn child_loads_what_the_environment_says() {
    if let (Some(lake), Some(staged)) = (std::env::var_os(LAKE), std::env::var_os(STAGED)) {
        load_staged(&PathBuf::from(lake), &PathBuf::from(staged)).unwrap();
    }
}

/// A process that loads; `wrapper` comes before the command line.
fn child(wrapper: &[&str], lake: &Path, staged: &Path) -> Command {
    let test = std::env::current_exe().unwrap();
    let mut command = match wrapper {
        [] => Command::new(test),
        [shell, rest @ ..] => {
            let mut command = Command::new(shell);
            command.args(rest).arg(test);
            command
        }
    };
    command
        .args(["--exact", "killed::child_loads_what_the_environment_says"])
        .env(LAKE, lake)
        .env(STAGED, staged)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn updated(claims: &[Claim]) -> Vec<Claim> {
    let changed = |(index, claim): (usize, &Claim)| {
        claim.clone().with(|claim| {
            claim.last_updated = Some(5_000);
            claim.year = Some(2020 + (index % 9) as i32);
            claim.group = Some(format!("g{}", index % 50));
        })
    };
    claims
        .iter()
        .enumerate()
        .filter(|(index, _)| index % 3 == 0)
        .map(changed)
        .collect()
}

/// Every file of the current snapshot is there, with as many bytes and rows as the manifest says.
fn assert_whole(lake: &Path) -> u64 {
    let folder = lake.join("current").canonicalize().unwrap();
    let manifest = read_manifest(&folder).unwrap();
    for table in &manifest.tables {
        for file in &table.files {
            let bytes = std::fs::metadata(folder.join(&file.path)).unwrap().len();
            assert_eq!(bytes, file.bytes, "{}", file.path);
        }
    }
    for table in TABLES {
        rows(lake, table);
    }
    manifest.snapshot
}

#[test]
fn a_load_killed_at_any_moment_leaves_a_whole_lake_and_a_second_one_finishes_it() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(300);
    let first = stage(data.path(), 1, &claims, &Staging::default());
    let second = stage(data.path(), 2, &updated(&claims), &Staging::default());
    let undisturbed = data.path().join("undisturbed");
    load_staged(&undisturbed, &first).unwrap();
    let before = bytes(&undisturbed, &TABLES);
    load_staged(&undisturbed, &second).unwrap();
    let after = bytes(&undisturbed, &TABLES);
    assert_ne!(before, after);
    for attempt in 0..7u64 {
        let lake = data.path().join(format!("lake{attempt}"));
        load_staged(&lake, &first).unwrap();
        let mut load = child(&[], &lake, &second).spawn().unwrap();
        // Spread over the load's length, however long it takes here.
        std::thread::sleep(Duration::from_millis(20 * attempt * attempt));
        load.kill().unwrap();
        load.wait().unwrap();
        let seen = bytes(&lake, &TABLES);
        assert!(
            seen == before || seen == after,
            "attempt {attempt}: half a lake"
        );
        assert_whole(&lake);
        load_staged(&lake, &second).unwrap();
        assert_eq!(bytes(&lake, &TABLES), after, "attempt {attempt}");
        assert!(!lake.join(".building").exists());
    }
}

#[test]
fn a_disk_that_fills_at_any_file_leaves_the_lake_as_it_was_and_the_next_load_finishes() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(400);
    let first = stage(data.path(), 1, &claims, &Staging::default());
    let second = stage(data.path(), 2, &updated(&claims), &Staging::default());
    let lake = data.path().join("lake");
    load_staged(&lake, &first).unwrap();
    let before = bytes(&lake, &TABLES);
    let mut failures = 0;
    // No file may grow beyond so many blocks of 512 bytes: the writes beyond fail one after other.
    for blocks in [0, 1, 4, 8, 16, 32, 64] {
        let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let ended = child(&["sh", "-c", &limit], &lake, &second)
            .status()
            .unwrap();
        if ended.success() {
            break;
        }
        failures += 1;
        assert_eq!(bytes(&lake, &TABLES), before, "{blocks} blocks");
        assert_eq!(assert_whole(&lake), 1);
    }
    assert!(failures > 0, "no limit was too small");
    load_staged(&lake, &second).unwrap();
    let other = data.path().join("other");
    load_staged(&other, &first).unwrap();
    load_staged(&other, &second).unwrap();
    assert_eq!(bytes(&lake, &TABLES), bytes(&other, &TABLES));
    assert_eq!(snapshots(&lake).unwrap().len(), 2);
}
