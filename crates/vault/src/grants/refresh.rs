//! The journal of refreshes: the intent is written before the POST, the outcome before the tokens
//! are used. Only the holder of the token lock may write it.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret};
use rusqlite::{Connection, OptionalExtension, params};

use super::grant::{Scopes, TokenPair};
use super::moved::move_to;
use super::row::{drop_intent, write_patient, write_tokens};
use super::store::{grant_of, tokens_of};
use crate::error::During;
use crate::seal::Keys;
use crate::sql::Sql;
use crate::text::instant_text;
use crate::{Vault, VaultError};

const OPEN: &str = "reading open refreshes";

/// A refresh that may be posted, since its intent is on disk.
#[derive(Debug, Clone)]
pub struct RefreshIntent {
    /// The token to post.
    pub refresh_token: Secret,
    /// The API version whose token endpoint it goes to.
    pub api: ApiVersion,
    /// The generation it belongs to.
    pub generation: u64,
    /// How often the same token was posted before without a known outcome.
    pub earlier_attempts: u32,
}

/// A refresh without an outcome: it is unknown whether its token was used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenRefresh {
    /// How often the grant's current refresh token was posted, or was about to be.
    pub attempts: u32,
    /// When the last of these attempts began.
    pub started_at: DateTime<Utc>,
}

/// The result of a refresh.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The new pair.
    pub tokens: TokenPair,
    /// The scopes, where the answer named them.
    pub scopes: Option<Scopes>,
    /// The person, where the answer said who it is.
    pub patient: Option<PatientId>,
    /// When the consent ends, if the answer states it.
    pub grant_expires_at: Option<DateTime<Utc>>,
}

/// One entry of the journal.
#[derive(Debug, Clone)]
pub enum RefreshStep {
    /// The grant's refresh token is about to be posted.
    Begin,
    /// It was not sent, or the server did not use it up.
    NotUsed,
    /// The result of a refresh.
    Finish(Box<Refreshed>),
    /// The result of a refresh at another API version, to which the grant moves.
    Move(ApiVersion, Box<Refreshed>),
}

/// An entry that is on disk.
#[derive(Debug, Clone)]
pub enum RefreshWritten {
    /// The refresh may be posted.
    Begun(RefreshIntent),
    /// The intent was withdrawn.
    TakenBack,
    /// The pair is stored, under this new generation.
    Finished(u64),
}

impl Vault {
    /// Writes entries of several grants in one transaction: one wait for the disk for all of them.
    /// An entry that cannot be written leaves no trace, and the others as they are.
    ///
    /// # Errors
    /// Where the vault cannot be written: then none of them is. An entry of its own fails with
    /// [`VaultError::UnknownGrant`] where the grant was removed meanwhile, and with
    /// [`VaultError::Invalid`] where it has no refresh token.
    pub fn write_refreshes(
        &self,
        steps: &[(GrantHandle, RefreshStep)],
    ) -> Result<Vec<Result<RefreshWritten, VaultError>>, VaultError> {
        let now = self.now_text();
        let operation = "writing the journal of refreshes";
        let written = self.write(operation, |connection| {
            let sql = |sql: &str| connection.execute_batch(sql).during(operation);
            let mut written = Vec::with_capacity(steps.len());
            for (handle, step) in steps {
                sql("SAVEPOINT step")?;
                let outcome = write_step(connection, self.keys(), handle, step, &now);
                if outcome.is_err() {
                    sql("ROLLBACK TO step")?;
                }
                sql("RELEASE step")?;
                written.push(outcome);
            }
            Ok(written)
        })?;
        for ((handle, step), outcome) in steps.iter().zip(&written) {
            match (step, outcome) {
                (RefreshStep::Finish(refreshed), Ok(_)) => {
                    self.note_patient(handle, refreshed.patient.as_ref());
                }
                (RefreshStep::Move(_, refreshed), Ok(_)) => {
                    self.name_moved(handle, refreshed.patient.as_ref());
                }
                _ => {}
            }
        }
        Ok(written)
    }

    /// Writes down, durably, that a grant's refresh token is about to be posted.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] where the grant has no refresh token.
    pub fn begin_refresh(&self, handle: &GrantHandle) -> Result<RefreshIntent, VaultError> {
        let now = self.now_text();
        self.write("writing the intent of a refresh", |connection| {
            begin(connection, self.keys(), handle, &now)
        })
    }

    /// Takes the last intent back: the token was not sent, or the server did not use it up.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn refresh_not_used(&self, handle: &GrantHandle) -> Result<(), VaultError> {
        self.write("taking back the intent of a refresh", |connection| {
            take_back(connection, handle)
        })
    }

    /// Stores the new pair, durably, and closes the intent. Returns the new generation.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where the grant was removed meanwhile.
    pub fn finish_refresh(
        &self,
        handle: &GrantHandle,
        refreshed: &Refreshed,
    ) -> Result<u64, VaultError> {
        let now = self.now_text();
        self.write("storing a refreshed pair", |connection| {
            finish(connection, self.keys(), handle, refreshed, &now)
        })
        .inspect(|_| self.note_patient(handle, refreshed.patient.as_ref()))
    }

    /// The last refresh of a grant, where it has no outcome.
    ///
    /// # Errors
    /// Where the vault cannot be read, or the entry is not readable.
    pub fn open_refresh(&self, handle: &GrantHandle) -> Result<Option<OpenRefresh>, VaultError> {
        self.connection().first(
            OPEN,
            // An attempt of an earlier generation posted another token.
            "SELECT CASE WHEN i.generation = g.generation THEN i.attempts ELSE 0 END,
                    i.started_at
             FROM refresh_intents i LEFT JOIN grants g ON g.handle = i.handle
             WHERE i.handle = ?1",
            [handle.as_str()],
            |row| {
                Ok(OpenRefresh {
                    attempts: row.get(0)?,
                    started_at: row.required_instant(1, "started_at")?,
                })
            },
        )
    }

    /// Grants whose last refresh has no outcome.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn open_refreshes(&self) -> Result<Vec<GrantHandle>, VaultError> {
        self.connection().rows(
            OPEN,
            "SELECT handle FROM refresh_intents ORDER BY handle",
            [],
            |row| row.parsed(0, "the handle of an open refresh"),
        )
    }

    /// Stores the patient id of a refresh answer: a server may name the patient only there, or by
    /// another id than before. This happens after the token pair is stored, in a separate step: an
    /// id that belongs to another grant already must not cost a token.
    fn note_patient(&self, handle: &GrantHandle, patient: Option<&PatientId>) {
        let Some(patient) = patient else { return };
        let noted = self.grant(handle).and_then(|grant| {
            if grant.patient.as_ref() == Some(patient) {
                return Ok(());
            }
            self.write("storing whose grant it is", |connection| {
                write_patient(connection, self.keys(), handle, grant.api, patient)
            })
        });
        if let Err(error) = noted {
            tracing::warn!(grant.handle = %handle, error = %error, "the person of a grant could not be noted");
        }
    }
}

fn write_step(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    step: &RefreshStep,
    now: &str,
) -> Result<RefreshWritten, VaultError> {
    match step {
        RefreshStep::Begin => begin(connection, keys, handle, now).map(RefreshWritten::Begun),
        RefreshStep::NotUsed => take_back(connection, handle).map(|()| RefreshWritten::TakenBack),
        RefreshStep::Finish(refreshed) => {
            finish(connection, keys, handle, refreshed, now).map(RefreshWritten::Finished)
        }
        RefreshStep::Move(api, refreshed) => {
            let grant = grant_of(connection, keys, handle)?;
            let generation = finish(connection, keys, handle, refreshed, now)?;
            move_to(connection, keys, &grant, *api)?;
            Ok(RefreshWritten::Finished(generation))
        }
    }
}

fn begin(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    now: &str,
) -> Result<RefreshIntent, VaultError> {
    let grant = grant_of(connection, keys, handle)?;
    let refresh_token = tokens_of(connection, keys, handle)?
        .refresh_token
        .ok_or_else(|| VaultError::Invalid(format!("grant {handle} has no refresh token")))?;
    let attempts: u32 = connection
        .query_row(
            "INSERT INTO refresh_intents (handle, generation, started_at, attempts)
             VALUES (?1, ?2, ?3, 1)
             ON CONFLICT (handle) DO UPDATE SET
                attempts = CASE WHEN generation = excluded.generation
                                THEN attempts + 1 ELSE 1 END,
                generation = excluded.generation,
                started_at = excluded.started_at
             RETURNING attempts",
            params![handle.as_str(), grant.generation.cast_signed(), now],
            |row| row.get(0),
        )
        .during("writing the intent of a refresh")?;
    Ok(RefreshIntent {
        refresh_token,
        api: grant.api,
        generation: grant.generation,
        earlier_attempts: attempts - 1,
    })
}

fn take_back(connection: &Connection, handle: &GrantHandle) -> Result<(), VaultError> {
    let operation = "taking back the intent of a refresh";
    connection.run(
        operation,
        "UPDATE refresh_intents SET attempts = attempts - 1 WHERE handle = ?1",
        [handle.as_str()],
    )?;
    connection.run(
        operation,
        "DELETE FROM refresh_intents WHERE handle = ?1 AND attempts < 1",
        [handle.as_str()],
    )?;
    Ok(())
}

fn finish(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    refreshed: &Refreshed,
    now: &str,
) -> Result<u64, VaultError> {
    let generation: Option<i64> = connection
        .query_row(
            "UPDATE grants SET generation = generation + 1, refreshed_at = ?2,
                state_since = CASE WHEN state = 'active' THEN state_since ELSE ?2 END,
                reason = CASE WHEN state = 'active' AND reason IS ?5 THEN reason END,
                doubtful_since = CASE WHEN state = 'active' AND reason IS ?5
                    THEN doubtful_since END,
                state = 'active',
                scopes = coalesce(?3, scopes),
                grant_expires_at = coalesce(?4, grant_expires_at)
             WHERE handle = ?1 RETURNING generation",
            params![
                handle.as_str(),
                now,
                refreshed.scopes.as_ref().map(ToString::to_string),
                refreshed.grant_expires_at.map(instant_text),
                // New tokens do not decide what resources were refused.
                super::state::REFUSED_IN_DOUBT,
            ],
            |row| row.get(0),
        )
        .optional()
        .during("storing a refreshed pair")?;
    let Some(generation) = generation else {
        return Err(VaultError::UnknownGrant {
            handle: handle.clone(),
        });
    };
    write_tokens(connection, keys, handle, &refreshed.tokens)?;
    drop_intent(connection, handle)?;
    Ok(generation.unsigned_abs())
}

#[cfg(test)]
mod tests;
