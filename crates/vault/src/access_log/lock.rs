//! The lock of the log file. Waiting for it has a limit, since the process that holds it may be
//! stopped.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

const PAUSE: Duration = Duration::from_millis(10);
/// One minute.
const TRIES_TO_WRITE: u32 = 6_000;
const TRIES_BEFORE_WORDS: u32 = 300;
/// Half a second.
const TRIES_TO_READ: u32 = 50;

/// Waits until no other process writes, or the file is closed; a minute at most.
pub(super) fn exclusive(file: &File) -> Result<()> {
    for tries in 0..TRIES_TO_WRITE {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
        }
        if tries == TRIES_BEFORE_WORDS {
            tracing::warn!("waiting for another claimlake that writes the access log");
        }
    }
    Err(Error::new(
        ErrorKind::TimedOut,
        "another claimlake has been writing it for a minute: see whether it was stopped, then run \
         this again",
    ))
}

/// Keeps writers away until the file is closed, where that can be had soon.
pub(super) fn shared(file: &File) {
    for _ in 0..TRIES_TO_READ {
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shared;
    use crate::grants::tests::vault;

    #[test]
    fn who_checks_does_not_wait_for_ever_for_somebody_who_holds_the_log() {
        let data = tempfile::tempdir().unwrap();
        let vault = vault(&data);
        let path = data.path().join(crate::ACCESS_LOG_FILE);
        let held = std::fs::File::create(&path).unwrap();
        held.lock().unwrap();
        let check = vault.access_log().verify().unwrap();
        assert_eq!((check.lines, check.problem), (0, None));
        shared(&std::fs::File::open(&path).unwrap());
    }
}
