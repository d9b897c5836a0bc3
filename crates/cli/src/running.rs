//! Which runs are in progress: one file per run, which its process holds locked.
//!
//! A process id alone would not be enough: ids are reused, and the process in a container has the
//! same one after every start. The kernel releases the lock with the process, however it ends, and
//! in a copy of the data directory nobody holds it.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use claimlake_contract::RunId;
use serde::{Deserialize, Serialize};

/// The folder of these files in the data directory.
const FOLDER: &str = ".running";

/// A file that is not locked yet.
const BUILDING: &str = ".building-";

/// The process that runs a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its process id on its machine, or in its container.
    #[serde(rename = "process")]
    pub(crate) id: u32,
    /// The command.
    pub(crate) command: String,
    /// Since when.
    pub(crate) since: DateTime<Utc>,
}

impl Process {
    /// This process, which has begun `command` now.
    pub(crate) fn this(command: &str, now: DateTime<Utc>) -> Self {
        Self {
            id: std::process::id(),
            command: command.to_owned(),
            since: now,
        }
    }

    /// The process as the lock file states it; `None` if the file does not.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// As one line of JSON.
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Shows that a run is in progress, until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct RunningMark {
    path: PathBuf,
    _locked: File,
}

impl Drop for RunningMark {
    fn drop(&mut self) {
        // A file that stays is not locked any more and says nothing.
        let _ = fs::remove_file(&self.path);
    }
}

/// Marks a run as in progress. The file is locked before it appears, so that no reader takes the
/// run for one that has ended.
///
/// # Errors
/// The file cannot be made: `status` then shows the run as interrupted.
pub(crate) fn mark(data: &Path, run: &RunId, process: &Process) -> io::Result<RunningMark> {
    let folder = data.join(FOLDER);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    clear_ended(&folder);
    let path = folder.join(run.as_str());
    let building = folder.join(format!("{BUILDING}{}", run.as_str()));
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&building)?;
    file.lock()?;
    file.write_all(process.line().as_bytes())?;
    fs::rename(&building, &path)?;
    Ok(RunningMark {
        path,
        _locked: file,
    })
}

/// The process of a run that is in progress; `None` if it has ended or was killed.
pub(crate) fn process_of(data: &Path, run: &RunId) -> Option<Process> {
    live_process(&data.join(FOLDER).join(run.as_str()))
}

/// The process that is running a command.
pub(crate) fn process_at(data: &Path, command: &str) -> Option<Process> {
    let entries = fs::read_dir(data.join(FOLDER)).ok()?;
    let mut processes = entries.filter_map(|entry| live_process(&entry.ok()?.path()));
    processes.find(|process| process.command == command)
}

fn live_process(path: &Path) -> Option<Process> {
    let file = File::open(path).ok()?;
    // Shared: several may look at once.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Process::read(path),
        _ => None,
    }
}

/// Removes the files of runs that were killed. Their names are never used again.
fn clear_ended(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default();
        // A file that is being made is not locked yet.
        if name.to_string_lossy().starts_with(BUILDING) {
            continue;
        }
        let Ok(file) = File::open(&path) else {
            continue;
        };
        if file.try_lock_shared().is_ok() {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Process, mark, process_at, process_of};

    #[test]
    fn a_run_goes_on_for_as_long_as_its_process_holds_the_lock() {
        let data = tempfile::tempdir().unwrap();
        let run = "20261123T164012.345Z-7f3a".parse().unwrap();
        let other: claimlake_contract::RunId = "20261123T164013.345Z-7f3a".parse().unwrap();
        let this = Process::this("load", "2026-11-23T16:40:12Z".parse().unwrap());
        assert_eq!(process_of(data.path(), &run), None);
        let held = mark(data.path(), &run, &this).unwrap();
        assert_eq!(process_of(data.path(), &run), Some(this.clone()));
        assert_eq!(process_at(data.path(), "load"), Some(this.clone()));
        assert_eq!(process_at(data.path(), "forget"), None);

        // A copy of the folder, and what a kill leaves: the file is there, and nobody holds it.
        let killed = data.path().join(".running").join(other.to_string());
        fs::write(&killed, this.line()).unwrap();
        assert_eq!(process_of(data.path(), &other), None);
        drop(held);
        assert_eq!(process_of(data.path(), &run), None);
        let _next = mark(data.path(), &run, &this).unwrap();
        assert!(!killed.exists(), "what a kill left is cleared");
    }
}
