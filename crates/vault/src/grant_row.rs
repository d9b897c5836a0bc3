//! The columns of a grant's row: sealing them in, opening them out.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId, Secret};
use rusqlite::{Connection, Row, params};

use crate::VaultError;
use crate::error::Doing;
use crate::grant::{Grant, GrantState, Scopes, TokenPair};
use crate::seal::keyed_hash;
use crate::store::Keys;
use crate::text::{instant_text, parse_instant};

/// The columns that [`read_grant`] takes, in its order.
pub(crate) const COLUMNS: &str = "handle, api, patient, external_id, state, reason, state_since, consented_at, \
    grant_expires_at, scopes, one_time, access_expires_at, generation, refreshed_at, \
    doubtful_since";

pub(crate) fn drop_intent(connection: &Connection, handle: &GrantHandle) -> Result<(), VaultError> {
    connection
        .execute(
            "DELETE FROM refresh_intents WHERE handle = ?1",
            [handle.as_str()],
        )
        .doing("closing a refresh")?;
    Ok(())
}

/// The place a sealed column of a grant is bound to.
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
    connection
        .execute(
            "INSERT OR IGNORE INTO known_tokens (handle, lookup) VALUES (?1, ?2)",
            params![handle.as_str(), token_lookup(keys, refresh_token)],
        )
        .doing("remembering a token's hash")?;
    Ok(())
}

/// Replaces both tokens; where the pair has no refresh token there is none from then on.
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
    connection
        .execute(
            "UPDATE grants SET access_token = ?2, access_issued_at = ?3, access_expires_at = ?4,
                refresh_token = ?5 WHERE handle = ?1",
            params![
                handle.as_str(),
                seal("access_token", &tokens.access_token)?,
                tokens.access_issued_at.map(instant_text),
                tokens.access_expires_at.map(instant_text),
                seal("refresh_token", &tokens.refresh_token)?,
            ],
        )
        .doing("storing tokens")?;
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
    connection
        .execute(
            "UPDATE grants SET patient = ?2, patient_lookup = ?3 WHERE handle = ?1",
            params![
                handle.as_str(),
                keys.seal
                    .seal(&place("patient", handle), patient.expose().as_bytes())?,
                patient_lookup(keys, api, patient),
            ],
        )
        .doing("storing whose grant it is")?;
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
    connection
        .execute(
            "UPDATE grants SET external_id = ?2 WHERE handle = ?1",
            params![handle.as_str(), sealed],
        )
        .doing("storing an external id")?;
    Ok(())
}

pub(crate) fn read_grant(row: &Row<'_>, keys: &Keys) -> Result<Grant, VaultError> {
    let handle: GrantHandle = text(row, 0)?
        .parse()
        .map_err(|_| VaultError::damaged("a grant has no readable handle"))?;
    let required = |at, column: &str| {
        instant(row, at, column)?
            .ok_or_else(|| VaultError::damaged(format!("a grant has no {column}")))
    };
    let state = GrantState::parse(&text(row, 4)?)
        .ok_or_else(|| VaultError::damaged("a grant has an unknown state"))?;
    let doubtful_since = instant(row, 14, "doubtful_since")?;
    let (state, state_since) = match (state, doubtful_since) {
        (GrantState::Active, Some(since)) => (GrantState::Doubtful, since),
        (state, _) => (state, required(6, "state_since")?),
    };
    Ok(Grant {
        api: text(row, 1)?
            .parse()
            .map_err(|_| VaultError::damaged("a grant has an unknown API version"))?,
        patient: open_text(row, 2, "patient", &handle, keys)?.map(PatientId::new),
        external_id: open_text(row, 3, "external_id", &handle, keys)?,
        state,
        reason: get(row, 5)?,
        state_since,
        consented_at: required(7, "consented_at")?,
        grant_expires_at: instant(row, 8, "grant_expires_at")?,
        scopes: Scopes::from(text(row, 9)?),
        one_time: get(row, 10)?,
        access_expires_at: instant(row, 11, "access_expires_at")?,
        generation: get::<i64>(row, 12)?.unsigned_abs(),
        refreshed_at: instant(row, 13, "refreshed_at")?,
        handle,
    })
}

fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, at: usize) -> Result<T, VaultError> {
    row.get(at).doing("reading a grant")
}

fn text(row: &Row<'_>, at: usize) -> Result<String, VaultError> {
    get(row, at)
}

pub(crate) fn instant(
    row: &Row<'_>,
    at: usize,
    column: &str,
) -> Result<Option<DateTime<Utc>>, VaultError> {
    get::<Option<String>>(row, at)?
        .map(|text| parse_instant(&text, column))
        .transpose()
}

pub(crate) fn open_text(
    row: &Row<'_>,
    at: usize,
    column: &str,
    handle: &GrantHandle,
    keys: &Keys,
) -> Result<Option<String>, VaultError> {
    let Some(sealed) = get::<Option<Vec<u8>>>(row, at)? else {
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
