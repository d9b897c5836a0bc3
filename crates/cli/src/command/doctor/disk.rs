//! Free space, and whether the file system supports what claimlake needs for safety.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Checks, Level};
use crate::plural::size;

const LITTLE: u64 = 2 << 30;
const TOO_LITTLE: u64 = 100 << 20;

pub(super) fn check(what: &str, folder: &Path, checks: &mut Checks) {
    let there = nearest(folder);
    match rustix::fs::statvfs(&there) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize);
            let (level, hint) = match free {
                free if free < TOO_LITTLE => (Level::Broken, ": free space, or move it"),
                free if free < LITTLE => (Level::Warning, ": a large run may not fit"),
                _ => (Level::Ok, ""),
            };
            let words = format!("{} free at {}{hint}", size(free), there.display());
            checks.add(level, &format!("{what}: room"), words);
        }
        Err(error) => checks.add(Level::Broken, &format!("{what}: room"), error.to_string()),
    }
    let what = format!("{what}: file system");
    if !folder.is_dir() {
        let words = format!("{} is not there yet", folder.display());
        return checks.add(Level::Ok, &what, words);
    }
    match try_out(folder) {
        Ok(true) => checks.add(Level::Ok, &what, "syncs, renames and links"),
        Ok(false) => checks.add(
            Level::Warning,
            &what,
            "has no hard links: every snapshot copies what did not change",
        ),
        Err(error) if is_forbidden(&error) => checks.add(
            Level::Broken,
            &what,
            format!(
                "{} cannot be written: {error}; verify, trace, status, snapshots and report \
                 --output can read it",
                folder.display()
            ),
        ),
        Err(error) => checks.add(
            Level::Broken,
            &what,
            format!("{} cannot be written safely: {error}", folder.display()),
        ),
    }
}

/// The folder, or the first one above it that exists.
fn nearest(folder: &Path) -> PathBuf {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let found = absolute.ancestors().find(|path| path.is_dir());
    found.unwrap_or(Path::new("/")).to_path_buf()
}

fn is_forbidden(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem)
}

/// Writes, syncs, renames and links a file; whether there are hard links.
fn try_out(folder: &Path) -> io::Result<bool> {
    let name = |end: &str| folder.join(format!(".doctor-{}-{end}", std::process::id()));
    let (first, second, link) = (name("a"), name("b"), name("c"));
    let outcome = (|| {
        let mut file = fs::File::create(&first)?;
        file.write_all(b"doctor")?;
        file.sync_all()?;
        fs::rename(&first, &second)?;
        fs::File::open(folder)?.sync_all()?;
        Ok(fs::hard_link(&second, &link).is_ok())
    })();
    for path in [first, second, link] {
        // Some of the files may not exist.
        let _ = fs::remove_file(path);
    }
    outcome
}
