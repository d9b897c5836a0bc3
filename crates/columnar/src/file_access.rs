//! Who may read what is written: the mode and the group of every file and folder.

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Gid;

use crate::error::{ColumnarError, Result};

/// What a mode is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder; who may read it may also enter it.
    Folder,
}

/// Modes and group of the files and folders of a lake.
///
/// ```
/// use claimlake_columnar::{EntryKind, FileAccess};
///
/// assert_eq!(FileAccess::owner_only().mode(EntryKind::File), 0o600);
/// assert_eq!(FileAccess::group(1_000).mode(EntryKind::Folder), 0o750);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct FileAccess {
    /// Permission bits, never those of other users.
    file_mode: u32,
    folder_mode: u32,
    /// The group's number; `None` if files keep the group of the process.
    group: Option<u32>,
}

impl FileAccess {
    /// Only the owner can read: 0600 and 0700.
    #[must_use]
    pub fn owner_only() -> Self {
        Self {
            file_mode: 0o600,
            folder_mode: 0o700,
            group: None,
        }
    }

    /// The group with this number may read, too: 0640 and 0750.
    #[must_use]
    pub fn group(number: u32) -> Self {
        Self {
            file_mode: 0o640,
            folder_mode: 0o750,
            group: Some(number),
        }
    }

    /// The number of the group that may read.
    #[must_use]
    pub fn group_number(&self) -> Option<u32> {
        self.group
    }

    /// The mode bits of files, or of folders.
    #[must_use]
    pub fn mode(&self, kind: EntryKind) -> u32 {
        match kind {
            EntryKind::Folder => self.folder_mode,
            EntryKind::File => self.file_mode,
        }
    }

    /// Makes a folder and those above it.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn make_folder(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            self.make_folder(parent)?;
        }
        match DirBuilder::new().mode(self.folder_mode).create(folder) {
            Ok(()) => self.give(folder, EntryKind::Folder),
            // Another table's thread was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(ColumnarError::io("making", folder)(error)),
        }
    }

    /// Creates a file, or empties the one that is there.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn create_file(&self, path: &Path) -> Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(self.file_mode)
            .open(path)
            .map_err(ColumnarError::io("creating", path))?;
        self.give(path, EntryKind::File)?;
        Ok(file)
    }

    /// Sets mode and group, whatever the umask is; without a group the umask may only take away.
    ///
    /// # Errors
    ///
    /// What the operating system refuses.
    pub fn give(&self, path: &Path, kind: EntryKind) -> Result<()> {
        let Some(group) = self.group else {
            return Ok(());
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(self.mode(kind)))
            .map_err(ColumnarError::io("setting the mode of", path))?;
        rustix::fs::chown(path, None, Some(Gid::from_raw(group)))
            .map_err(|error| ColumnarError::io("giving to [load] group", path)(error.into()))
    }
}
