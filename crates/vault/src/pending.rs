//! Authorizations that have been started: found by their `state`, and taken out once, by any
//! process.

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, Secret, hex};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seal::{Keys, keyed_hash};
use crate::sql::Sql;
use crate::text::{instant_text, parse_instant};
use crate::{Vault, VaultError};

/// After this time an authorization is discarded: the limits of the server are shorter.
pub(crate) const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(2);

/// What is needed to finish an authorization.
#[derive(Debug, Clone)]
pub struct PendingAuthorization {
    /// The version whose endpoints it uses.
    pub api: ApiVersion,
    /// The `redirect_uri` of the request: the exchange must name the same.
    pub redirect_uri: String,
    /// The PKCE verifier.
    pub code_verifier: Secret,
    /// The app's own name of the person.
    pub external_id: Option<String>,
    /// Whether it may bring back a patient who was forgotten here.
    pub again: bool,
    /// When it began.
    pub created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    api: ApiVersion,
    redirect_uri: String,
    code_verifier: String,
    external_id: Option<String>,
    #[serde(default)]
    again: bool,
}

impl Drop for Sealed {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.code_verifier);
    }
}

impl Vault {
    /// Keeps what finishes the authorization that `state` names.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub fn begin_authorization(
        &self,
        state: &Secret,
        pending: &PendingAuthorization,
    ) -> Result<(), VaultError> {
        let operation = "storing an authorization that begins";
        let lookup = keyed_hash(&self.keys().lookup, &[b"state", state.expose().as_bytes()]);
        let plain = Zeroizing::new(
            serde_json::to_vec(&Sealed {
                api: pending.api,
                redirect_uri: pending.redirect_uri.clone(),
                code_verifier: pending.code_verifier.expose().to_owned(),
                external_id: pending.external_id.clone(),
                again: pending.again,
            })
            .map_err(|error| VaultError::Invalid(format!("{operation}: {error}")))?,
        );
        let sealed = self.keys().seal.seal(&place(&lookup), &plain)?;
        let forgotten = instant_text(self.now() - FORGOTTEN_AFTER);
        self.write(operation, |connection| {
            connection.run(
                operation,
                "DELETE FROM pending_authorizations WHERE created_at < ?1",
                [forgotten],
            )?;
            connection.run(
                operation,
                "INSERT INTO pending_authorizations (state_lookup, sealed, created_at)
                     VALUES (?1, ?2, ?3)",
                params![lookup, sealed, instant_text(pending.created_at)],
            )?;
            Ok(())
        })
    }

    /// Takes out the authorization that `state` names: a second call finds nothing.
    ///
    /// # Errors
    /// Where the vault cannot be read or is damaged.
    pub fn take_authorization(
        &self,
        state: &Secret,
    ) -> Result<Option<PendingAuthorization>, VaultError> {
        let operation = "finding the authorization of a callback";
        let lookup = keyed_hash(&self.keys().lookup, &[b"state", state.expose().as_bytes()]);
        let taken: Option<(Vec<u8>, String)> = self.write(operation, |connection| {
            connection.first(
                operation,
                "DELETE FROM pending_authorizations WHERE state_lookup = ?1
                 RETURNING sealed, created_at",
                [lookup],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })?;
        let Some((sealed, created_at)) = taken else {
            return Ok(None);
        };
        let unreadable = || VaultError::damaged("an authorization in progress does not open");
        let plain = self
            .keys()
            .seal
            .open(&place(&lookup), &sealed)
            .ok_or_else(unreadable)?;
        let mut opened: Sealed = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
        Ok(Some(PendingAuthorization {
            api: opened.api,
            redirect_uri: std::mem::take(&mut opened.redirect_uri),
            code_verifier: Secret::new(opened.code_verifier.clone()),
            external_id: opened.external_id.take(),
            again: opened.again,
            created_at: parse_instant(&created_at, "created_at")?,
        }))
    }
}

/// The app's own name of the person whose authorization this is; `None` if it does not open.
pub(crate) fn external_id(keys: &Keys, lookup: &[u8], sealed: &[u8]) -> Option<String> {
    let plain = keys.seal.open(&place(lookup), sealed)?;
    let mut opened: Sealed = serde_json::from_slice(&plain).ok()?;
    opened.external_id.take()
}

pub(crate) fn place(state_lookup: &[u8]) -> String {
    format!("pending_authorizations.sealed:{}", hex(state_lookup))
}
