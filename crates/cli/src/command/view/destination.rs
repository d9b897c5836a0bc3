//! Writes output files: a file appears when it is complete, or not at all.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::failure::{Failure, Outcome};

/// Refuses to write over what is being read.
pub(super) fn refuse_what_is_read<'a>(
    path: &Path,
    read: impl IntoIterator<Item = &'a PathBuf>,
) -> anyhow::Result<()> {
    let Ok(target) = fs::canonicalize(path) else {
        return Ok(());
    };
    let is_read = |other: &PathBuf| fs::canonicalize(other).is_ok_and(|other| other == target);
    anyhow::ensure!(
        !target.is_file() || !read.into_iter().any(is_read),
        "{} is also read: name another file with --output",
        path.display()
    );
    Ok(())
}

/// Calls `write` with the file. A pipe or a device is written as it is: a rename would put a file
/// in its place.
pub(super) fn write<T>(path: &Path, write: impl FnOnce(File) -> Outcome<T>) -> Outcome<T> {
    let cannot = || format!("cannot write {}", path.display());
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let file = OpenOptions::new().write(true).open(path);
        return write(file.with_context(cannot).map_err(Failure::usage)?);
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    let unfinished = PathBuf::from(unfinished);
    let file = File::create(&unfinished)
        .with_context(cannot)
        .map_err(Failure::usage)?;
    let written = write(file).and_then(|written| {
        fs::rename(&unfinished, path).with_context(cannot)?;
        Ok(written)
    });
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&unfinished);
    }
    written
}
