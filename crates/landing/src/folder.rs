//! Folders and files that only their owner may read, and that survive a power cut.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::LandingError;

/// Creates `path` and its missing parents, each 0700.
///
/// # Errors
/// When the operating system refuses.
pub fn create_private_dir(path: &Path) -> Result<(), LandingError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(LandingError::io("creating folder", path))
}

/// Creates the new file `path`, 0600.
///
/// # Errors
/// When it exists or the operating system refuses.
pub fn create_private_file(path: &Path) -> Result<File, LandingError> {
    OpenOptions::new()
        .write(true)
        .read(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(LandingError::io("creating", path))
}

/// Makes the names in the folder durable.
///
/// # Errors
/// When the operating system refuses.
pub fn sync_folder(path: &Path) -> Result<(), LandingError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(LandingError::io("syncing folder", path))
}

/// Writes `text` to `path` as a whole or not at all: to a file beside it, 0600, which is synced and
/// renamed.
///
/// # Errors
/// When the operating system refuses.
pub fn write_by_rename(path: &Path, text: &[u8]) -> Result<(), LandingError> {
    let beside = path.with_extension("tmp");
    remove_if_there(&beside)?;
    let mut file = create_private_file(&beside)?;
    file.write_all(text)
        .and_then(|()| file.sync_all())
        .map_err(LandingError::io("writing", &beside))?;
    std::fs::rename(&beside, path).map_err(LandingError::io("renaming to", path))?;
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// The paths in a folder, in no order; none where it is missing.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, LandingError> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(LandingError::io("listing", folder))?,
    };
    entries
        .map(|entry| Ok(entry.map_err(LandingError::io("listing", folder))?.path()))
        .collect()
}

/// The name of a file or folder; empty where it is not UTF-8, which no name of ours is.
pub(crate) fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

/// Removes a file, which may be missing.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), LandingError> {
    unless_missing(std::fs::remove_file(path), path)
}

/// Removes a folder with all that is in it; it may be missing.
pub(crate) fn remove_folder_if_there(path: &Path) -> Result<(), LandingError> {
    unless_missing(std::fs::remove_dir_all(path), path)
}

fn unless_missing(removed: std::io::Result<()>, path: &Path) -> Result<(), LandingError> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.map_err(LandingError::io("removing", path)),
    }
}
