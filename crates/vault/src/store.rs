//! The vault: opening it with its key.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use chrono::{DateTime, Utc};
use claimlake_contract::{Clock, Secret};
use rusqlite::{Connection, TransactionBehavior};

use crate::access_log::outside;
use crate::error::During;
use crate::file::open_file;
use crate::key::{KeyOrigin, KeySource};
use crate::key_text::key_text;
use crate::names::pseudonym;
use crate::opening::{NewVault, open_keys};
use crate::read_only::{may_be_written, open_to_read};
use crate::seal::Keys;
use crate::{TokenLock, VaultError, head, marks, text};

/// Grants, checkpoints and runs of one data directory.
///
/// One connection behind a mutex; several processes may have the same vault open (WAL).
#[derive(Debug)]
pub struct Vault {
    connection: Mutex<Connection>,
    data_dir: PathBuf,
    clock: Arc<dyn Clock>,
    keys: Keys,
    /// The keys with which another process has replaced `keys` since.
    newer_keys: OnceLock<Keys>,
    key_source: KeySource,
    key_origin: KeyOrigin,
    vault_id: String,
    outside_log_head: Option<PathBuf>,
    /// How many patients this opening added to those who are refused.
    refused_anew: u64,
}

impl Vault {
    /// Opens the vault of a data directory, making both on first use.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`] or [`VaultError::Key`] where the key does not fit or is missing,
    /// [`VaultError::Newer`] where a newer version wrote it, [`VaultError::Damaged`],
    /// [`VaultError::Lost`] where the directory has held a vault and `vault.db` is none any more.
    pub fn open(
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, VaultError> {
        let mut vault = Self::of(
            marks::open_kept_file(data_dir)?,
            data_dir,
            key_source,
            clock,
            NewVault::Refused,
        )?;
        match vault.take_over_forgotten() {
            Ok(people) => vault.refused_anew = people,
            Err(error) => {
                tracing::warn!(%error, "it is not known whether the access log has forgotten people since");
            }
        }
        Ok(vault)
    }

    /// How many patients this opening found to be forgotten by lines of the access log that the
    /// vault has no record of: the vault is older than its log.
    #[must_use]
    pub fn refused_anew(&self) -> u64 {
        self.refused_anew
    }

    /// Begins an empty vault in a data directory whose vault is lost. What is left of the lost one,
    /// its access log too, stays there under names that end with `.lost-` and `suffix`.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] where there is a vault; those of [`Vault::open`].
    pub fn begin_anew(
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
        suffix: &str,
    ) -> Result<Self, VaultError> {
        let _no_broker = TokenLock::acquire(data_dir, 200, std::thread::sleep)?;
        marks::set_lost_aside(data_dir, suffix)?;
        Self::of(
            open_file(data_dir)?,
            data_dir,
            key_source,
            clock,
            NewVault::Allowed,
        )
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
        if marks::is_empty(data_dir)
            && let Some(lost) = marks::lost(data_dir)
        {
            return Err(lost);
        }
        Self::of(
            open_to_read(data_dir)?,
            data_dir,
            key_source,
            clock,
            NewVault::Refused,
        )
    }

    fn of(
        mut connection: Connection,
        data_dir: &Path,
        key_source: &KeySource,
        clock: Arc<dyn Clock>,
        new_vault: NewVault,
    ) -> Result<Self, VaultError> {
        let mut opened = open_keys(&mut connection, data_dir, key_source, new_vault);
        if matches!(opened, Err(VaultError::WrongKey { .. })) {
            // Another process may have put another key in place just now.
            opened = open_keys(&mut connection, data_dir, key_source, new_vault);
        }
        let opened = opened?;
        marks::note(data_dir, &opened.vault_id, may_be_written(data_dir))?;
        Ok(Self {
            connection: Mutex::new(connection),
            data_dir: data_dir.to_owned(),
            clock,
            keys: opened.keys,
            newer_keys: OnceLock::new(),
            key_source: key_source.clone(),
            key_origin: opened.origin,
            vault_id: opened.vault_id,
            outside_log_head: None,
            refused_anew: 0,
        })
    }

    /// Whether a data directory has a vault with a key (not merely a history of runs), or had one
    /// that is lost, which opening it reports. A vault that cannot be read counts.
    #[must_use]
    pub fn is_made(data_dir: &Path) -> bool {
        head::has_keys(data_dir) || marks::mark(data_dir).is_some()
    }

    /// The error of every opening if the data directory had a vault, but `vault.db` is not a vault
    /// any more.
    #[must_use]
    pub fn lost(data_dir: &Path) -> Option<VaultError> {
        marks::lost(data_dir)
    }

    /// Like [`Vault::lost`], but only if a file that belongs to the vault shows it: landing may be
    /// a copy that was made without the vault.
    #[must_use]
    pub fn lost_beside(data_dir: &Path) -> Option<VaultError> {
        marks::mark_beside(data_dir)?;
        marks::lost(data_dir)
    }

    /// As [`Vault::lost`], where a lake outside the data directory shows it.
    #[must_use]
    pub fn lost_by_lake(data_dir: &Path, lake: &Path) -> Option<VaultError> {
        marks::lost_by_lake(data_dir, lake)
    }

    /// Where the key was found, and whether it was made by this opening.
    #[must_use]
    pub fn key_origin(&self) -> &KeyOrigin {
        &self.key_origin
    }

    /// From now on the last line of the access log is noted once more in a folder outside the data
    /// directory, such as `~/.local/state/claimlake`, and compared with what is noted there.
    #[must_use]
    pub fn noting_outside(mut self, state_dir: Option<&Path>) -> Self {
        let path = |dir| outside::path(dir, &self.vault_id, &self.data_dir);
        self.outside_log_head = state_dir.and_then(path);
        self
    }

    /// Where the last line of the access log is noted outside the data directory.
    pub(crate) fn outside_log_head(&self) -> Option<&Path> {
        self.outside_log_head.as_deref()
    }

    /// The vault's random id: the name of its key file and keyring entry.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.vault_id
    }

    /// The key, for handing it to the broker process by a pipe.
    #[must_use]
    pub fn key_for_broker(&self) -> Secret {
        key_text(&self.keys().master)
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// A keyed hash that names something in the access log without telling what it is.
    #[must_use]
    pub fn pseudonym(&self, kind: &str, text: &str) -> String {
        pseudonym(&self.keys().lookup, kind, text)
    }

    /// Checks that the database is whole and every sealed value opens.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] with what was found.
    pub fn check(&self) -> Result<(), VaultError> {
        let answer: String = self
            .connection()
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .during("checking the vault")?;
        if answer != "ok" {
            return Err(VaultError::damaged("its pages contradict each other"));
        }
        for grant in self.grants()? {
            self.tokens(&grant.handle)?;
        }
        Ok(())
    }

    /// A small value stored beside the vault's keys.
    pub(crate) fn head(&self, name: &str) -> Result<Option<String>, VaultError> {
        let value = head::get(&self.connection(), name)?;
        Ok(value.and_then(|value| String::from_utf8(value).ok()))
    }

    pub(crate) fn set_head(&self, name: &str, value: &str) -> Result<(), VaultError> {
        head::set(&self.connection(), name, value.as_bytes())
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between two statements leaves the connection itself usable: SQLite rolls back.
        self.connection
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn keys(&self) -> &Keys {
        self.newer_keys.get().unwrap_or(&self.keys)
    }

    pub(crate) fn newer_keys(&self) -> &OnceLock<Keys> {
        &self.newer_keys
    }

    pub(crate) fn set_keys(&mut self, keys: Keys, origin: KeyOrigin) {
        self.keys = keys;
        self.newer_keys = OnceLock::new();
        self.key_origin = origin;
    }

    pub(crate) fn key_source(&self) -> &KeySource {
        &self.key_source
    }

    /// The clock that the vault was opened with.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
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
        operation: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .during(operation)?;
        let answer = work(&transaction)?;
        transaction.commit().during(operation)?;
        Ok(answer)
    }

    /// Keeps every other connection from writing until `work` is done.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    #[cfg(feature = "testing")]
    pub fn hold_write_lock(&self, work: impl FnOnce()) -> Result<(), VaultError> {
        self.write("holding the write lock", |_| {
            work();
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
