//! Whose data directory this is, and which runs there were.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use claimlake_contract::{Clock, RunId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::checkpoint::{self, ExtractState};
use crate::error::Doing;
use crate::marks;
use crate::read_only::{may_be_written, open_to_read};
use crate::store::open_kept_file;
use crate::text::{instant_text, parse_instant};
use crate::{Vault, VaultError};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// It did what it set out to do.
    Finished,
    /// It was stopped; the next run resumes there.
    Interrupted,
    /// It gave up.
    Failed,
}

impl RunEnd {
    /// The name in the vault and in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RunEnd::Finished => "finished",
            RunEnd::Interrupted => "interrupted",
            RunEnd::Failed => "failed",
        }
    }
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub run: RunId,
    /// The command, such as `extract`.
    pub command: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended; none where it is under way or was killed.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub end: Option<RunEnd>,
    /// What it did, as JSON without PHI.
    pub summary: Option<String>,
}

impl Vault {
    /// Gives the data directory to a source, or checks that it is that source's already.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] where it belongs to another source.
    pub fn bind_source(&self, identity: &str) -> Result<(), VaultError> {
        let doing = "reading whose data directory this is";
        let owner: String = self.write(doing, |connection| {
            connection
                .execute(
                    "INSERT OR IGNORE INTO source (only_row, identity) VALUES (1, ?1)",
                    [identity],
                )
                .doing(doing)?;
            connection
                .query_row("SELECT identity FROM source", [], |row| row.get(0))
                .doing(doing)
        })?;
        if owner == identity {
            return Ok(());
        }
        Err(VaultError::Invalid(format!(
            "this data directory holds what was extracted from {owner}, not {identity}: name \
             another one with --data"
        )))
    }

    /// The source the data directory belongs to.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn source(&self) -> Result<Option<String>, VaultError> {
        self.connection()
            .query_row("SELECT identity FROM source", [], |row| row.get(0))
            .optional()
            .doing("reading whose data directory this is")
    }

    /// Notes that a run has begun.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn begin_run(&self, run: &RunId, command: &str) -> Result<(), VaultError> {
        begin(&self.connection(), run, command, self.now())
    }

    /// Notes how a run ended.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn end_run(
        &self,
        run: &RunId,
        end: RunEnd,
        summary: Option<&str>,
    ) -> Result<(), VaultError> {
        let now = self.now();
        finish(&self.connection(), run, end, summary, now)
    }

    /// The runs of a command, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn runs(&self, command: &str, limit: u32) -> Result<Vec<RunRecord>, VaultError> {
        runs_of(&self.connection(), command, limit)
    }
}

/// The runs of a data directory, without what the vault seals: no key is asked for or made.
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
        Self::of(open_kept_file(data_dir)?, clock)
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
            .doing("opening the history of runs")?;
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
        self.connection()
            .execute(
                "DELETE FROM runs WHERE run = ?1 AND ended_at IS NULL",
                [run.as_str()],
            )
            .doing("noting that nothing was done")
            .map(|_| ())
    }

    /// When each removal of a person that has not ended began, oldest first.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn open_removals(&self) -> Result<Vec<DateTime<Utc>>, VaultError> {
        open_removals(&self.connection())
    }

    /// Whether anybody was forgotten here; who, only the vault's key tells.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn has_forgotten(&self) -> Result<bool, VaultError> {
        self.connection()
            .query_row("SELECT EXISTS (SELECT 1 FROM forgotten)", [], |row| {
                row.get(0)
            })
            .doing("looking whether anybody was forgotten")
    }

    /// The state of every grant and resource type, as [`Vault::extract_states`] returns it.
    ///
    /// # Errors
    /// Where it cannot be read or is damaged.
    pub fn extract_states(&self) -> Result<Vec<ExtractState>, VaultError> {
        checkpoint::extract_states(&self.connection())
    }

    /// The runs of a command, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the history cannot be read or is damaged.
    pub fn runs(&self, command: &str, limit: u32) -> Result<Vec<RunRecord>, VaultError> {
        runs_of(&self.connection(), command, limit)
    }
}

/// When each removal that has not ended began, oldest first. No key is needed for it.
fn open_removals(connection: &Connection) -> Result<Vec<DateTime<Utc>>, VaultError> {
    let doing = "looking for removals that have not ended";
    let mut statement = connection
        .prepare("SELECT begun_at FROM forget_intents ORDER BY begun_at")
        .doing(doing)?;
    let rows = statement
        .query_map([], |row| row.get::<_, String>(0))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .doing(doing)?;
    rows.iter()
        .map(|text| parse_instant(text, "begun_at"))
        .collect()
}

fn begin(
    connection: &Connection,
    run: &RunId,
    command: &str,
    now: DateTime<Utc>,
) -> Result<(), VaultError> {
    connection
        .execute(
            "INSERT OR REPLACE INTO runs (run, command, started_at) VALUES (?1, ?2, ?3)",
            params![run.as_str(), command, instant_text(now)],
        )
        .doing("noting the run")
        .map(|_| ())
}

fn finish(
    connection: &Connection,
    run: &RunId,
    end: RunEnd,
    summary: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), VaultError> {
    connection
        .execute(
            "UPDATE runs SET ended_at = ?2, outcome = ?3, summary = ?4 WHERE run = ?1",
            params![run.as_str(), instant_text(now), end.as_str(), summary],
        )
        .doing("noting the run's end")
        .map(|_| ())
}

fn runs_of(
    connection: &Connection,
    command: &str,
    limit: u32,
) -> Result<Vec<RunRecord>, VaultError> {
    let doing = "reading the runs";
    let mut statement = connection
        .prepare_cached(
            "SELECT run, command, started_at, ended_at, outcome, summary FROM runs
             WHERE command = ?1 ORDER BY run DESC LIMIT ?2",
        )
        .doing(doing)?;
    let mut rows = statement.query(params![command, limit]).doing(doing)?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next().doing(doing)? {
        runs.push(record(row)?);
    }
    Ok(runs)
}

fn record(row: &Row<'_>) -> Result<RunRecord, VaultError> {
    let doing = "reading the runs";
    let ended_at: Option<String> = row.get(3).doing(doing)?;
    let outcome: Option<String> = row.get(4).doing(doing)?;
    let ends = [RunEnd::Finished, RunEnd::Interrupted, RunEnd::Failed];
    Ok(RunRecord {
        run: row
            .get::<_, String>(0)
            .doing(doing)?
            .parse()
            .map_err(|_| VaultError::damaged("a run's id is not readable"))?,
        command: row.get(1).doing(doing)?,
        started_at: parse_instant(&row.get::<_, String>(2).doing(doing)?, "started_at")?,
        ended_at: ended_at
            .map(|text| parse_instant(&text, "ended_at"))
            .transpose()?,
        end: ends
            .into_iter()
            .find(|end| Some(end.as_str()) == outcome.as_deref()),
        summary: row.get(5).doing(doing)?,
    })
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
