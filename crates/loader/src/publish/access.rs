//! Who may read the lake: modes and the group of every file and folder.
//!
//! Whether members of the group reach it at all is in [`super::group_reach`].

use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::Gid;

use crate::error::{LoadError, Result};

/// Modes and group of what the loader makes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    file_mode: u32,
    folder_mode: u32,
    group: Option<u32>,
}

impl Access {
    /// The owner only, or also `group`: a name or a number.
    pub(crate) fn new(group: Option<&str>) -> Result<Self> {
        let Some(group) = group else {
            return Ok(Self {
                file_mode: 0o600,
                folder_mode: 0o700,
                group: None,
            });
        };
        Ok(Self {
            file_mode: 0o640,
            folder_mode: 0o750,
            group: Some(group_number(group)?),
        })
    }

    pub(crate) fn make_folder(&self, folder: &Path) -> Result<()> {
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
            Ok(()) => self.give(folder, self.folder_mode),
            // Another table's thread was faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(LoadError::io("making", folder)(error)),
        }
    }

    pub(crate) fn create_file(&self, path: &Path) -> Result<File> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(self.file_mode)
            .open(path)
            .map_err(LoadError::io("creating", path))?;
        self.give(path, self.file_mode)?;
        Ok(file)
    }

    /// Gives what is in a folder already to the group, the folder included; returns how many files
    /// and folders were not yet. Without a group nothing is touched.
    ///
    /// Snapshots share files: those that were published before a group was named must be readable, too.
    pub(crate) fn give_all(&self, folder: &Path) -> Result<u64> {
        if self.group.is_none() {
            return Ok(0);
        }
        let mut given = u64::from(self.give_found(folder)?);
        let mut folders = vec![folder.to_path_buf()];
        while let Some(folder) = folders.pop() {
            let entries = std::fs::read_dir(&folder).map_err(LoadError::io("listing", &folder))?;
            for entry in entries {
                let entry = entry.map_err(LoadError::io("listing", &folder))?;
                let kind = entry
                    .file_type()
                    .map_err(LoadError::io("reading", &folder))?;
                // `current` leads to a folder that is met by itself.
                if kind.is_symlink() {
                    continue;
                }
                given += u64::from(self.give_found(&entry.path())?);
                if kind.is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        Ok(given)
    }

    /// Whether it had another mode or group.
    fn give_found(&self, path: &Path) -> Result<bool> {
        let found = std::fs::metadata(path).map_err(LoadError::io("reading", path))?;
        let mode = match found.is_dir() {
            true => self.folder_mode,
            false => self.file_mode,
        };
        let is_given = Some(found.gid()) == self.group;
        if is_given && found.mode() & 0o7777 == mode {
            return Ok(false);
        }
        self.give(path, mode)?;
        Ok(true)
    }

    /// Mode and group, whatever the umask is; without a group the umask may only take away.
    fn give(&self, path: &Path, mode: u32) -> Result<()> {
        let Some(group) = self.group else {
            return Ok(());
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(LoadError::io("setting the mode of", path))?;
        rustix::fs::chown(path, None, Some(Gid::from_raw(group)))
            .map_err(|error| LoadError::io("giving to [load] group", path)(error.into()))
    }
}

pub(super) fn group_number(group: &str) -> Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = Path::new("/etc/group");
    let text = std::fs::read_to_string(groups).map_err(LoadError::io("reading", groups))?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&group))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| {
            LoadError::Request(format!(
                "there is no group '{group}' on this machine; [load] group takes a name or a number"
            ))
        })
}
