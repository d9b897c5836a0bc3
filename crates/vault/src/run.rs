//! Whose data directory this is, and which runs there were.

use chrono::{DateTime, Utc};
use claimlake_contract::RunId;
use rusqlite::{OptionalExtension, params};

use crate::error::Doing;
use crate::text::{instant_text, parse_instant};
use crate::{Vault, VaultError};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunEnd {
    /// It did what it set out to do.
    Finished,
    /// It was told to stop; the next run goes on where it stopped.
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
        let now = self.now_text();
        let doing = "noting the run";
        self.write(doing, |connection| {
            connection
                .execute(
                    "INSERT OR REPLACE INTO runs (run, command, started_at) VALUES (?1, ?2, ?3)",
                    params![run.as_str(), command, now],
                )
                .doing(doing)
                .map(|_| ())
        })
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
        let now = instant_text(self.now());
        let doing = "noting the run's end";
        self.write(doing, |connection| {
            connection
                .execute(
                    "UPDATE runs SET ended_at = ?2, outcome = ?3, summary = ?4 WHERE run = ?1",
                    params![run.as_str(), now, end.as_str(), summary],
                )
                .doing(doing)
                .map(|_| ())
        })
    }

    /// The runs of a command, newest first, at most `limit`.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn runs(&self, command: &str, limit: u32) -> Result<Vec<RunRecord>, VaultError> {
        let doing = "reading the runs";
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached(
                "SELECT run, command, started_at, ended_at, outcome, summary FROM runs
                 WHERE command = ?1 ORDER BY run DESC LIMIT ?2",
            )
            .doing(doing)?;
        let mut rows = statement.query(params![command, limit]).doing(doing)?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let ended_at: Option<String> = row.get(3).doing(doing)?;
            let outcome: Option<String> = row.get(4).doing(doing)?;
            let ends = [RunEnd::Finished, RunEnd::Interrupted, RunEnd::Failed];
            runs.push(RunRecord {
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
            });
        }
        Ok(runs)
    }
}
