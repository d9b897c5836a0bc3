//! Runs as rows of the vault's file. Nothing of them is encrypted.

use chrono::{DateTime, Utc};
use claimlake_contract::RunId;
use rusqlite::{Connection, params};

use crate::sql::{Fields, Sql};
use crate::text::instant_text;
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
    /// When it ended; `None` where it is in progress or was killed.
    pub ended_at: Option<DateTime<Utc>>,
    /// How it ended.
    pub end: Option<RunEnd>,
    /// What it did, as JSON without PHI.
    pub summary: Option<String>,
}

impl Vault {
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

pub(super) fn begin(
    connection: &Connection,
    run: &RunId,
    command: &str,
    now: DateTime<Utc>,
) -> Result<(), VaultError> {
    connection
        .run(
            "noting the run",
            "INSERT OR REPLACE INTO runs (run, command, started_at) VALUES (?1, ?2, ?3)",
            params![run.as_str(), command, instant_text(now)],
        )
        .map(drop)
}

pub(super) fn finish(
    connection: &Connection,
    run: &RunId,
    end: RunEnd,
    summary: Option<&str>,
    now: DateTime<Utc>,
) -> Result<(), VaultError> {
    connection
        .run(
            "noting the run's end",
            "UPDATE runs SET ended_at = ?2, outcome = ?3, summary = ?4 WHERE run = ?1",
            params![run.as_str(), instant_text(now), end.as_str(), summary],
        )
        .map(drop)
}

pub(super) fn runs_of(
    connection: &Connection,
    command: &str,
    limit: u32,
) -> Result<Vec<RunRecord>, VaultError> {
    connection.rows(
        "reading the runs",
        "SELECT run, command, started_at, ended_at, outcome, summary FROM runs
         WHERE command = ?1 ORDER BY run DESC LIMIT ?2",
        params![command, limit],
        record,
    )
}

fn record(row: &Fields<'_>) -> Result<RunRecord, VaultError> {
    let outcome: Option<String> = row.get(4)?;
    let ends = [RunEnd::Finished, RunEnd::Interrupted, RunEnd::Failed];
    Ok(RunRecord {
        run: row.parsed(0, "a run's id")?,
        command: row.get(1)?,
        started_at: row.required_instant(2, "started_at")?,
        ended_at: row.instant(3, "ended_at")?,
        end: ends
            .into_iter()
            .find(|end| Some(end.as_str()) == outcome.as_deref()),
        summary: row.get(5)?,
    })
}
