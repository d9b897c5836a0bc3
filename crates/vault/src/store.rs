//! The vault: opening it with its key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use claimlake_contract::{Clock, Secret};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use crate::error::Doing;
use crate::file::{VAULT_FILE, open_file};
use crate::key::{self, KeyOrigin, KeySource, Wanted};
use crate::read_only::{may_be_written, open_to_read};
use crate::seal::{Key, fill_random, keyed_hash};
use crate::{VaultError, rekey, text};

const KEY_CHECK: &str = "vault_meta.lookup_key";

/// Grants, checkpoints and runs of one data directory.
///
/// One connection behind a mutex; several processes may have the same vault open (WAL).
#[derive(Debug)]
pub struct Vault {
    connection: Mutex<Connection>,
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    keys: Keys,
    key_origin: KeyOrigin,
    vault_id: String,
}

/// What the values are sealed and looked up with.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// The key as given; only for handing it to the broker.
    pub(crate) master: Key,
    /// Seals values.
    pub(crate) seal: Key,
    /// Hashes values that are looked up. It stays the same when the vault is given another key.
    pub(crate) lookup: Key,
}

impl Vault {
    /// Opens the vault of a data directory, making both on first use.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] or [`VaultError::Key`] where the key does not fit or is missing,
    /// [`VaultError::Newer`] where a newer version wrote it, [`VaultError::Damaged`].
    pub fn open(
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, VaultError> {
        Self::of(open_file(data_dir)?, data_dir, key_source, clock)
    }

    /// Opens a vault that is there, to read it. Where it may not be written, nothing is: on a
    /// read-only medium, in a copy without write permission, by a user who is not its owner.
    ///
    /// # Errors
    /// Those of [`Vault::open`]; where it is not there.
    pub fn open_to_read(
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, VaultError> {
        Self::of(open_to_read(data_dir)?, data_dir, key_source, clock)
    }

    fn of(
        mut connection: Connection,
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, VaultError> {
        let opened = open_keys(&mut connection, data_dir, key_source)?;
        Ok(Self {
            connection: Mutex::new(connection),
            data_dir: data_dir.to_owned(),
            clock,
            keys: opened.keys,
            key_origin: opened.origin,
            vault_id: opened.vault_id,
        })
    }

    /// Whether a data directory has a vault with a key, and not merely a history of runs. A vault
    /// that cannot be read is one.
    #[must_use]
    pub fn is_made(data_dir: &Path) -> bool {
        let path = data_dir.join(VAULT_FILE);
        if !path.is_file() {
            return false;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match may_be_written(data_dir) {
            true => Connection::open_with_flags(&path, flags).doing("looking for the vault's key"),
            false => open_to_read(data_dir),
        };
        let key = opened.and_then(|connection| meta(&connection, "lookup_key"));
        key.map_or(true, |key| key.is_some())
    }

    /// Where the key was found, and whether it was made by this opening.
    #[must_use]
    pub fn key_origin(&self) -> &KeyOrigin {
        &self.key_origin
    }

    /// The vault's random id: the name of its key file and keyring entry.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.vault_id
    }

    /// The key, for handing it to the broker process by a pipe.
    #[must_use]
    pub fn key_for_broker(&self) -> Secret {
        key::key_text(&self.keys.master)
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A keyed hash that names something in the access log without telling what it is.
    #[must_use]
    pub fn pseudonym(&self, kind: &str, text: &str) -> String {
        let hash = keyed_hash(
            &self.keys.lookup,
            &[b"pseudonym", kind.as_bytes(), text.as_bytes()],
        );
        text::hex(&hash[..12])
    }

    /// Checks that the database is whole and every sealed value opens.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] with what was found.
    pub fn check(&self) -> Result<(), VaultError> {
        let answer: String = self
            .connection()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .doing("checking the vault")?;
        if answer != "ok" {
            return Err(VaultError::damaged("its pages contradict each other"));
        }
        for grant in self.grants()? {
            self.tokens(&grant.handle)?;
        }
        Ok(())
    }

    /// A small note beside the vault's keys.
    pub(crate) fn head(&self, name: &str) -> Result<Option<String>, VaultError> {
        let value = meta(&self.connection(), name)?;
        Ok(value.and_then(|value| String::from_utf8(value).ok()))
    }

    pub(crate) fn set_head(&self, name: &str, value: &str) -> Result<(), VaultError> {
        set_meta(&self.connection(), name, value.as_bytes())
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between two statements leaves the connection itself usable: SQLite rolls back.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn set_keys(&mut self, keys: Keys, origin: KeyOrigin) {
        self.keys = keys;
        self.key_origin = origin;
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(crate) fn now_text(&self) -> String {
        text::instant_text(self.now())
    }

    /// Runs `work` in one transaction that begins by taking the write lock.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .doing(doing)?;
        let answer = work(&transaction)?;
        transaction.commit().doing(doing)?;
        Ok(answer)
    }
}

/// The key that seals values under a master key.
pub(crate) fn seal_key(master: &Key) -> Key {
    master.derive("claimlake vault seal 1")
}

struct OpenedKeys {
    keys: Keys,
    origin: KeyOrigin,
    vault_id: String,
}

fn open_keys(
    connection: &mut Connection,
    data_dir: &Path,
    source: &KeySource,
) -> Result<OpenedKeys, VaultError> {
    let doing = "opening the vault's keys";
    // Only a vault that has no keys yet is written to: an opening does not wait for writers.
    let behavior = match meta(connection, "lookup_key")? {
        Some(_) => TransactionBehavior::Deferred,
        None => TransactionBehavior::Immediate,
    };
    let transaction = connection
        .transaction_with_behavior(behavior)
        .doing(doing)?;
    let vault_id = match meta(&transaction, "vault_id")? {
        Some(id) => String::from_utf8(id)
            .ok()
            .filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric()))
            .ok_or_else(|| VaultError::damaged("its id is not readable"))?,
        None => {
            let mut bytes = [0; 8];
            fill_random(&mut bytes)?;
            let id = format!("v{}", text::hex(&bytes));
            set_meta(&transaction, "vault_id", id.as_bytes())?;
            id
        }
    };
    let sealed_lookup = meta(&transaction, "lookup_key")?;
    let wanted = Wanted {
        vault_id: &vault_id,
        data_dir,
        may_create: sealed_lookup.is_none(),
    };
    let (master, origin) = key::resolve(source, &wanted)?;
    let (master, seal, lookup) = match sealed_lookup {
        Some(sealed) => {
            let unlock = |master: Key| {
                let seal = seal_key(&master);
                let plain = seal.open(KEY_CHECK, &sealed)?;
                Some((master, seal, Key::from_slice(&plain)?))
            };
            let interrupted = || rekey::settle_interrupted(&origin, &vault_id, &unlock);
            unlock(master)
                .or_else(interrupted)
                .ok_or_else(|| VaultError::WrongKey {
                    origin: origin.place.clone(),
                })?
        }
        None => {
            let (seal, lookup) = (seal_key(&master), Key::random()?);
            let sealed = seal.seal(KEY_CHECK, lookup.bytes())?;
            set_meta(&transaction, "lookup_key", &sealed)?;
            (master, seal, lookup)
        }
    };
    transaction.commit().doing(doing)?;
    Ok(OpenedKeys {
        keys: Keys {
            master,
            seal,
            lookup,
        },
        origin,
        vault_id,
    })
}

/// The sealed lookup key under another master key.
pub(crate) fn reseal_lookup(connection: &Connection, keys: &Keys) -> Result<(), VaultError> {
    set_meta(
        connection,
        "lookup_key",
        &keys.seal.seal(KEY_CHECK, keys.lookup.bytes())?,
    )
}

fn meta(connection: &Connection, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
    connection
        .query_row(
            "SELECT value FROM vault_meta WHERE name = ?1",
            params![name],
            |row| row.get(0),
        )
        .optional()
        .doing("reading the vault's head")
}

fn set_meta(connection: &Connection, name: &str, value: &[u8]) -> Result<(), VaultError> {
    connection
        .execute(
            "INSERT INTO vault_meta (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )
        .doing("writing the vault's head")?;
    Ok(())
}

#[cfg(test)]
mod tests;
