//! Copies the vault's file while other processes continue to write to it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::error::During;
use crate::read_only::open_to_read;
use crate::{VaultError, marks};

/// Copies the vault of a data directory, as one moment shows it, into a new file that its owner
/// alone may read. No key is needed: what is sealed stays sealed. The copy has all that lies in the
/// write-ahead log, and is checked and on disk when this returns.
///
/// # Errors
/// Where there is no vault, where the file is there already, and where it cannot be written: what
/// was begun of it is removed then.
pub fn back_up(data_dir: &Path, to: &Path) -> Result<(), VaultError> {
    if let Some(lost) = marks::lost(data_dir) {
        return Err(lost);
    }
    let connection = open_to_read(data_dir)?;
    let failed = |error| VaultError::io("making the copy of the vault", to, error);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(VaultError::Invalid(format!(
                "{} is there already: name a new file for the copy of the vault",
                to.display()
            )));
        }
        made => drop(made.map_err(failed)?),
    }
    let copied = copy(&connection, to);
    if copied.is_err() {
        let _ = fs::remove_file(to);
    }
    copied
}

/// Fills the new, empty file.
fn copy(connection: &Connection, to: &Path) -> Result<(), VaultError> {
    let operation = "copying the vault";
    let failed = |error| VaultError::io("writing the copy of the vault", to, error);
    let name = to.to_str().ok_or_else(|| {
        VaultError::Invalid(format!(
            "{}: name a file for the copy of the vault in UTF-8",
            to.display()
        ))
    })?;
    // Where the vault may only be read, the copy is still to be written.
    connection
        .execute_batch("PRAGMA query_only = OFF")
        .and_then(|()| connection.execute("VACUUM INTO ?1", [name]))
        .during(operation)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let answer: String = Connection::open_with_flags(to, flags)
        .and_then(|copy| copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .during(operation)?;
    if answer != "ok" {
        return Err(VaultError::damaged("its pages contradict each other"));
    }
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(to)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all())
        .map_err(failed)
}

#[cfg(test)]
mod tests;
