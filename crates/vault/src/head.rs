//! Single values that belong to the vault as a whole, by name: its id, its lookup key, records
//! about the access log.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, params};

use crate::VaultError;
use crate::error::During;
use crate::files::VAULT_FILE;
use crate::read_only::{may_be_written, open_to_read};
use crate::sql::Sql;

pub(crate) fn get(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
    connection.first(
        "reading the vault's head",
        "SELECT value FROM vault_meta WHERE name = ?1",
        [name],
        |row| row.get(0),
    )
}

pub(crate) fn set(connection: &Connection, name: &str, value: &[u8]) -> Result<(), VaultError> {
    connection
        .run(
            "writing the vault's head",
            "INSERT INTO vault_meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
        .map(drop)
}

/// Whether a data directory has a vault with keys. A vault that cannot be read is one.
pub(crate) fn has_keys(data_dir: &Path) -> bool {
    let path = data_dir.join(VAULT_FILE);
    if !path.is_file() {
        return false;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = match may_be_written(data_dir) {
        true => Connection::open_with_flags(&path, flags).during("looking for the vault's key"),
        false => open_to_read(data_dir),
    };
    opened
        .and_then(|connection| has_keys_in(&connection))
        .unwrap_or(true)
}

/// Whether a database is that of a vault with keys; an empty one is not.
pub(crate) fn has_keys_in(connection: &Connection) -> Result<bool, VaultError> {
    let has_table = connection
        .table_exists(None, "vault_meta")
        .during("looking for the vault's key")?;
    Ok(has_table && get(connection, "lookup_key")?.is_some())
}
