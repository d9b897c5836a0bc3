//! The lake's folder: its lock, the snapshots, the link `current`, the pin. Everything that changes
//! what readers see goes through this module, in an order that leaves a complete lake after a kill:
//!
//! - [`Lake::place`] syncs everything that was written and then renames it to `snapshots/<n>`. A
//!   snapshot that is listed is therefore complete, but not current yet.
//! - [`Lake::flip`] creates the new link under another name and renames it over `current`: readers
//!   see the old snapshot or the new one, never none.
//! - [`Lake::remove`] renames a snapshot away before its files are deleted, so that a listed
//!   snapshot never lacks files.
//!
//! What a killed process left in `.building/` and `.removing/` is deleted by whoever takes the lock
//! next.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::publish::manifest;

/// The folder with one folder per snapshot, named by its number.
const SNAPSHOTS: &str = "snapshots";
/// The link to the current snapshot.
const CURRENT: &str = "current";
/// A file that exists while loads must refuse; it contains the number of the snapshot.
const PIN: &str = "pinned";
/// The file that whoever writes has locked.
const LOCK: &str = ".lock";

/// Work in progress: the next snapshot, spilled rows, files of a repair. Readers never look here.
const BUILDING: &str = ".building";

/// A snapshot is renamed to this before its files are deleted.
const REMOVING: &str = ".removing";

/// A lake, by its folder. Creating this value touches nothing on disk.
#[derive(Debug, Clone)]
pub(crate) struct Lake {
    root: PathBuf,
}

/// The exclusive right to write to a lake, released when dropped.
#[derive(Debug)]
pub(crate) struct LakeLock {
    file: File,
}

impl Drop for LakeLock {
    /// Unlocks explicitly: a child process that was forked meanwhile has the file open as well, so
    /// closing it here would not release the lock.
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.file, FlockOperation::Unlock) {
            tracing::debug!(%error, "the lake's lock ends with the process");
        }
    }
}

impl Lake {
    /// The lake in this folder, which does not have to exist.
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Creates the folder if it is missing, takes the lock, and deletes what a killed command left.
    ///
    /// # Errors
    ///
    /// [`LoadError::Locked`] if another process has the lock; it is not waited for.
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

    /// The folder of a snapshot, whether it exists or not.
    pub(crate) fn snapshot(&self, number: u64) -> PathBuf {
        self.root.join(SNAPSHOTS).join(number.to_string())
    }

    /// Where the next snapshot is built.
    pub(crate) fn building(&self) -> PathBuf {
        self.root.join(BUILDING).join("snapshot")
    }

    /// Where sorting writes rows that do not fit in memory. On the lake's own file system, whose
    /// free space the load needs anyway.
    pub(crate) fn spill(&self) -> PathBuf {
        self.root.join(BUILDING).join("spill")
    }

    /// The name of a file that is about to replace a damaged one.
    pub(crate) fn repairing(&self) -> PathBuf {
        self.root.join(BUILDING).join("repair/next")
    }

    /// Where an intact copy of damaged content is kept while a repair runs, named by its hash.
    pub(crate) fn kept_whole(&self, sha256: &str) -> PathBuf {
        self.root.join(BUILDING).join("repair/whole").join(sha256)
    }

    /// Deletes all work in progress; call it only with the lock.
    pub(crate) fn clear_building(&self) -> Result<()> {
        remove_folder(&self.root.join(BUILDING))
    }

    /// The numbers of all snapshots, ascending; empty if there is no lake. Entries with other names
    /// are ignored.
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

    /// The number of the current snapshot; `None` if nothing has been published.
    ///
    /// # Errors
    ///
    /// [`LoadError::Damaged`] if `current` is not a link, or points to something that is not a
    /// snapshot.
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

    /// The snapshot that the lake was rolled back to; `None` unless loads must refuse.
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

    /// Pins the lake to a snapshot, durably. Loads refuse until [`Self::unpin`].
    pub(crate) fn pin(&self, number: u64, access: &Access) -> Result<()> {
        let path = self.root.join(PIN);
        manifest::write_file(&path, format!("{number}\n").as_bytes(), access)?;
        self.sync()
    }

    /// Removes the pin, if there is one.
    pub(crate) fn unpin(&self) -> Result<()> {
        let path = self.root.join(PIN);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LoadError::io("removing", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Makes the finished build the snapshot `number`. Everything is synced before the rename: a
    /// file system may otherwise write the rename first, and a power loss would leave a snapshot
    /// with empty files. Readers do not see it before [`Self::flip`].
    pub(crate) fn place(&self, number: u64) -> Result<()> {
        self.sync()?;
        let folder = self.snapshot(number);
        std::fs::rename(self.building(), &folder).map_err(LoadError::io("publishing", &folder))?;
        sync_folder(&self.root.join(SNAPSHOTS))
    }

    /// Points `current` to the snapshot by one rename. The link is relative, so the lake can be
    /// moved as a whole. If `current` is a folder (a copy of the lake in which links were
    /// followed), it is moved away first.
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

    /// Removes a snapshot. Files that other snapshots share stay, because they are hard links.
    pub(crate) fn remove(&self, number: u64) -> Result<()> {
        let folder = self.snapshot(number);
        let removing = self.root.join(REMOVING);
        std::fs::rename(&folder, &removing).map_err(LoadError::io("removing", &folder))?;
        sync_folder(&self.root.join(SNAPSHOTS))?;
        remove_folder(&removing)
    }

    /// Syncs the whole file system (`syncfs`). One call for thousands of files: syncing each of
    /// them would cost more than writing it.
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

/// Syncs every file and folder below `folder`, where there is no `syncfs`.
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

/// Syncs one file or folder. A rename is durable only once the folder that contains the name is
/// synced.
fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(LoadError::io("syncing", folder))
}

/// Deletes a folder with its content; no error if there is none.
fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(LoadError::io("removing", folder)(error))
        }
        _ => Ok(()),
    }
}
