//! Reading and storing grants.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret};
use rusqlite::{Connection, params};

use super::grant::{Forgotten, Grant, GrantChange, GrantState, NewGrant, Stored, TokenPair};
use super::row::{
    COLUMNS, drop_intent, open_text, patient_lookup, read_grant, token_lookup, write_external_id,
    write_patient, write_tokens,
};
use crate::error::During;
use crate::forget::{refuse_forgotten, take_back};
use crate::seal::{Keys, fill_random};
use crate::sql::Sql;
use crate::text::instant_text;
use crate::{Vault, VaultError};

impl Vault {
    /// All grants, by handle.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn grants(&self) -> Result<Vec<Grant>, VaultError> {
        let sql = format!("SELECT {COLUMNS} FROM grants ORDER BY handle");
        self.connection()
            .rows("reading the grants", &sql, [], |row| {
                read_grant(row, self.keys())
            })
    }

    /// One grant.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where there is none of that name.
    pub fn grant(&self, handle: &GrantHandle) -> Result<Grant, VaultError> {
        grant_of(&self.connection(), self.keys(), handle)
    }

    /// The grant of a person, by the id in the API version's id space.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn by_patient(
        &self,
        api: ApiVersion,
        patient: &PatientId,
    ) -> Result<Option<Grant>, VaultError> {
        find_by_patient(&self.connection(), self.keys(), api, patient)
    }

    /// The tokens of a grant.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`]; [`VaultError::Damaged`] where a token does not open.
    pub fn tokens(&self, handle: &GrantHandle) -> Result<TokenPair, VaultError> {
        tokens_of(&self.connection(), self.keys(), handle)
    }

    /// Stores a grant: a new person's, or a newer consent of a known one.
    ///
    /// A refresh token the vault has ever held for that person changes nothing, so that reading a
    /// grant file twice, or an old one, cannot bring back a token that has been used up. A consent
    /// that ends earlier than the one in the vault is older and is ignored.
    ///
    /// Only the holder of the token lock may call this.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn insert_or_renew(&self, grant: &NewGrant) -> Result<Stored, VaultError> {
        self.store_consent(grant, Forgotten::Refused)
    }

    /// As [`Vault::insert_or_renew`], and says what happens to people who were forgotten here. It
    /// also holds for a person whom the server names only later ([`Vault::name_patient`]).
    ///
    /// # Errors
    /// Where the vault cannot be written; [`VaultError::Forgotten`]; [`VaultError::OtherPatient`]
    /// where the refresh token is that of another patient's grant.
    pub fn store_consent(
        &self,
        grant: &NewGrant,
        forgotten: Forgotten,
    ) -> Result<Stored, VaultError> {
        let now = self.now();
        let keys = self.keys();
        self.write("storing a grant", |connection| {
            if let (Forgotten::TakenBack, Some(patient)) = (forgotten, &grant.patient) {
                take_back(connection, keys, grant.api, patient)?;
            }
            refuse_forgotten(connection, keys, grant.api, grant.patient.as_ref())?;
            refuse_token_of_another(connection, keys, grant)?;
            let known = match &grant.patient {
                Some(patient) => find_by_patient(connection, keys, grant.api, patient)?,
                None => find_by_token(connection, keys, grant)?,
            };
            let stored = match known {
                None => insert(connection, keys, grant, now),
                Some(known) => renew(connection, keys, grant, &known, now),
            }?;
            if grant.patient.is_none() && forgotten == Forgotten::TakenBack {
                connection.run(
                    "storing a grant",
                    "UPDATE grants SET takes_back = 1 WHERE handle = ?1",
                    [stored.handle.as_str()],
                )?;
            }
            Ok(stored)
        })
    }

    /// The grant of another patient that the refresh token of `grant` belongs to: it would be
    /// refused.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn owner_of_token(&self, grant: &NewGrant) -> Result<Option<GrantHandle>, VaultError> {
        match refuse_token_of_another(&self.connection(), self.keys(), grant) {
            Err(VaultError::OtherPatient { handle }) => Ok(Some(handle)),
            other => other.map(|()| None),
        }
    }

    /// Removes a grant with everything the vault holds about it.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn remove_grant(&self, handle: &GrantHandle) -> Result<bool, VaultError> {
        let operation = "removing a grant";
        let removed = self.write(operation, |connection| {
            connection.run(
                operation,
                "DELETE FROM grants WHERE handle = ?1",
                [handle.as_str()],
            )
        })?;
        // What was deleted lives on in the write-ahead log until it is folded back and cut.
        self.connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .during(operation)?;
        Ok(removed > 0)
    }
}

pub(crate) fn grant_of(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
) -> Result<Grant, VaultError> {
    find(connection, keys, "handle = ?1", &[&handle.as_str()])?.ok_or_else(|| {
        VaultError::UnknownGrant {
            handle: handle.clone(),
        }
    })
}

pub(crate) fn tokens_of(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
) -> Result<TokenPair, VaultError> {
    let found = connection.first(
        "reading a grant's tokens",
        "SELECT access_token, access_issued_at, access_expires_at, refresh_token
         FROM grants WHERE handle = ?1",
        [handle.as_str()],
        |row| {
            Ok(TokenPair {
                access_token: open_text(row, 0, "access_token", handle, keys)?.map(Secret::new),
                access_issued_at: row.instant(1, "access_issued_at")?,
                access_expires_at: row.instant(2, "access_expires_at")?,
                refresh_token: open_text(row, 3, "refresh_token", handle, keys)?.map(Secret::new),
            })
        },
    )?;
    found.ok_or_else(|| VaultError::UnknownGrant {
        handle: handle.clone(),
    })
}

/// The grant of a patient, by the index of both columns: `patient_lookup` alone has none.
pub(super) const BY_PATIENT: &str = "api = ?1 AND patient_lookup = ?2";

/// The grant that has, or had, a refresh token.
pub(super) const BY_TOKEN: &str = "handle IN (SELECT handle FROM known_tokens WHERE lookup = ?1)";

pub(super) fn find_by_patient(
    connection: &Connection,
    keys: &Keys,
    api: ApiVersion,
    patient: &PatientId,
) -> Result<Option<Grant>, VaultError> {
    let lookup = patient_lookup(keys, api, patient);
    find(connection, keys, BY_PATIENT, &[&api.as_str(), &lookup])
}

fn find(
    connection: &Connection,
    keys: &Keys,
    condition: &str,
    values: &[&dyn rusqlite::ToSql],
) -> Result<Option<Grant>, VaultError> {
    let sql = format!("SELECT {COLUMNS} FROM grants WHERE {condition}");
    connection.first("looking a grant up", &sql, values, |row| {
        read_grant(row, keys)
    })
}

/// A grant whose person is not known yet is recognised by its token.
fn find_by_token(
    connection: &Connection,
    keys: &Keys,
    grant: &NewGrant,
) -> Result<Option<Grant>, VaultError> {
    let Some(refresh_token) = &grant.tokens.refresh_token else {
        return Ok(None);
    };
    let lookup = token_lookup(keys, refresh_token);
    find(connection, keys, BY_TOKEN, &[&lookup])
}

/// A refresh token that another patient's grant of the same version has, or had, is theirs: the
/// two would end each other, and one would read the other's claims.
fn refuse_token_of_another(
    connection: &Connection,
    keys: &Keys,
    grant: &NewGrant,
) -> Result<(), VaultError> {
    match find_by_token(connection, keys, grant)? {
        Some(owner)
            if owner.api == grant.api
                && grant.patient.is_some()
                && owner.patient.is_some()
                && owner.patient != grant.patient =>
        {
            Err(VaultError::OtherPatient {
                handle: owner.handle,
            })
        }
        _ => Ok(()),
    }
}

fn is_known_token(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    refresh_token: &Secret,
) -> Result<bool, VaultError> {
    connection
        .first(
            "comparing a token's hash",
            "SELECT 1 FROM known_tokens WHERE handle = ?1 AND lookup = ?2",
            params![handle.as_str(), token_lookup(keys, refresh_token)],
            |_| Ok(()),
        )
        .map(|found| found.is_some())
}

fn insert(
    connection: &Connection,
    keys: &Keys,
    grant: &NewGrant,
    now: DateTime<Utc>,
) -> Result<Stored, VaultError> {
    let mut bytes = [0; 8];
    fill_random(&mut bytes)?;
    let handle = GrantHandle::from_random(bytes);
    connection.run(
        "storing a grant",
        "INSERT INTO grants (handle, api, state, state_since, consented_at, scopes)
             VALUES (?1, ?2, 'active', ?3, ?3, '')",
        params![handle.as_str(), grant.api.as_str(), instant_text(now)],
    )?;
    if let Some(patient) = &grant.patient {
        write_patient(connection, keys, &handle, grant.api, patient)?;
    }
    write_consent(connection, keys, &handle, grant, now)?;
    Ok(Stored {
        handle,
        change: GrantChange::Inserted,
    })
}

pub(crate) fn renew(
    connection: &Connection,
    keys: &Keys,
    grant: &NewGrant,
    known: &Grant,
    now: DateTime<Utc>,
) -> Result<Stored, VaultError> {
    let stored = |change| {
        Ok(Stored {
            handle: known.handle.clone(),
            change,
        })
    };
    if let Some(refresh_token) = &grant.tokens.refresh_token
        && is_known_token(connection, keys, &known.handle, refresh_token)?
    {
        if let Some(external_id) = &grant.external_id {
            write_external_id(connection, keys, &known.handle, external_id)?;
        }
        return stored(GrantChange::Unchanged);
    }
    if let (Some(new), Some(known_end)) = (grant.grant_expires_at, known.grant_expires_at)
        && new < known_end
        && known.state != GrantState::Revoked
        && !known.one_time
    {
        return stored(GrantChange::OlderIgnored);
    }
    write_consent(connection, keys, &known.handle, grant, now)?;
    stored(GrantChange::Renewed)
}

fn write_consent(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    grant: &NewGrant,
    now: DateTime<Utc>,
) -> Result<(), VaultError> {
    let now = instant_text(now);
    connection.run(
        "storing a grant",
        "UPDATE grants SET state = 'active', reason = NULL, doubtful_since = NULL,
                state_since = ?2, consented_at = ?2,
                grant_expires_at = ?3, scopes = ?4, one_time = ?5, generation = generation + 1,
                refreshed_at = NULL
             WHERE handle = ?1",
        params![
            handle.as_str(),
            now,
            grant.grant_expires_at.map(instant_text),
            grant.scopes.to_string(),
            grant.one_time,
        ],
    )?;
    write_tokens(connection, keys, handle, &grant.tokens)?;
    if let Some(external_id) = &grant.external_id {
        write_external_id(connection, keys, handle, external_id)?;
    }
    drop_intent(connection, handle)
}
