//! Folders and files that only their owner may read, and that survive a power cut.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

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

/// Writes `text` to `path` so that it is there wholly or not at all: beside it, synced, renamed.
pub(crate) fn write_by_rename(path: &Path, text: &[u8]) -> Result<(), LandingError> {
    let beside = path.with_extension("tmp");
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(LandingError::io("removing", beside)(error));
        }
        _ => {}
    }
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
