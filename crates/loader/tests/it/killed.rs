//! Loads that are killed, or that run out of disk, at any moment.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claimlake_contract::{NoProgress, Progress, Task};
use claimlake_loader::{LoadOptions, load, read_manifest, snapshots};

use crate::basic::{many, request};
use crate::current::rule;
use crate::lake_rows::{bytes, rows};
use crate::staged_runs::{Claim, Staging, stage};

const LAKE: &str = "CLAIMLAKE_TEST_LAKE";
const STAGED: &str = "CLAIMLAKE_TEST_STAGED";
const TABLES: [&str; 2] = ["eob", "eob_item"];

/// The point of a load at which the child waits to be killed: the position of a progress call.
const POINT: &str = "CLAIMLAKE_TEST_POINT";
/// A file that the child writes when it is there, with the point's name.
const REACHED: &str = "CLAIMLAKE_TEST_REACHED";

fn load_staged(lake: &Path, staged: &Path, progress: &dyn Progress) -> bool {
    let mut request = request(lake, 7, &[staged.to_path_buf()]);
    request.options = LoadOptions {
        current: vec![rule()],
        memory_bytes: 100_000,
        ..LoadOptions::default()
    };
    load(&request, progress).unwrap().changed
}

/// Stops the load at one progress call for good.
#[derive(Debug)]
struct WaitAt {
    point: usize,
    reached: PathBuf,
    calls: AtomicUsize,
    /// What the tasks are about, by their numbers.
    tasks: Mutex<Vec<String>>,
}

impl WaitAt {
    fn call(&self, name: &str) {
        if self.calls.fetch_add(1, Ordering::SeqCst) == self.point {
            let beside = self.reached.with_extension("new");
            std::fs::write(&beside, name).unwrap();
            std::fs::rename(&beside, &self.reached).unwrap();
            loop {
                std::thread::park();
            }
        }
    }

    fn name(&self, task: Task) -> String {
        self.tasks.lock().unwrap()[task.0 as usize].clone()
    }
}

impl Progress for WaitAt {
    fn begin(&self, what: &str, _: &str, _: Option<u64>) -> Task {
        self.call(&format!("begin {what}"));
        let mut tasks = self.tasks.lock().unwrap();
        tasks.push(what.to_owned());
        Task(tasks.len() as u64 - 1)
    }
    fn advance(&self, task: Task, _: u64) {
        self.call(&format!("advance {}", self.name(task)));
    }
    fn note(&self, _: Task, _: &str) {}
    fn end(&self, task: Task) {
        self.call(&format!("end {}", self.name(task)));
    }
}

/// Does nothing unless the test below starts it in a process of its own.
#[test]
fn child_loads_what_the_environment_says() {
    if let (Some(lake), Some(staged)) = (std::env::var_os(LAKE), std::env::var_os(STAGED)) {
        let (lake, staged) = (PathBuf::from(lake), PathBuf::from(staged));
        match (std::env::var(POINT), std::env::var_os(REACHED)) {
            (Ok(point), Some(reached)) => {
                let wait = WaitAt {
                    point: point.parse().unwrap(),
                    reached: PathBuf::from(reached),
                    calls: AtomicUsize::new(0),
                    tasks: Mutex::default(),
                };
                load_staged(&lake, &staged, &wait);
            }
            _ => drop(load_staged(&lake, &staged, &NoProgress)),
        }
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

/// Kills the load of `staged` at a point, and names it; none where the load ends before.
fn kill_at(point: usize, lake: &Path, staged: &Path) -> Option<String> {
    let reached = lake.with_extension("reached");
    let mut load = child(&[], lake, staged)
        .env(POINT, point.to_string())
        .env(REACHED, &reached)
        .spawn()
        .unwrap();
    loop {
        if let Some(ended) = load.try_wait().unwrap() {
            assert!(ended.success() && !reached.exists(), "{ended}");
            return None;
        }
        if let Ok(name) = std::fs::read_to_string(&reached) {
            load.kill().unwrap();
            assert_eq!(load.wait().unwrap().signal(), Some(9), "{name}");
            return Some(name);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_load_killed_at_any_point_leaves_a_complete_lake_and_a_second_one_finishes_it() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(300);
    let first = stage(data.path(), 1, &claims, &Staging::default());
    let second = stage(data.path(), 2, &updated(&claims), &Staging::default());
    let undisturbed = data.path().join("undisturbed");
    load_staged(&undisturbed, &first, &NoProgress);
    let before = bytes(&undisturbed, &TABLES);
    load_staged(&undisturbed, &second, &NoProgress);
    let after = bytes(&undisturbed, &TABLES);
    assert_ne!(before, after);
    let mut points = Vec::new();
    loop {
        let lake = data.path().join(format!("lake{}", points.len()));
        load_staged(&lake, &first, &NoProgress);
        let Some(point) = kill_at(points.len(), &lake, &second) else {
            assert!(bytes(&lake, &TABLES) == after);
            break;
        };
        let seen = bytes(&lake, &TABLES);
        let is_published = point == "end publishing";
        let expected = if is_published { &after } else { &before };
        assert!(seen == *expected, "{point}");
        assert_whole(&lake);
        assert!(lake.join(".building").exists(), "{point}");
        load_staged(&lake, &second, &NoProgress);
        assert!(bytes(&lake, &TABLES) == after, "{point}");
        assert!(!lake.join(".building").exists(), "{point}");
        points.push(point);
    }
    for point in [
        "begin building tables",
        "advance building tables",
        "end building tables",
        "begin publishing",
        "end publishing",
    ] {
        assert!(points.iter().any(|hit| hit == point), "{point}: {points:?}");
    }
}

#[test]
fn a_disk_that_fills_at_any_file_leaves_the_lake_as_it_was_and_the_next_load_finishes() {
    let data = tempfile::tempdir().unwrap();
    let claims = many(400);
    let first = stage(data.path(), 1, &claims, &Staging::default());
    let second = stage(data.path(), 2, &updated(&claims), &Staging::default());
    let lake = data.path().join("lake");
    load_staged(&lake, &first, &NoProgress);
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
    load_staged(&lake, &second, &NoProgress);
    let other = data.path().join("other");
    load_staged(&other, &first, &NoProgress);
    load_staged(&other, &second, &NoProgress);
    assert_eq!(bytes(&lake, &TABLES), bytes(&other, &TABLES));
    assert_eq!(snapshots(&lake).unwrap().len(), 2);
}
