//! Opens the vault's file where it may only be read: on a read-only medium, in a copy without write
//! permission, by a user who is not its owner. No file is made beside it, not even a lock file.
//!
//! SQLite needs the side files of a WAL database to read it, and creates them if they are missing.
//! If they exist, another process may be writing, and they are used. If they do not, the file alone
//! is the database, and it is read into memory first: `immutable=1` would read it piece by piece
//! while its owner may begin to write.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, MAIN_DB, OpenFlags};
use rustix::fs::{Access, access};

use crate::VaultError;
use crate::error::During;
use crate::file::{migrate, open_file};
use crate::files::VAULT_FILE;

const OPERATION: &str = "opening the vault to read it";

/// How often reading is tried while the owner writes.
const TRIES: usize = 5;

/// The versions of the file format in a database's head: 2 is WAL, which a database in memory has
/// no use for.
const FORMAT_VERSIONS: std::ops::Range<usize> = 18..20;

/// Whether this process may write the vault's file and SQLite's side files.
pub(crate) fn may_be_written(data_dir: &Path) -> bool {
    let may_write = |path: &Path| access(path, Access::WRITE_OK).is_ok();
    may_write(data_dir) && may_write(&data_dir.join(VAULT_FILE))
}

/// Opens the file of a data directory, which must be there, without writing where that is forbidden.
pub(crate) fn open_to_read(data_dir: &Path) -> Result<Connection, VaultError> {
    let path = data_dir.join(VAULT_FILE);
    fs::metadata(&path).map_err(|error| VaultError::io(OPERATION, &path, error))?;
    if may_be_written(data_dir) {
        return open_file(data_dir);
    }
    let mut connection = connect(&path)?;
    migrate(&mut connection)?;
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;")
        .during(OPERATION)?;
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, VaultError> {
    for _ in 0..TRIES {
        if has_log(path) {
            return beside_the_log(path);
        }
        if let Some(connection) = in_memory(path)? {
            return Ok(connection);
        }
    }
    Err(VaultError::Invalid(format!(
        "{} kept changing while it was read, {TRIES} times: run it again when nothing writes there",
        path.display()
    )))
}

fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

fn has_log(path: &Path) -> bool {
    fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

/// With the existing side files (`-wal`, `-shm`) and their locks.
fn beside_the_log(path: &Path) -> Result<Connection, VaultError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let uri = format!("file:{}?mode=ro&readonly_shm=1", in_a_uri(path));
    let opened = Connection::open_with_flags(uri, flags).and_then(|connection| {
        crate::busy::wait_when_locked(&connection, path)?;
        // Only reading shows whether the log can be used.
        connection.query_row("PRAGMA user_version", [], |_| Ok(()))?;
        Ok(connection)
    });
    opened.map_err(|source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::CannotOpen | rusqlite::ErrorCode::ReadOnly) => {
            VaultError::Invalid(format!(
                "{} holds what is not in vault.db yet, and only who may write beside it can read \
                 it without its vault.db-shm: run `status` where the data directory may be written, \
                 then copy it again",
                log_of(path).display()
            ))
        }
        _ => VaultError::Database {
            operation: OPERATION,
            source,
        },
    })
}

fn in_a_uri(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let one = |byte: &u8| match byte {
        b'/' | b'.' | b'-' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(*byte).to_string(),
        byte => format!("%{byte:02x}"),
    };
    path.as_os_str().as_bytes().iter().map(one).collect()
}

/// The whole file in memory; `None` if it was written meanwhile.
fn in_memory(path: &Path) -> Result<Option<Connection>, VaultError> {
    let failed = |error| VaultError::io(OPERATION, path, error);
    let mut file = File::open(path).map_err(failed)?;
    let before = file.metadata().map_err(failed)?;
    let mut connection = Connection::open_in_memory().during(OPERATION)?;
    let length = i32::try_from(before.len()).map_err(|_| {
        VaultError::Invalid(format!(
            "{} is too large to be read where it may not be written: copy the data directory \
             where it may",
            path.display()
        ))
    })?;
    if length > 0 {
        let mut head = Vec::new();
        let head_end = FORMAT_VERSIONS.end as u64;
        (&mut file)
            .take(head_end)
            .read_to_end(&mut head)
            .map_err(failed)?;
        if let Some(versions) = head.get_mut(FORMAT_VERSIONS) {
            versions.fill(1);
        }
        let whole = head.as_slice().chain(&mut file);
        let read = connection.deserialize_read_exact(MAIN_DB, whole, length as usize, false);
        if read.is_err() && !is_same(path, &before) {
            return Ok(None);
        }
        read.during(OPERATION)?;
    }
    // A log that came and went leaves the file changed.
    Ok((is_same(path, &before) && !has_log(path)).then_some(connection))
}

fn is_same(path: &Path, before: &Metadata) -> bool {
    let of = |found: &Metadata| (found.ino(), found.len(), found.mtime(), found.mtime_nsec());
    fs::metadata(path).is_ok_and(|found| of(&found) == of(before))
}

#[cfg(test)]
mod tests;
