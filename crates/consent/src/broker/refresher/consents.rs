//! What a refused refresh means for a grant, and for the others: grants in doubt, grants whose
//! refresh returned another patient's tokens, and grants that have ended according to an answer of
//! the FHIR API.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, GrantHandle, PatientId};
use claimlake_vault::{EndedTokens, Grant, GrantState, Stored};

use super::denials::Denial;
use super::outcome::not_now;
use super::{Outcome, Refresher, lock};
use crate::ConsentError;
use crate::exchange::ask_who;
use crate::vault_work::VaultWork as _;

/// What "in doubt" means, and what decides it.
pub(super) const IN_DOUBT: &str = "the server denies its refresh without a reason: the consent has \
    ended, or the app may not use v3 yet (then set source.api to v2, or ask CMS for access); the next \
    run tries again, and it counts as ended once another grant of the app is accepted or it is denied \
    again hours later";
/// Why a grant has ended whose refresh was answered with another patient's tokens.
pub(super) const ANOTHER_PATIENT: &str = "the server answered its refresh with the tokens of another \
    patient: they were not kept, and the earlier ones are used up";
const ENDED_BY_OTHERS: &str =
    "the server denies its refresh, and accepts those of other grants: the consent has ended";

/// The grant is in doubt.
pub(super) fn doubtful() -> ConsentError {
    ConsentError::Doubtful {
        reason: IN_DOUBT.to_owned(),
    }
}

/// Whether an answer names another patient than the grant. False if one of them is unknown.
pub(super) fn names_another(grant: &Grant, named: Option<&PatientId>) -> bool {
    match (&grant.patient, named) {
        (Some(known), Some(named)) => known != named,
        _ => false,
    }
}

impl Refresher {
    /// v3 refused the refresh without a reason. The state is written first and the other grants are
    /// looked at again afterwards: an answer about one of them may have come while the disk was
    /// busy.
    pub(super) async fn denied(self: &Arc<Self>, grant: &Grant, reason: &'static str) -> Outcome {
        let denial = lock(&self.denials).denied(grant, self.now());
        match denial {
            Denial::Ended => {
                let ended = self.end(&grant.handle, reason).await;
                // Others may have been denied while the end was written.
                let at_fault = lock(&self.denials).at_fault(&grant.handle);
                let Some((reason, since)) = at_fault else {
                    return ended;
                };
                self.doubt(&grant.handle, since).await?;
                Err(ConsentError::Configuration { reason })
            }
            Denial::Doubtful => {
                self.set_state(&grant.handle, GrantState::Doubtful, Some(IN_DOUBT))
                    .await?;
                // Another grant may have been accepted while the doubt was written.
                if lock(&self.denials).has_accepted() {
                    return self.end(&grant.handle, ENDED_BY_OTHERS).await;
                }
                match lock(&self.denials).halted() {
                    Some(reason) => Err(ConsentError::Configuration { reason }),
                    None => Err(doubtful()),
                }
            }
            Denial::Stop(innocent) => {
                for denied in &innocent {
                    self.doubt(&denied.handle, denied.since).await?;
                }
                // A refresh under way may have been accepted meanwhile: then they have ended.
                if lock(&self.denials).has_accepted() {
                    for denied in &innocent {
                        let handle = &denied.handle;
                        self.end_grant(handle, None, ENDED_BY_OTHERS, EndedTokens::Kept)
                            .await?;
                    }
                    return self.end(&grant.handle, ENDED_BY_OTHERS).await;
                }
                let reason = lock(&self.denials).halted().unwrap_or_default();
                Err(ConsentError::Configuration { reason })
            }
        }
    }

    /// The server has accepted a token or code of the app, so earlier denials meant that those
    /// consents have ended. v2 says nothing about v3, and only v3 denies without a reason.
    pub(in crate::broker) async fn app_accepted(self: &Arc<Self>, api: ApiVersion) {
        if api == ApiVersion::V2 {
            return;
        }
        let ended = lock(&self.denials).accepted();
        for handle in ended {
            let noted = self
                .end_grant(&handle, None, ENDED_BY_OTHERS, EndedTokens::Kept)
                .await;
            if let Err(error) = noted {
                tracing::warn!(grant.handle = %handle, error = %error, "the end of a consent could not be noted");
            }
        }
    }

    /// Ends a grant whose refresh returned another patient's tokens: the old pair is used up, the
    /// new one is not this patient's. It is not revoked, since that would end the other patient's
    /// consent.
    pub(super) async fn refuse_another_patient(self: &Arc<Self>, handle: &GrantHandle) -> Outcome {
        tracing::error!(grant.handle = %handle, "a refresh was answered with the tokens of another patient");
        self.end_grant(handle, None, ANOTHER_PATIENT, EndedTokens::Dropped)
            .await?;
        Err(ConsentError::NeedsConsent {
            reason: ANOTHER_PATIENT.into(),
        })
    }

    /// A resource's answer to the tokens of `generation` has shown that the consent is over.
    ///
    /// # Errors
    /// Where the vault cannot be written.
    pub(crate) async fn consent_ended(
        self: &Arc<Self>,
        handle: &GrantHandle,
        generation: u64,
        reason: &str,
    ) -> Result<(), ConsentError> {
        self.end_grant(handle, Some(generation), reason, EndedTokens::Kept)
            .await
    }

    /// Marks a grant as in doubt since the given time.
    async fn doubt(&self, handle: &GrantHandle, since: DateTime<Utc>) -> Result<(), ConsentError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.doubt_grant(&handle, since, IN_DOUBT))
            .await
            .map_err(|error| not_now(&error))
    }

    /// Records that every request with the tokens of `generation` was refused without a statement
    /// about the consent; with `None`, that requests succeed again.
    ///
    /// # Errors
    ///
    /// The vault cannot be written.
    pub(crate) async fn note_refused(
        &self,
        handle: &GrantHandle,
        generation: Option<u64>,
    ) -> Result<(), ConsentError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.note_refused(&handle, generation))
            .await
            .map_err(|error| not_now(&error))
    }

    /// Ends a grant; with `generation`, only if it still has these tokens.
    async fn end_grant(
        &self,
        handle: &GrantHandle,
        generation: Option<u64>,
        reason: &str,
        tokens: EndedTokens,
    ) -> Result<(), ConsentError> {
        let (handle, reason) = (handle.clone(), reason.to_owned());
        self.with_vault(move |vault| vault.end_grant(&handle, generation, &reason, tokens))
            .await
            .map(drop)
            .map_err(|error| not_now(&error))
    }

    /// Finds out whose a grant is that was stored before the server had said so; none where it
    /// still does not say.
    ///
    /// # Errors
    /// Where there is no token, or the vault cannot be written.
    pub(in crate::broker) async fn name(
        self: &Arc<Self>,
        handle: &GrantHandle,
    ) -> Result<Option<Stored>, ConsentError> {
        let token = self.token(handle, None).await?;
        // A refresh may have named the patient.
        let asked = handle.clone();
        let grant = self.with_vault(move |vault| vault.grant(&asked)).await?;
        let patient = match grant.patient {
            Some(patient) => Some(patient),
            None => ask_who(&self.endpoint, grant.api, &token.secret).await,
        };
        let Some(patient) = patient else {
            return Ok(None);
        };
        let handle = handle.clone();
        let named = self
            .with_vault(move |vault| vault.name_patient(&handle, &patient))
            .await?;
        Ok(Some(named))
    }
}

#[cfg(test)]
mod tests;
