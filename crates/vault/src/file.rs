//! The vault's file: opening, permissions, format version. No key is needed for it.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::{Access, access};

use crate::error::During;
use crate::files::VAULT_FILE;
use crate::{VaultError, busy};

/// The version of the vault's format that this program writes.
pub const VAULT_FORMAT: u32 = 6;

/// One step per format version: the SQL that leads from the version before to it.
const MIGRATIONS: [&[&str]; VAULT_FORMAT as usize] = [
    &[
        include_str!("migrations/grants.sql"),
        include_str!("migrations/checkpoints.sql"),
    ],
    &[include_str!("migrations/forget.sql")],
    &[include_str!("migrations/doubt.sql")],
    &[include_str!("migrations/full_reads.sql")],
    &[include_str!("migrations/moved.sql")],
    &[include_str!("migrations/codebooks.sql")],
];

/// Opens the file of a data directory, making both on first use, and brings it to the present
/// format.
pub(crate) fn open_file(data_dir: &Path) -> Result<Connection, VaultError> {
    make_data_dir(data_dir)?;
    let mut connection = open_database(&data_dir.join(VAULT_FILE))?;
    migrate(&mut connection)?;
    add_index(&connection);
    Ok(connection)
}

/// An index changes how fast tokens are found, not what the vault says: it needs no format of its own, and
/// where it cannot be made now, the next command makes it.
fn add_index(connection: &Connection) {
    let made = connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS known_tokens_by_lookup ON known_tokens (lookup)",
    );
    if let Err(error) = made {
        tracing::debug!(error = %error, "the index of tokens could not be made");
    }
}

fn make_data_dir(data_dir: &Path) -> Result<(), VaultError> {
    let failed = |error| VaultError::io("making the data directory", data_dir, error);
    if !data_dir.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data_dir)
            .map_err(failed)?;
    }
    let mode = fs::metadata(data_dir).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(data_dir, fs::Permissions::from_mode(0o700)).map_err(|error| {
            VaultError::io("closing the data directory to others", data_dir, error)
        })?;
    }
    Ok(())
}

fn open_database(path: &Path) -> Result<Connection, VaultError> {
    make_file(path)?;
    let operation = "opening the vault";
    let connection = Connection::open(path).during(operation)?;
    busy::wait_when_locked(&connection, path).during(operation)?;
    connection
        .execute_batch(
            "PRAGMA secure_delete = ON;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA temp_store = MEMORY;",
        )
        .during(operation)?;
    switch_to_wal(&connection)?;
    connection
        .execute_batch("PRAGMA synchronous = FULL;")
        .during(operation)?;
    Ok(connection)
}

/// SQLite gives its side files the mode of the main one, so it is made first, and closed.
///
/// A file that is there is not opened here: closing it takes away the locks (POSIX) of every other
/// connection of this process, and another process then deletes the log that they write to.
fn make_file(path: &Path) -> Result<(), VaultError> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _no_other_connects_before_it_is_closed =
        MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let made = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    let may_be_written = match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            close_to_others(path);
            access(path, Access::WRITE_OK).map_err(Into::into)
        }
        made => made.map(|_| ()),
    };
    may_be_written.map_err(|error| VaultError::io("opening the vault", path, error))
}

/// A file that was restored from a copy has the copy's mode, and SQLite gives its side files the
/// same mode.
fn close_to_others(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let path = Path::new(&name);
        let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
        if mode & 0o077 != 0 {
            // If another user owns the file, that user must restrict it.
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o600));
        }
    }
}

/// Several processes may open a new vault at once; the switch itself does not wait its turn.
fn switch_to_wal(connection: &Connection) -> Result<(), VaultError> {
    let mut tries = 0;
    loop {
        let answer = connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match answer {
            Ok(mode) if mode.eq_ignore_ascii_case("wal") => return Ok(()),
            Ok(_) => {
                return Err(VaultError::Invalid(
                    "the data directory's file system cannot hold the vault (no shared memory \
                     for SQLite's WAL): choose a local --data directory"
                        .into(),
                ));
            }
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
                    && busy::take_step(tries) =>
            {
                tries += 1;
            }
            Err(error) => return Err(error).during("opening the vault"),
        }
    }
}

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), VaultError> {
    let operation = "reading the vault's format";
    let version = |connection: &Connection| -> Result<u32, VaultError> {
        connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .during(operation)
    };
    let found = version(connection)?;
    if found > VAULT_FORMAT {
        return Err(VaultError::Newer {
            found,
            known: VAULT_FORMAT,
        });
    }
    if found == VAULT_FORMAT {
        return Ok(());
    }
    let operation = "bringing the vault to the present format";
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .during(operation)?;
    // Another process may have been quicker while this one waited for the write lock.
    let found = version(&transaction)?;
    for step in MIGRATIONS.iter().skip(found as usize) {
        for sql in *step {
            transaction.execute_batch(sql).during(operation)?;
        }
    }
    transaction
        .pragma_update(None, "user_version", VAULT_FORMAT.max(found))
        .during(operation)?;
    transaction.commit().during(operation)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::{VAULT_FILE, open_file};

    const DATA: &str = "CLAIMLAKE_TEST_DATA";

    #[test]
    fn a_second_connection_does_not_cost_the_first_one_its_locks() {
        if let Some(data) = std::env::var_os(DATA) {
            drop(open_file(Path::new(&data)).unwrap());
            return;
        }
        let data = tempfile::tempdir().unwrap();
        let first = open_file(data.path()).unwrap();
        let second = open_file(data.path()).unwrap();
        let here = "file::tests::a_second_connection_does_not_cost_the_first_one_its_locks";
        let other_process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", here])
            .env(DATA, data.path())
            .status()
            .unwrap();
        assert!(other_process.success());
        // The last connection deletes the log; the other process's was not the last.
        let log = data.path().join(format!("{VAULT_FILE}-wal"));
        assert!(log.is_file());
        let begin = "INSERT INTO runs (run, command, started_at) VALUES (?1, 'load', '')";
        first.execute(begin, ["one"]).unwrap();
        second.execute(begin, ["two"]).unwrap();
        drop((first, second));
        let runs: u32 = open_file(data.path())
            .unwrap()
            .query_row("SELECT count(*) FROM runs", [], |row| row.get(0))
            .unwrap();
        assert_eq!(runs, 2);
    }
}
