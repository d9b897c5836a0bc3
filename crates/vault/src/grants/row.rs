//! The columns of a grant's row, and their encryption.

use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret};
use rusqlite::{Connection, params};

use super::grant::{Grant, GrantState, Scopes, TokenPair};
use crate::VaultError;
use crate::seal::{Keys, keyed_hash};
use crate::sql::{Fields, Sql};
use crate::text::instant_text;

/// The columns that [`read_grant`] takes, in its order.
pub(crate) const COLUMNS: &str = "handle, api, patient, external_id, state, reason, state_since, consented_at, \
    grant_expires_at, scopes, one_time, access_expires_at, generation, refreshed_at, \
    doubtful_since, earlier_api, earlier_patient";

pub(crate) fn drop_intent(connection: &Connection, handle: &GrantHandle) -> Result<(), VaultError> {
    connection.run(
        "closing a refresh",
        "DELETE FROM refresh_intents WHERE handle = ?1",
        [handle.as_str()],
    )?;
    Ok(())
}

/// The place to which an encrypted column of a grant is bound (the associated data).
pub(crate) fn place(column: &str, handle: &GrantHandle) -> String {
    format!("grants.{column}:{handle}")
}

pub(crate) fn patient_lookup(keys: &Keys, api: ApiVersion, patient: &PatientId) -> [u8; 32] {
    keyed_hash(
        &keys.lookup,
        &[
            b"patient",
            api.as_str().as_bytes(),
            patient.expose().as_bytes(),
        ],
    )
}

pub(crate) fn token_lookup(keys: &Keys, refresh_token: &Secret) -> [u8; 32] {
    keyed_hash(
        &keys.lookup,
        &[b"refresh token", refresh_token.expose().as_bytes()],
    )
}

pub(crate) fn remember_token(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    refresh_token: &Secret,
) -> Result<(), VaultError> {
    connection.run(
        "remembering a token's hash",
        "INSERT OR IGNORE INTO known_tokens (handle, lookup) VALUES (?1, ?2)",
        params![handle.as_str(), token_lookup(keys, refresh_token)],
    )?;
    Ok(())
}

/// Replaces both tokens. If the pair has no refresh token, the stored one is removed.
pub(crate) fn write_tokens(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    tokens: &TokenPair,
) -> Result<(), VaultError> {
    let seal = |column: &str, token: &Option<Secret>| {
        token
            .as_ref()
            .map(|token| {
                keys.seal
                    .seal(&place(column, handle), token.expose().as_bytes())
            })
            .transpose()
    };
    connection.run(
        "storing tokens",
        "UPDATE grants SET access_token = ?2, access_issued_at = ?3, access_expires_at = ?4,
                refresh_token = ?5 WHERE handle = ?1",
        params![
            handle.as_str(),
            seal("access_token", &tokens.access_token)?,
            tokens.access_issued_at.map(instant_text),
            tokens.access_expires_at.map(instant_text),
            seal("refresh_token", &tokens.refresh_token)?,
        ],
    )?;
    match &tokens.refresh_token {
        Some(refresh_token) => remember_token(connection, keys, handle, refresh_token),
        None => Ok(()),
    }
}

pub(crate) fn write_patient(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    api: ApiVersion,
    patient: &PatientId,
) -> Result<(), VaultError> {
    connection.run(
        "storing whose grant it is",
        "UPDATE grants SET patient = ?2, patient_lookup = ?3 WHERE handle = ?1",
        params![
            handle.as_str(),
            keys.seal
                .seal(&place("patient", handle), patient.expose().as_bytes())?,
            patient_lookup(keys, api, patient),
        ],
    )?;
    Ok(())
}

pub(crate) fn write_external_id(
    connection: &Connection,
    keys: &Keys,
    handle: &GrantHandle,
    external_id: &str,
) -> Result<(), VaultError> {
    let sealed = keys
        .seal
        .seal(&place("external_id", handle), external_id.as_bytes())?;
    connection.run(
        "storing an external id",
        "UPDATE grants SET external_id = ?2 WHERE handle = ?1",
        params![handle.as_str(), sealed],
    )?;
    Ok(())
}

pub(crate) fn read_grant(row: &Fields<'_>, keys: &Keys) -> Result<Grant, VaultError> {
    let handle: GrantHandle = row.parsed(0, "a grant's handle")?;
    let required = |at, column: &str| {
        row.instant(at, column)?
            .ok_or_else(|| VaultError::damaged(format!("a grant has no {column}")))
    };
    let state = GrantState::parse(&row.get::<String>(4)?)
        .ok_or_else(|| VaultError::damaged("a grant has an unknown state"))?;
    let (state, state_since) = match (state, row.instant(14, "doubtful_since")?) {
        (GrantState::Active, Some(since)) => (GrantState::Doubtful, since),
        (state, _) => (state, required(6, "state_since")?),
    };
    let earlier_api: Option<String> = row.get(15)?;
    let earlier_patient = open_text(row, 16, "earlier_patient", &handle, keys)?;
    let earlier = match (earlier_api, earlier_patient) {
        (Some(_), Some(patient)) => Some((
            row.parsed(15, "a grant's earlier API version")?,
            PatientId::new(patient),
        )),
        _ => None,
    };
    Ok(Grant {
        earlier,
        api: row.parsed(1, "a grant's API version")?,
        patient: open_text(row, 2, "patient", &handle, keys)?.map(PatientId::new),
        external_id: open_text(row, 3, "external_id", &handle, keys)?,
        state,
        reason: row.get(5)?,
        state_since,
        consented_at: required(7, "consented_at")?,
        grant_expires_at: row.instant(8, "grant_expires_at")?,
        scopes: Scopes::from(row.get::<String>(9)?),
        one_time: row.get(10)?,
        access_expires_at: row.instant(11, "access_expires_at")?,
        generation: row.count(12)?,
        refreshed_at: row.instant(13, "refreshed_at")?,
        handle,
    })
}

/// Opens a sealed column of a grant.
pub(crate) fn open_text(
    row: &Fields<'_>,
    at: usize,
    column: &str,
    handle: &GrantHandle,
    keys: &Keys,
) -> Result<Option<String>, VaultError> {
    let Some(sealed) = row.get::<Option<Vec<u8>>>(at)? else {
        return Ok(None);
    };
    let unreadable = || VaultError::damaged(format!("{column} of grant {handle} does not open"));
    let plain = keys
        .seal
        .open(&place(column, handle), &sealed)
        .ok_or_else(unreadable)?;
    std::str::from_utf8(&plain)
        .map(|text| Some(text.to_owned()))
        .map_err(|_| unreadable())
}
