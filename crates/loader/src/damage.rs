//! Compares files of a snapshot with its manifest. Every command that reads a file of a published
//! snapshot and writes something new from it compares the whole file first: damaged rows would
//! otherwise be published again, under new and valid hashes.
//!
//! A file that is only linked into the next snapshot is compared by length ([`check_length`]),
//! since reading it would cost as much as reading the whole lake; its hash in the manifest stays
//! the old one, so `verify` still finds the damage.

use std::io::ErrorKind;
use std::path::Path;

use claimlake_contract::LakeFile;

use crate::error::{LoadError, Result};
use crate::file_hash::hash_of;

/// Compares a file below the snapshot's folder with what the manifest says: its length, then its
/// SHA-256.
///
/// # Errors
///
/// [`LoadError::Damaged`] where it is missing or differs; what the operating system refuses.
pub fn check_file(snapshot: &Path, file: &LakeFile) -> Result<()> {
    check_length(snapshot, file)?;
    let path = snapshot.join(&file.path);
    if hash_of(&path)? == file.sha256 {
        return Ok(());
    }
    let reason = "it was changed after it was published (its checksum is not the manifest's)";
    Err(LoadError::damaged(&path, reason))
}

/// Compares only the length of a file, without reading it.
///
/// # Errors
///
/// [`LoadError::Damaged`] if the file is missing or has another length; [`LoadError::Io`] if its
/// metadata cannot be read.
pub(crate) fn check_length(snapshot: &Path, file: &LakeFile) -> Result<()> {
    let path = snapshot.join(&file.path);
    let found = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::damaged(&path, "the file is missing"));
        }
        Err(error) => return Err(LoadError::io("reading", &path)(error)),
    };
    if found == file.bytes {
        return Ok(());
    }
    let reason = format!("it has {found} bytes, the manifest says {}", file.bytes);
    Err(LoadError::damaged(&path, reason))
}

/// Whether an error means that a file is damaged or missing, rather than that this process may not
/// read it. `EIO` counts as damage: the disk cannot return what was written. A permission error
/// does not, because a repair must not replace a file that only has the wrong mode.
pub(crate) fn is_damage(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NotFound
            | ErrorKind::InvalidData
            | ErrorKind::UnexpectedEof
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
    ) || error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}
