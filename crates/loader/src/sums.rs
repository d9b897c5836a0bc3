//! `SHA256SUMS` beside the manifest of a staged run, in the format of `sha256sum`. Runs of earlier
//! versions, and those that another program staged, have none.

use std::path::Path;

use claimlake_contract::SUMS_FILE;

use crate::error::{LoadError, Result};

/// The checksums and file names (relative to `folder`) in that order; `None` if there is no such
/// file. Lines in another format are skipped.
///
/// # Errors
///
/// The file is there and cannot be read.
pub(crate) fn sums(folder: &Path) -> Result<Option<Vec<(String, String)>>> {
    let path = folder.join(SUMS_FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LoadError::io("reading", &path)(error)),
    };
    let lines = text.lines().filter_map(|line| {
        let (sha256, name) = line.split_once("  ")?;
        Some((sha256.to_owned(), name.to_owned()))
    });
    Ok(Some(lines.collect()))
}
