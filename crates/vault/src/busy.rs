//! Waits while another process has the vault's database locked, and logs who it is.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::files::VAULT_FILE;
use crate::process::{lock_holder, name_of};

/// How long to wait for a locked database.
const PATIENCE: Duration = Duration::from_secs(180);
/// When a message says what is being waited for, and how often it is repeated.
const FIRST_NOTICE: Duration = Duration::from_secs(3);
const NOTICES: Duration = Duration::from_secs(30);
/// The first tries come soon: most locks are held for milliseconds.
const STEPS: [u64; 8] = [1, 2, 5, 10, 15, 20, 25, 50];
const STEP: Duration = Duration::from_millis(100);

/// The vault opened last, whose holder is named in messages: SQLite's busy handler gets no argument
/// that identifies the database.
static OPENED: Mutex<Option<PathBuf>> = Mutex::new(None);

/// What to do before another attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) pause: Duration,
    /// For how long it has been waited, if it is time to log this.
    pub(crate) notice: Option<Duration>,
}

/// What to do after this many attempts; `None` to give up.
pub(crate) fn step(tries: u32) -> Option<Step> {
    let pause = |number: u32| match STEPS.get(number as usize) {
        Some(milliseconds) => Duration::from_millis(*milliseconds),
        None => STEP,
    };
    let soon: Duration = (0..tries.min(STEPS.len() as u32)).map(pause).sum();
    let waited = soon + STEP * tries.saturating_sub(STEPS.len() as u32);
    let next = waited + pause(tries);
    let crosses = |at: Duration| waited < at && at <= next;
    let later = (1..=PATIENCE.as_secs() / NOTICES.as_secs()).map(|n| NOTICES * n as u32);
    let is_notice = crosses(FIRST_NOTICE) || later.into_iter().any(crosses);
    (waited < PATIENCE).then(|| Step {
        pause: pause(tries),
        notice: is_notice.then_some(next),
    })
}

/// Makes a connection wait if another process has the database at `path` locked.
pub(crate) fn wait_when_locked(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    *OPENED.lock().unwrap_or_else(PoisonError::into_inner) = Some(path.to_owned());
    connection.busy_handler(Some(|tries| take_step(tries.unsigned_abs())))
}

/// Waits before another attempt; false to give up.
pub(crate) fn take_step(tries: u32) -> bool {
    let Some(step) = step(tries) else {
        return false;
    };
    if let Some(waited) = step.notice {
        tracing::warn!(
            "waiting for the vault: {} has locked vault.db for {} s",
            holder(),
            waited.as_secs()
        );
    }
    std::thread::sleep(step.pause);
    true
}

/// The other process that has locked the vault's database of a data directory, if the system tells
/// it.
#[must_use]
pub fn database_holder(data_dir: &Path) -> Option<u32> {
    holder_of(&data_dir.join(VAULT_FILE))
}

fn holder_of(path: &Path) -> Option<u32> {
    let mut shared = path.as_os_str().to_owned();
    shared.push(OsStr::new("-shm"));
    // In WAL mode writers lock the shared memory file, otherwise the database file.
    [Path::new(&shared), path]
        .into_iter()
        .find_map(|path| lock_holder(path, "POSIX"))
}

/// Which process has it locked, as text.
fn holder() -> String {
    let opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = opened.as_deref().and_then(holder_of);
    found.map_or("another process".to_owned(), name_of)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::step;

    #[test]
    fn a_locked_vault_is_waited_for_with_lines_and_given_up_in_the_end() {
        let (mut waited, mut notices, mut tries) = (Duration::ZERO, Vec::new(), 0);
        while let Some(step) = step(tries) {
            waited += step.pause;
            tries += 1;
            assert!(tries < 1 || step.pause <= Duration::from_millis(100));
            if step.notice.is_some() {
                assert_eq!(step.notice, Some(waited));
                notices.push(waited.as_secs());
            }
        }
        // Locked for a minute is no reason to give up.
        assert_eq!(notices, [3, 30, 60, 90, 120, 150, 180]);
        assert_eq!(waited.as_secs(), 180);
    }
}
