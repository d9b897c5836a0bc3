//! The last line of the access log, recorded a second time outside the data directory. If log and
//! vault are restored from the same backup they agree with each other, but not with this record.
//!
//! It is in the user's folder for state, and belongs to one vault at one path, so that a copy of a
//! data directory gets its own. Nothing fails if it cannot be read or written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::chain::Head;
use claimlake_contract::hex;

/// Where it lies, below that folder.
pub(crate) fn path(state_dir: &Path, vault_id: &str, data_dir: &Path) -> Option<PathBuf> {
    let place = fs::canonicalize(data_dir).ok()?;
    let place = Sha256::digest(place.as_os_str().as_bytes());
    let name = format!("{vault_id}-{}", hex(&place[..8]));
    Some(state_dir.join("access-log").join(name))
}

/// What is noted there; `None` if nothing is, or nothing that can be read.
pub(super) fn read(path: &Path) -> Option<Head> {
    Head::parse_unprotected(&fs::read_to_string(path).ok()?)
}

/// Notes a line. The lock of the log is held by the caller.
pub(super) fn write(path: &Path, head: &Head) {
    if let Err(error) = try_write(path, head) {
        tracing::debug!(%error, "the last line of the access log is not noted outside the data directory");
    }
}

fn try_write(path: &Path, head: &Head) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    let building = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&building)?;
    file.write_all(format!("{}\n", head.to_text()).as_bytes())?;
    fs::rename(&building, path)
}
