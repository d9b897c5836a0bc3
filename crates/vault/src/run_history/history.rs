//! The run history of a data directory, which needs no vault key.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use claimlake_contract::{Clock, RunId};
use rusqlite::Connection;

use super::runs::{RunEnd, RunRecord, begin, finish, runs_of};
use crate::VaultError;
use crate::error::During;
use crate::extract_state::{ExtractState, extract_states};
use crate::marks;
use crate::read_only::{may_be_written, open_to_read};
use crate::sql::Sql;

/// The runs of a data directory, without anything that the vault encrypts. No key is needed or
/// created.
#[derive(Debug)]
pub struct RunHistory {
    connection: Mutex<Connection>,
    clock: Arc<dyn Clock>,
}

impl RunHistory {
    /// Opens the history of a data directory, making its file on first use.
    ///
    /// # Errors
    /// [`VaultError::Newer`] where a newer version wrote it; [`VaultError::Lost`] where it was in a
    /// vault that is lost; where it cannot be opened.
    pub fn open(data_dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        Self::of(marks::open_kept_file(data_dir)?, clock)
    }

    /// Opens a history that is there, to read it. Where it may not be written, nothing is.
    ///
    /// # Errors
    /// Those of [`RunHistory::open`]; where it is not there.
    pub fn open_to_read(data_dir: &Path, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        match marks::lost(data_dir) {
            Some(lost) => Err(lost),
            None => Self::of(open_to_read(data_dir)?, clock),
        }
    }

    /// Whether runs can be noted.
    #[must_use]
    pub fn may_be_written(data_dir: &Path) -> bool {
        may_be_written(data_dir)
    }

    fn of(connection: Connection, clock: Arc<dyn Clock>) -> Result<Self, VaultError> {
        // What a power cut takes of a history is no loss worth waiting for the disk.
        connection
            .execute_batch("PRAGMA synchronous = NORMAL;")
            .during("opening the history of runs")?;
        Ok(Self {
            connection: Mutex::new(connection),
            clock,
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a run began at `started_at`.
    ///
    /// # Errors
    /// Where the history cannot be written.
    pub fn begin(
        &self,
        run: &RunId,
        command: &str,
        started_at: DateTime<Utc>,
    ) -> Result<(), VaultError> {
        begin(&self.connection(), run, command, started_at)
    }

    /// Notes how a run ended.
    ///
    /// # Errors
    /// Where the history cannot be written.
    pub fn end(&self, run: &RunId, end: RunEnd, summary: Option<&str>) -> Result<(), VaultError> {
        finish(&self.connection(), run, end, summary, self.clock.now())
    }

    /// Takes back that a run began: nothing was done.
    ///
    /// # Errors
    /// Where the history cannot be written.
    pub fn withdraw(&self, run: &RunId) -> Result<(), VaultError> {
        let sql = "DELETE FROM runs WHERE run = ?1 AND ended_at IS NULL";
        self.connection()
            .run("noting that nothing was done", sql, [run.as_str()])
            .map(drop)
    }

    /// When each removal of a person that has not ended began, oldest first.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn open_removals(&self) -> Result<Vec<DateTime<Utc>>, VaultError> {
        self.connection().rows(
            "looking for removals that have not ended",
            "SELECT begun_at FROM forget_intents ORDER BY begun_at",
            [],
            |row| row.required_instant(0, "begun_at"),
        )
    }

    /// Whether any patient was forgotten here; which ones, only the vault's key can tell.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn has_forgotten(&self) -> Result<bool, VaultError> {
        let found = self.connection().first(
            "looking whether anybody was forgotten",
            "SELECT 1 FROM forgotten LIMIT 1",
            [],
            |_| Ok(()),
        );
        Ok(found?.is_some())
    }

    /// The state of every grant and resource type, as [`Vault::extract_states`] returns it.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn extract_states(&self) -> Result<Vec<ExtractState>, VaultError> {
        extract_states(&self.connection())
    }

    /// The runs of a command, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the history cannot be read or is damaged.
    pub fn runs(&self, command: &str, limit: u32) -> Result<Vec<RunRecord>, VaultError> {
        runs_of(&self.connection(), command, limit)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use claimlake_contract::SystemClock;

    use super::{RunEnd, RunHistory};
    use crate::{VAULT_FILE, Vault};

    #[test]
    fn runs_are_kept_without_a_key_and_the_vault_is_not_made_by_it() {
        let folder = tempfile::tempdir().unwrap();
        let history = RunHistory::open(folder.path(), Arc::new(SystemClock)).unwrap();
        let run = "20261123T164012.345Z-7f3a".parse().unwrap();
        let killed = "20261123T164013.345Z-7f3a".parse().unwrap();
        let began = "2026-11-23T16:40:12Z".parse().unwrap();
        history.begin(&run, "load", began).unwrap();
        history.begin(&killed, "load", began).unwrap();
        history
            .end(&run, RunEnd::Finished, Some(r#"{"rows":3}"#))
            .unwrap();
        let found: Vec<_> = history
            .runs("load", 9)
            .unwrap()
            .into_iter()
            .map(|run| (run.end, run.ended_at.is_some(), run.summary))
            .collect();
        let rows = Some(r#"{"rows":3}"#.to_owned());
        assert_eq!(
            found,
            [(None, false, None), (Some(RunEnd::Finished), true, rows)]
        );
        assert!(history.runs("import", 9).unwrap().is_empty());
        assert!(folder.path().join(VAULT_FILE).is_file());
        assert!(!Vault::is_made(folder.path()));
    }
}
