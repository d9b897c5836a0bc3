//! Forgets a person: first the intent, then all of their data, and a tombstone (a keyed hash) that
//! prevents them from being stored again by mistake.

use std::path::{Path, PathBuf};

use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Person, hex};
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use crate::codebooks::remove_codes;
use crate::error::During;
use crate::names::{id_tombstone, identifier_tombstone, tombstones_of};
use crate::seal::{Key, Keys, fill_random};
use crate::sql::Sql;
use crate::{Grant, Vault, VaultError, pending};

/// A person whose removal has begun and not ended.
#[derive(Debug, Clone)]
pub struct ForgetIntent {
    /// Its random name.
    pub intent: String,
    /// Who.
    pub person: Person,
    /// The lake from which they are removed, relative to the data directory if it is inside. `None`
    /// if an earlier version began the removal.
    pub lake: Option<PathBuf>,
    /// Whether that lake had a snapshot at that time. `None` if an earlier version began the
    /// removal.
    pub is_published: Option<bool>,
}

/// The encrypted part of an intent.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(flatten)]
    person: Person,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lake: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is_published: Option<bool>,
}

impl Vault {
    /// Writes down, durably, that a person is to be forgotten, and from then on refuses them.
    /// `lake` is where their rows are, relative to the data directory where it lies in it, and
    /// `is_published` whether it holds a snapshot.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn begin_forget(
        &self,
        person: &Person,
        lake: &Path,
        is_published: bool,
    ) -> Result<ForgetIntent, VaultError> {
        let operation = "noting that a person is to be forgotten";
        let mut bytes = [0; 16];
        fill_random(&mut bytes)?;
        let intent = hex(&bytes);
        let content = Sealed {
            person: person.clone(),
            lake: lake.to_str().map(PathBuf::from),
            is_published: Some(is_published),
        };
        let plain = zeroize::Zeroizing::new(
            serde_json::to_vec(&content)
                .map_err(|error| VaultError::Invalid(format!("{operation}: {error}")))?,
        );
        let keys = self.keys();
        let sealed = keys.seal.seal(&intent_place(&intent), &plain)?;
        let now = self.now_text();
        self.write(operation, |connection| {
            connection.run(
                operation,
                "INSERT INTO forget_intents (intent, sealed, begun_at) VALUES (?1, ?2, ?3)",
                params![intent, sealed, now],
            )?;
            let lookups = lookups(&keys.lookup, person);
            // Forgotten before: what lets them come back is to find all of their names.
            let known = known_person(connection, &lookups)?;
            let person = known.as_deref().unwrap_or(&bytes[..]);
            for lookup in lookups {
                connection.run(
                    operation,
                    "INSERT OR REPLACE INTO forgotten (lookup, person, forgotten_at)
                         VALUES (?1, ?2, ?3)",
                    params![lookup, person, now],
                )?;
            }
            Ok(())
        })?;
        Ok(ForgetIntent {
            intent,
            person: content.person,
            lake: content.lake,
            is_published: content.is_published,
        })
    }

    /// The people whose removal was interrupted.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn unfinished_forgets(&self) -> Result<Vec<ForgetIntent>, VaultError> {
        self.connection().rows(
            "reading whose removal is in progress",
            "SELECT intent, sealed FROM forget_intents ORDER BY begun_at, intent",
            [],
            |row| {
                let (intent, sealed): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let plain = self.keys().seal.open(&intent_place(&intent), &sealed);
                let content = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
                let damaged = || VaultError::damaged("a removal in progress does not open");
                let content: Sealed = content.ok_or_else(damaged)?;
                Ok(ForgetIntent {
                    intent,
                    person: content.person,
                    lake: content.lake,
                    is_published: content.is_published,
                })
            },
        )
    }

    /// The grants of a person, by patient id or by the app's own name.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn grants_of(&self, person: &Person) -> Result<Vec<Grant>, VaultError> {
        let mut grants = self.grants()?;
        grants.retain(|grant| {
            let by_id = grant.ids().any(|(api, id)| person.has_id(api, id.expose()));
            let external = grant.external_id.as_ref();
            by_id || external.is_some_and(|id| person.external_ids.contains(id))
        });
        Ok(grants)
    }

    /// Removes everything the vault holds about a person but the tombstone: grants with tokens and
    /// checkpoints, codes in codebooks, authorizations that have begun, mentions in the history of runs.
    ///
    /// Only the holder of the token lock may call this.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn remove_person(&self, person: &Person) -> Result<u64, VaultError> {
        let operation = "removing a person from the vault";
        let grants = self.grants_of(person)?;
        let now = self.now_text();
        self.write(operation, |connection| {
            for grant in &grants {
                remove_mentions(connection, &grant.handle)?;
                connection.run(
                    operation,
                    "DELETE FROM grants WHERE handle = ?1",
                    [grant.handle.as_str()],
                )?;
            }
            remove_codes(connection, self.keys(), person, &now)?;
            remove_pending(connection, self.keys(), person)
        })?;
        Ok(grants.len() as u64)
    }

    /// Ends a removal: nothing of the person is left, not even in free pages and the write-ahead
    /// log.
    ///
    /// # Errors
    /// The vault cannot be written.
    pub fn finish_forget(&self, intent: &str) -> Result<(), VaultError> {
        let operation = "ending the removal of a person";
        self.clean_free_pages()?;
        self.write(operation, |connection| {
            connection
                .run(
                    operation,
                    "DELETE FROM forget_intents WHERE intent = ?1",
                    [intent],
                )
                .map(drop)
        })?;
        // The intent itself names the person, if only sealed.
        self.clean_free_pages()
    }

    fn clean_free_pages(&self) -> Result<(), VaultError> {
        let operation = "clearing the vault's free pages";
        let connection = self.connection();
        connection.execute_batch("VACUUM").during(operation)?;
        // A reader in another process keeps the log from being cut: that is reported.
        let busy: i64 = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .during(operation)?;
        if busy != 0 {
            return Err(VaultError::Locked);
        }
        Ok(())
    }

    /// Whether the person with this patient id was forgotten here.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn is_forgotten(&self, api: ApiVersion, patient: &PatientId) -> Result<bool, VaultError> {
        is_forgotten(&self.connection(), self.keys(), api, patient)
    }

    /// Takes a tombstone away, under all names of the person: they have consented anew.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn consent_again(&self, api: ApiVersion, patient: &PatientId) -> Result<bool, VaultError> {
        self.write(TAKING_BACK, |connection| {
            take_back(connection, self.keys(), api, patient)
        })
    }
}

const TAKING_BACK: &str = "letting a forgotten person come back";

pub(crate) fn take_back(
    connection: &Connection,
    keys: &Keys,
    api: ApiVersion,
    patient: &PatientId,
) -> Result<bool, VaultError> {
    let [by_id, by_log] = tombstones_of(&keys.lookup, api, patient.expose());
    let removed = connection.run(
        TAKING_BACK,
        "DELETE FROM forgotten WHERE person IN
                (SELECT person FROM forgotten WHERE lookup IN (?1, ?2))",
        params![by_id, by_log],
    )?;
    Ok(removed > 0)
}

/// Refuses a forgotten person.
pub(crate) fn refuse_forgotten(
    connection: &Connection,
    keys: &Keys,
    api: ApiVersion,
    patient: Option<&PatientId>,
) -> Result<(), VaultError> {
    match patient {
        Some(patient) if is_forgotten(connection, keys, api, patient)? => {
            Err(VaultError::Forgotten)
        }
        _ => Ok(()),
    }
}

fn is_forgotten(
    connection: &Connection,
    keys: &Keys,
    api: ApiVersion,
    patient: &PatientId,
) -> Result<bool, VaultError> {
    connection
        .first(
            "looking for a tombstone",
            "SELECT 1 FROM forgotten WHERE lookup IN (?1, ?2)",
            tombstones_of(&keys.lookup, api, patient.expose()),
            |_| Ok(()),
        )
        .map(|found| found.is_some())
}

/// A run's summary may name the grant: the name goes, the counts stay.
fn remove_mentions(connection: &Connection, handle: &GrantHandle) -> Result<(), VaultError> {
    connection
        .run(
            "clearing the history of runs",
            "UPDATE runs SET summary = replace(summary, ?1, 'forgotten')
             WHERE instr(summary, ?1) > 0",
            [handle.as_str()],
        )
        .map(drop)
}

fn remove_pending(connection: &Connection, keys: &Keys, person: &Person) -> Result<(), VaultError> {
    let operation = "clearing authorizations that have begun";
    let rows = connection.rows(
        operation,
        "SELECT state_lookup, sealed FROM pending_authorizations",
        [],
        |row| Ok((row.get::<Vec<u8>>(0)?, row.get::<Vec<u8>>(1)?)),
    )?;
    for (lookup, sealed) in rows {
        let external = pending::external_id(keys, &lookup, &sealed);
        if external.is_some_and(|id| person.external_ids.contains(&id)) {
            connection.run(
                operation,
                "DELETE FROM pending_authorizations WHERE state_lookup = ?1",
                params![lookup],
            )?;
        }
    }
    Ok(())
}

fn lookups(key: &Key, person: &Person) -> Vec<[u8; 32]> {
    let ids = person.ids.iter();
    let ids = ids.map(|(api, id)| id_tombstone(key, *api, id.expose()));
    let identifiers = person.identifiers.iter();
    ids.chain(identifiers.map(|identifier| identifier_tombstone(key, &identifier.to_string())))
        .collect()
}

/// Under which person one of these names was forgotten before.
fn known_person(
    connection: &Connection,
    lookups: &[[u8; 32]],
) -> Result<Option<Vec<u8>>, VaultError> {
    for lookup in lookups {
        let sql = "SELECT person FROM forgotten WHERE lookup = ?1";
        let known = connection.first("looking for a tombstone", sql, [lookup], |row| row.get(0))?;
        if known.is_some() {
            return Ok(known);
        }
    }
    Ok(None)
}

pub(crate) fn intent_place(intent: &str) -> String {
    format!("forget_intents.sealed:{intent}")
}

#[cfg(test)]
mod tests;
