//! The token lock: only its holder writes tokens.
//!
//! It is a lock of the kernel (`flock`) on an empty file, so it ends with its holder, however that
//! ends. Checkpoints and runs are written without it.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use crate::VaultError;
use crate::files::LOCK_FILE;
use crate::process::{lock_holder, name_of};

/// Tries of [`TokenLock::acquire`] that take two minutes.
const PATIENT_TRIES: u32 = 2_400;

const PAUSE: Duration = Duration::from_millis(50);
/// Tries after which a line says what is waited for, and how often again.
const FIRST_NOTICE: u32 = 60;
const NOTICES: u32 = 600;

/// The lock; dropping it releases it.
#[derive(Debug)]
pub struct TokenLock {
    _file: File,
}

impl TokenLock {
    /// Takes the lock of a data directory, or says at once that another process has it.
    ///
    /// # Errors
    /// [`VaultError::Io`] where the file cannot be made or the file system knows no locks.
    pub fn try_acquire(data_dir: &Path) -> Result<Option<Self>, VaultError> {
        let path = data_dir.join(LOCK_FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| VaultError::io("opening the token lock", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(VaultError::io("taking the token lock", &path, error))
            }
        }
    }

    /// The process that holds the lock of a data directory, if the system tells it and it is not
    /// this process.
    #[must_use]
    pub fn holder(data_dir: &Path) -> Option<u32> {
        lock_holder(&data_dir.join(LOCK_FILE), "FLOCK")
    }

    /// Waits for the lock for up to two minutes: a process that uses the tokens for a minute is no
    /// reason to give up.
    ///
    /// # Errors
    ///
    /// As [`TokenLock::acquire`].
    pub fn acquire_patiently(data_dir: &Path) -> Result<Self, VaultError> {
        Self::acquire(data_dir, PATIENT_TRIES, std::thread::sleep)
    }

    /// Waits for the lock, calling `sleep` between tries, `tries` times at most. Lines say what is
    /// waited for.
    ///
    /// # Errors
    /// [`VaultError::Locked`] or [`VaultError::LockedBy`] where another process has it all the while.
    pub fn acquire(
        data_dir: &Path,
        tries: u32,
        sleep: impl Fn(Duration),
    ) -> Result<Self, VaultError> {
        for tried in 1..=tries {
            if let Some(lock) = Self::try_acquire(data_dir)? {
                return Ok(lock);
            }
            if tried == FIRST_NOTICE || tried.is_multiple_of(NOTICES) {
                let holder = Self::holder(data_dir);
                tracing::warn!(
                    "waiting for the tokens of this data directory: {} uses them, for {} s by now",
                    holder.map_or("another claimlake process".to_owned(), name_of),
                    (PAUSE * tried).as_secs()
                );
            }
            sleep(PAUSE);
        }
        Self::try_acquire(data_dir)?.ok_or_else(|| match Self::holder(data_dir) {
            Some(pid) => VaultError::LockedBy { pid },
            None => VaultError::Locked,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::TokenLock;
    use crate::VaultError;

    #[test]
    fn the_lock_has_one_holder_and_is_free_when_dropped() {
        let data = tempfile::tempdir().unwrap();
        let held = TokenLock::try_acquire(data.path()).unwrap().unwrap();
        assert!(TokenLock::try_acquire(data.path()).unwrap().is_none());
        let error = TokenLock::acquire(data.path(), 2, |_| {}).unwrap_err();
        assert!(matches!(error, VaultError::Locked));
        drop(held);
        // A process that another test starts just now holds it, too, until its exec.
        assert!(TokenLock::acquire(data.path(), 100, std::thread::sleep).is_ok());
    }
}
