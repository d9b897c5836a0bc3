//! The lake's folder: the lock, the snapshots, `current`, the pin.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::publish::manifest;

const SNAPSHOTS: &str = "snapshots";
const CURRENT: &str = "current";
const PIN: &str = "pinned";
const LOCK: &str = ".lock";

/// What is in the works lies in folders of this name; nobody reads them, the next load removes them.
const BUILDING: &str = ".building";

/// What is being removed is first renamed to this, so that no half snapshot can be listed.
const REMOVING: &str = ".removing";

/// A lake's folder.
#[derive(Debug, Clone)]
pub(crate) struct Lake {
    root: PathBuf,
}

/// The right to write to a lake; ends when dropped.
#[derive(Debug)]
pub(crate) struct LakeLock {
    file: File,
}

impl Drop for LakeLock {
    /// Unlocks for good: closing alone would leave the lock to a process that was forked meanwhile.
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%error, "the lake's lock ends with the process");
        }
    }
}

impl Lake {
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Makes the folder where it is missing, takes the lock and clears what a killed load left.
    pub(crate) fn lock(&self, access: &Access) -> Result<LakeLock> {
        access.make_folder(&self.root)?;
        let path = self.root.join(LOCK);
        let file = access.create_file(&path)?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LoadError::Locked {
                    path: self.root.clone(),
                });
            }
            Err(error) => return Err(LoadError::io("locking", &path)(error.into())),
        }
        access.make_folder(&self.root.join(SNAPSHOTS))?;
        for leftover in [BUILDING, REMOVING] {
            remove_folder(&self.root.join(leftover))?;
        }
        Ok(LakeLock { file })
    }

    pub(crate) fn snapshot(&self, number: u64) -> PathBuf {
        self.root.join(SNAPSHOTS).join(number.to_string())
    }

    /// Where the next snapshot is built.
    pub(crate) fn building(&self) -> PathBuf {
        self.root.join(BUILDING).join("snapshot")
    }

    /// Where sorting spills to.
    pub(crate) fn spill(&self) -> PathBuf {
        self.root.join(BUILDING).join("spill")
    }

    /// The name of a file that is about to replace a damaged one.
    pub(crate) fn repairing(&self) -> PathBuf {
        self.root.join(BUILDING).join("repair/next")
    }

    /// Where content that a repair needs is kept while it runs.
    pub(crate) fn kept_whole(&self, sha256: &str) -> PathBuf {
        self.root.join(BUILDING).join("repair/whole").join(sha256)
    }

    pub(crate) fn clear_building(&self) -> Result<()> {
        remove_folder(&self.root.join(BUILDING))
    }

    /// The numbers of all snapshots, ascending.
    pub(crate) fn numbers(&self) -> Result<Vec<u64>> {
        let folder = self.root.join(SNAPSHOTS);
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(LoadError::io("listing", &folder)(error)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let entry = entry.map_err(LoadError::io("listing", &folder))?;
            numbers.extend(
                entry
                    .file_name()
                    .to_str()
                    .and_then(|name| name.parse::<u64>().ok()),
            );
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The number of the current snapshot; none where nothing was published.
    pub(crate) fn current(&self) -> Result<Option<u64>> {
        let path = self.root.join(CURRENT);
        let target = match std::fs::read_link(&path) {
            Ok(target) => target,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                let reason = "it is no link: whatever copied the lake followed it";
                return Err(LoadError::damaged(&path, reason));
            }
            Err(error) => return Err(LoadError::io("reading", &path)(error)),
        };
        let number = target.file_name().and_then(|name| name.to_str());
        match number.and_then(|name| name.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => Err(LoadError::damaged(&path, "it does not name a snapshot")),
        }
    }

    /// The snapshot that the lake was rolled back to, until a load goes on from it.
    pub(crate) fn pinned(&self) -> Result<Option<u64>> {
        let path = self.root.join(PIN);
        match std::fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| {
                let reason = "it does not name a snapshot; `load --unpin` removes it";
                LoadError::lake(&path, reason)
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(LoadError::io("reading", &path)(error)),
        }
    }

    pub(crate) fn pin(&self, number: u64, access: &Access) -> Result<()> {
        let path = self.root.join(PIN);
        manifest::write_file(&path, format!("{number}\n").as_bytes(), access)?;
        self.sync()
    }

    pub(crate) fn unpin(&self) -> Result<()> {
        let path = self.root.join(PIN);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LoadError::io("removing", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes what was built the snapshot `number`, durably; nobody reads it before [`Self::flip`].
    pub(crate) fn place(&self, number: u64) -> Result<()> {
        self.sync()?;
        let folder = self.snapshot(number);
        std::fs::rename(self.building(), &folder).map_err(LoadError::io("publishing", &folder))?;
        sync_folder(&self.root.join(SNAPSHOTS))
    }

    /// Points `current` to the snapshot, in one rename.
    pub(crate) fn flip(&self, number: u64) -> Result<()> {
        let path = self.root.join(CURRENT);
        let beside = self.root.join(format!(".{CURRENT}"));
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(LoadError::io("removing", &beside)(error));
            }
            _ => {}
        }
        let target = Path::new(SNAPSHOTS).join(number.to_string());
        std::os::unix::fs::symlink(target, &beside).map_err(LoadError::io("making", &beside))?;
        let is_folder = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
        let removing = self.root.join(REMOVING);
        if is_folder {
            // A copy of the lake in which the link was followed.
            std::fs::rename(&path, &removing).map_err(LoadError::io("removing", &path))?;
        }
        std::fs::rename(&beside, &path).map_err(LoadError::io("flipping", &path))?;
        sync_folder(&self.root)?;
        match is_folder {
            true => remove_folder(&removing),
            false => Ok(()),
        }
    }

    pub(crate) fn remove(&self, number: u64) -> Result<()> {
        let folder = self.snapshot(number);
        let removing = self.root.join(REMOVING);
        std::fs::rename(&folder, &removing).map_err(LoadError::io("removing", &folder))?;
        sync_folder(&self.root.join(SNAPSHOTS))?;
        remove_folder(&removing)
    }

    /// Everything written to the lake's file system is on disk afterwards. One call for thousands
    /// of files: syncing each costs more than writing it.
    fn sync(&self) -> Result<()> {
        let folder = File::open(&self.root).map_err(LoadError::io("opening", &self.root))?;
        #[cfg(target_os = "linux")]
        {
            rustix::fs::syncfs(&folder)
                .map_err(|error| LoadError::io("syncing", &self.root)(error.into()))
        }
        #[cfg(not(target_os = "linux"))]
        {
            drop(folder);
            sync_tree(&self.root.join(BUILDING))
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn sync_tree(folder: &Path) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.map_err(LoadError::io("listing", folder))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            sync_folder(&path)?;
        }
    }
    sync_folder(folder)
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(LoadError::io("syncing", folder))
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LoadError::io("removing", folder)(error))
        }
        _ => Ok(()),
    }
}
