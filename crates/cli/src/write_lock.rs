//! A write lock: a kernel lock on a file whose content names the process that has it.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::plural::instant;
use crate::running::Process;

/// Held while a stage writes; released when dropped or when the process ends.
#[derive(Debug)]
pub(crate) struct WriteLock {
    file: File,
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // The content is of no use to the next process.
        let _ = self.file.set_len(0);
    }
}

/// Another process is writing; nothing was done.
#[derive(Debug)]
pub(crate) struct LockHeld {
    zone: String,
    data: PathBuf,
    holder: Option<Process>,
}

impl fmt::Display for LockHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "another claimlake is writing the {} zone of {}",
            self.zone,
            self.data.display()
        )?;
        if let Some(process) = &self.holder {
            write!(
                f,
                " ({}, process {}, since {})",
                process.command,
                process.id,
                instant(process.since)
            )?;
        }
        f.write_str(": wait for it, or give --data")
    }
}

impl std::error::Error for LockHeld {}

/// Keeps other processes from writing what `zone` names, or says at once who does.
pub(crate) fn take(data: &Path, zone: &str, process: &Process) -> anyhow::Result<WriteLock> {
    let path = data.join(format!(".{zone}.lock"));
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open the lock file {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            // On a full disk the content is missing, but the lock works.
            let _ = file
                .set_len(0)
                .and_then(|()| file.write_all(process.line().as_bytes()));
            Ok(WriteLock { file })
        }
        Err(TryLockError::WouldBlock) => Err(LockHeld {
            zone: zone.to_owned(),
            data: data.to_owned(),
            holder: Process::read(&path),
        }
        .into()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}
