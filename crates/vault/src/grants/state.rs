//! Changes of a stored consent: its states, its end, and the patient it belongs to. Only the holder
//! of the token lock may call functions that change one.

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, PatientId};
use rusqlite::params;

use super::grant::{GrantChange, GrantState, NewGrant, Stored};
use super::moved::write_earlier;
use super::row::{drop_intent, write_patient};
use super::store::{find_by_patient, grant_of, renew, tokens_of};
use crate::error::During;
use crate::forget::{refuse_forgotten, take_back};
use crate::sql::Sql;
use crate::text::instant_text;
use crate::{Vault, VaultError};

/// The reason of a grant that is in doubt because all of its requests were refused by something
/// that did not mention the consent.
pub const REFUSED_IN_DOUBT: &str = "every resource type is refused (403), and not in the server's words for a \
    consent that is over: the person has stopped sharing, or something in front of the server refuses \
    everybody; the next run tries again, and it counts as ended when it is refused again hours later";

/// What happens to the tokens of a grant that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedTokens {
    /// They stay: the server may still accept them for a revocation.
    Kept,
    /// They are removed: they are invalid, or another patient's.
    Dropped,
}

impl Vault {
    /// Puts a grant into another state, and drops what was under way for it. One that has ended
    /// does not become doubtful, and one that is doubtful keeps the instant of its first doubt.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where there is none of that name.
    pub fn set_grant_state(
        &self,
        handle: &GrantHandle,
        state: GrantState,
        reason: Option<&str>,
    ) -> Result<(), VaultError> {
        let now = self.now_text();
        let operation = "changing a grant's state";
        self.write(operation, |connection| {
            grant_of(connection, self.keys(), handle)?;
            match state {
                GrantState::Doubtful => connection.execute(
                    "UPDATE grants SET reason = ?2, doubtful_since = CASE WHEN reason IS ?4
                        THEN ?3 ELSE coalesce(doubtful_since, ?3) END
                     WHERE handle = ?1 AND state = 'active'",
                    params![handle.as_str(), reason, now, REFUSED_IN_DOUBT],
                ),
                _ => connection.execute(
                    "UPDATE grants SET state = ?2, reason = ?3, state_since = ?4,
                        doubtful_since = NULL WHERE handle = ?1",
                    params![handle.as_str(), state.as_str(), reason, now],
                ),
            }
            .during(operation)?;
            if state == GrantState::Revoked {
                connection.run(
                    operation,
                    "UPDATE grants SET access_token = NULL, refresh_token = NULL,
                            access_expires_at = NULL WHERE handle = ?1",
                    [handle.as_str()],
                )?;
            }
            drop_intent(connection, handle)
        })
    }

    /// Puts a grant in doubt since an instant that is known, also one that was ended for it: what
    /// seemed to be its end was said to every grant.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where there is none of that name.
    pub fn doubt_grant(
        &self,
        handle: &GrantHandle,
        since: DateTime<Utc>,
        reason: &str,
    ) -> Result<(), VaultError> {
        let operation = "putting a grant in doubt";
        self.write(operation, |connection| {
            grant_of(connection, self.keys(), handle)?;
            connection.run(
                operation,
                "UPDATE grants SET state = 'active', reason = ?2, doubtful_since = ?3
                     WHERE handle = ?1 AND state IN ('active', 'needs_consent')",
                params![handle.as_str(), reason, instant_text(since)],
            )?;
            drop_intent(connection, handle)
        })
    }

    /// Puts a grant in doubt whose tokens of `generation` were refused everything, keeping the
    /// instant of the first such refusal; without a generation, takes that doubt back.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where there is none of that name.
    pub fn note_refused(
        &self,
        handle: &GrantHandle,
        generation: Option<u64>,
    ) -> Result<(), VaultError> {
        let now = self.now_text();
        let operation = "noting what a grant was refused";
        self.write(operation, |connection| {
            let grant = grant_of(connection, self.keys(), handle)?;
            let changed = match generation {
                Some(generation) if generation != grant.generation => return Ok(()),
                Some(_) => connection.execute(
                    "UPDATE grants SET reason = ?2, doubtful_since = CASE WHEN reason IS ?2
                        THEN coalesce(doubtful_since, ?3) ELSE ?3 END
                     WHERE handle = ?1 AND state = 'active'",
                    params![handle.as_str(), REFUSED_IN_DOUBT, now],
                ),
                None => connection.execute(
                    "UPDATE grants SET reason = NULL, doubtful_since = NULL
                     WHERE handle = ?1 AND state = 'active' AND reason IS ?2",
                    params![handle.as_str(), REFUSED_IN_DOUBT],
                ),
            };
            changed.map(drop).during(operation)
        })
    }

    /// Ends a grant that can be used, as `needs_consent`: what an answer of the server has shown.
    /// Where `generation` is given, only if the tokens are still those that the answer was about.
    /// Returns whether it was ended.
    ///
    /// # Errors
    /// [`VaultError::UnknownGrant`] where there is none of that name.
    pub fn end_grant(
        &self,
        handle: &GrantHandle,
        generation: Option<u64>,
        reason: &str,
        tokens: EndedTokens,
    ) -> Result<bool, VaultError> {
        let now = self.now_text();
        let operation = "ending a grant";
        self.write(operation, |connection| {
            let grant = grant_of(connection, self.keys(), handle)?;
            let is_about_it = generation.is_none_or(|generation| generation == grant.generation);
            if !grant.state.is_usable() || !is_about_it {
                return Ok(false);
            }
            connection.run(
                operation,
                "UPDATE grants SET state = 'needs_consent', reason = ?2, state_since = ?3,
                        doubtful_since = NULL WHERE handle = ?1",
                params![handle.as_str(), reason, now],
            )?;
            if tokens == EndedTokens::Dropped {
                connection.run(
                    operation,
                    "UPDATE grants SET access_token = NULL, refresh_token = NULL,
                            access_issued_at = NULL, access_expires_at = NULL WHERE handle = ?1",
                    [handle.as_str()],
                )?;
            }
            drop_intent(connection, handle)?;
            Ok(true)
        })
    }

    /// Records which patient a grant belongs to, if the server says so only after it was stored. If
    /// the patient has a grant already, the two are merged: the returned handle is the one that
    /// remains.
    ///
    /// # Errors
    /// [`VaultError::Forgotten`] if the patient was forgotten here and the consent does not permit
    /// a return: the grant is removed. [`VaultError::Invalid`] if it has a patient already.
    pub fn name_patient(
        &self,
        handle: &GrantHandle,
        patient: &PatientId,
    ) -> Result<Stored, VaultError> {
        let operation = "storing whose grant it is";
        let keys = self.keys();
        let now = self.now();
        let named = self.write(operation, |connection| {
            let grant = grant_of(connection, keys, handle)?;
            let stored = |handle: &GrantHandle, change| {
                Ok(Some(Stored {
                    handle: handle.clone(),
                    change,
                }))
            };
            match &grant.patient {
                Some(known) if known == patient => return stored(handle, GrantChange::Unchanged),
                Some(_) => {
                    let text = format!("grant {handle} is another patient's");
                    return Err(VaultError::Invalid(text));
                }
                None => {}
            }
            let takes_back: bool = connection
                .query_row(
                    "SELECT takes_back FROM grants WHERE handle = ?1",
                    [handle.as_str()],
                    |row| row.get(0),
                )
                .during(operation)?;
            if takes_back {
                take_back(connection, keys, grant.api, patient)?;
            }
            let remove = || {
                connection.run(
                    operation,
                    "DELETE FROM grants WHERE handle = ?1",
                    [handle.as_str()],
                )
            };
            match refuse_forgotten(connection, keys, grant.api, Some(patient)) {
                Err(VaultError::Forgotten) => return remove().map(|_| None),
                other => other?,
            }
            let Some(known) = find_by_patient(connection, keys, grant.api, patient)? else {
                write_patient(connection, keys, handle, grant.api, patient)?;
                return stored(handle, GrantChange::Inserted);
            };
            let consent = NewGrant {
                api: grant.api,
                patient: Some(patient.clone()),
                external_id: grant.external_id,
                scopes: grant.scopes,
                grant_expires_at: grant.grant_expires_at,
                one_time: grant.one_time,
                tokens: tokens_of(connection, keys, handle)?,
            };
            let renewed = renew(connection, keys, &consent, &known, now)?;
            if renewed.change == GrantChange::Renewed {
                connection.run(
                    operation,
                    "UPDATE grants SET consented_at = ?2 WHERE handle = ?1",
                    params![known.handle.as_str(), instant_text(grant.consented_at)],
                )?;
            }
            connection.run(
                operation,
                "UPDATE OR IGNORE known_tokens SET handle = ?2 WHERE handle = ?1",
                params![handle.as_str(), known.handle.as_str()],
            )?;
            if let (Some((api, patient)), None) = (&grant.earlier, &known.earlier) {
                write_earlier(connection, keys, &known.handle, *api, patient)?;
            }
            remove()?;
            Ok(Some(renewed))
        })?;
        named.ok_or(VaultError::Forgotten)
    }
}

#[cfg(test)]
mod tests;
