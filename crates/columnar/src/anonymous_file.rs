//! Temporary files without a name: they disappear with the process, however it ends, so nothing has
//! to be cleaned up after a kill.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Creates a file at `path`, which must not exist, and unlinks it at once. The path matters only
/// for the file system whose space is used.
///
/// # Errors
///
/// What the operating system refuses.
pub fn create(path: &Path) -> std::io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
