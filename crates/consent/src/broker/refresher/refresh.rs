//! One refresh (RFC 6749, section 6): the intent is recorded before the POST, the outcome before
//! the token is used.
//!
//! If an answer is lost, nobody knows whether the server has replaced the token. The intent, which
//! is still in the vault, says so to whoever comes next. A second POST finds out: if the server had
//! not replaced the token, it succeeds; otherwise the token is refused and the grant has ended.
//! More posts would not find out anything new, so they are limited.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, GrantHandle};
use claimlake_vault::{
    Grant, GrantState, OpenRefresh, RefreshIntent, RefreshStep, RefreshWritten, Refreshed,
    VaultError,
};

use super::outcome::{Read, ended, not_now, read};
use super::{Outcome, Refresher, consents, lock};
use crate::ConsentError;
use crate::answer::TokenAnswer;
use crate::classify::Meaning;
use crate::token::AccessToken;
use crate::vault_work::VaultWork as _;

/// How often one refresh token is posted without a readable answer before a pause: the second POST
/// finds out whether the first one used it up.
const POSTS_AT_ONCE: u32 = 2;
/// A refresh at another API version was denied.
const NOT_MOVED: &str = "the server denies the refresh there (403) without a reason: the app may not be \
    admitted to that version yet, or the consent has ended; whether the token was used up is not \
    known until the grant is refreshed again where it is now";
/// The pause after that many posts.
const AFTER_TWO: TimeDelta = TimeDelta::minutes(2);
/// The pause after each further POST.
const AFTER_MORE: TimeDelta = TimeDelta::hours(1);

/// When a refresh token may be posted again whose posts had no readable answer.
pub(super) fn may_be_posted_from(open: &OpenRefresh) -> DateTime<Utc> {
    open.started_at
        + match open.attempts {
            ..POSTS_AT_ONCE => TimeDelta::zero(),
            POSTS_AT_ONCE => AFTER_TWO,
            _ => AFTER_MORE,
        }
}

/// Why the token must not be posted now; `None` if it may.
pub(super) fn left_alone(open: Option<&OpenRefresh>, now: DateTime<Utc>) -> Option<ConsentError> {
    let open = open?;
    let from = may_be_posted_from(open);
    // A start that lies ahead was written by a clock that was wrong.
    if now >= from || open.started_at > now + TimeDelta::minutes(1) {
        return None;
    }
    Some(ConsentError::Parked {
        reason: format!(
            "its refresh token was posted {} times without a readable answer, last at {}; it is \
             not posted again before {} UTC: run again then",
            open.attempts,
            open.started_at.format("%H:%M:%S"),
            from.format("%Y-%m-%d %H:%M:%S"),
        ),
    })
}

impl Refresher {
    /// Refreshes a grant: waits for the gate, records the intent, posts, and acts on the answer. It
    /// repeats the POST only within the limits of [`POSTS_AT_ONCE`] and of the gate.
    ///
    /// An answer decides what happens to the intent: it becomes the new token pair (success), is
    /// withdrawn (the token was not used up), or stays (nobody knows).
    ///
    /// The steps of one POST:
    ///
    /// - wait for a pass of the gate; if nobody waits for the token any more, stop here;
    /// - write the intent, durably: from now on the token counts as possibly used up;
    /// - post;
    /// - write the outcome, durably;
    /// - return the token.
    ///
    /// A process that is killed after the second step leaves the intent. Whoever needs the grant
    /// next posts the same token once more: the answer shows whether the server had replaced it.
    ///
    /// With `moves_to`, the token is posted at that API version, and the grant moves there. A denial
    /// says nothing about the consent then: the intent stays, and the next refresh where the grant
    /// is shows whether its token was used up.
    pub(super) async fn refresh(
        self: &Arc<Self>,
        grant: &Grant,
        moves_to: Option<ApiVersion>,
        waiters: &AtomicUsize,
    ) -> Outcome {
        let handle = &grant.handle;
        let mut asked_to_wait = 0;
        loop {
            let mut pass = self.gate.pass().await?;
            // All callers may have gone while it was queued: a token that nobody waits for is not
            // refreshed.
            if waiters.load(Ordering::SeqCst) == 0 || self.stopping.load(Ordering::SeqCst) {
                return Err(ConsentError::Stopped);
            }
            if let Some(reason) = lock(&self.denials).halted() {
                return Err(ConsentError::Configuration { reason });
            }
            let intent = match self.journal(handle, RefreshStep::Begin).await {
                Ok(RefreshWritten::Begun(intent)) => intent,
                Ok(_) => return Err(ConsentError::Stopped),
                Err(error) => return Err(not_now(&error)),
            };
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", intent.refresh_token.expose()),
            ];
            let url = self
                .endpoint
                .app()
                .token_url(moves_to.unwrap_or(intent.api));
            let request = self.endpoint.request_name("POST", &url);
            let posted = {
                let _under_way = self.posting.begin();
                self.endpoint.post(url, &form).await
            };
            let in_doubt = intent.earlier_attempts > 0;
            let found = read(posted, &request, self.now());
            if self.opens_the_gate(&found) {
                self.gate.answered(&mut pass);
            }
            match found {
                Read::Tokens(tokens) => return self.keep(grant, moves_to, *tokens, &intent).await,
                Read::NotSent(unreachable) => {
                    self.not_used(handle).await?;
                    let reason = format!("refreshing: {request}: {}", unreachable.words());
                    if unreachable.is_lasting() {
                        let error = ConsentError::Unavailable { reason };
                        self.gate.close(&error, None);
                        return Err(error);
                    }
                    // Nothing was sent: it is tried for as long as the gate lets pass.
                    self.gate.failed(&pass, &reason, None);
                }
                Read::Later { reason, wait } => {
                    self.not_used(handle).await?;
                    asked_to_wait += 1;
                    let pause = wait.unwrap_or(self.policy.pause_when_throttled);
                    if pause > self.policy.longest_wait || asked_to_wait > self.policy.throttled {
                        let error = ConsentError::Parked { reason };
                        self.gate.close(&error, wait);
                        return Err(error);
                    }
                    self.gate.hold(pause);
                }
                // The intent stays: whoever comes next knows that the token may be used up.
                Read::InDoubt { reason, wait } => {
                    if wait.is_some_and(|wait| wait > self.policy.longest_wait) {
                        let error = ConsentError::Parked { reason };
                        self.gate.close(&error, wait);
                        return Err(error);
                    }
                    self.gate.failed(&pass, &reason, wait);
                    if intent.earlier_attempts + 1 >= POSTS_AT_ONCE {
                        let error = ConsentError::NoToken { reason };
                        lock(&self.unreadable).insert(handle.clone(), error.clone());
                        return Err(error);
                    }
                }
                Read::NoEndpoint { reason } => {
                    self.not_used(handle).await?;
                    self.gate.failed(&pass, &reason, None);
                    return Err(ConsentError::NoToken { reason });
                }
                Read::Says {
                    meaning: Meaning::Denied,
                    ..
                } if moves_to.is_some() => {
                    return Err(ConsentError::Doubtful {
                        reason: NOT_MOVED.into(),
                    });
                }
                Read::Says {
                    meaning: Meaning::Denied,
                    reason,
                    ..
                } => {
                    return self.denied(grant, ended(in_doubt, reason)).await;
                }
                Read::Says {
                    meaning: Meaning::NeedsConsent,
                    reason,
                    ..
                } => {
                    return self.end(handle, ended(in_doubt, reason)).await;
                }
                Read::Says { meaning, words, .. } => {
                    let is_last = meaning == Meaning::StopTheRun;
                    if is_last {
                        lock(&self.denials).halt(&words);
                    }
                    self.not_used(handle).await?;
                    if is_last {
                        return Err(ConsentError::Configuration { reason: words });
                    }
                    // The reason may concern this grant only: the others continue.
                    return Err(ConsentError::NoToken { reason: words });
                }
            }
        }
    }

    /// Whether an answer shows that further tokens can be posted in parallel. An answer that ends
    /// the run, or that may be the first of several such answers, does not: waiting refreshes
    /// continue one at a time.
    fn opens_the_gate(&self, found: &Read) -> bool {
        match found {
            Read::Tokens(_) => true,
            Read::Says { meaning, .. } => match meaning {
                Meaning::StopTheRun => false,
                Meaning::Denied => lock(&self.denials).has_accepted(),
                _ => true,
            },
            _ => false,
        }
    }

    /// Stores the new pair durably, and only then returns it. A full disk is retried for minutes:
    /// if the pair were lost, the consent would be lost.
    pub(super) async fn keep(
        self: &Arc<Self>,
        grant: &Grant,
        moves_to: Option<ApiVersion>,
        answer: TokenAnswer,
        intent: &RefreshIntent,
    ) -> Outcome {
        let handle = &grant.handle;
        self.app_accepted(moves_to.unwrap_or(grant.api)).await;
        // Another version has another id for the same patient.
        if moves_to.is_none() && consents::names_another(grant, answer.patient.as_ref()) {
            return self.refuse_another_patient(handle).await;
        }
        let mut tokens = answer.tokens;
        // A server that does not rotate sends none: the old one stays good.
        tokens
            .refresh_token
            .get_or_insert_with(|| intent.refresh_token.clone());
        let refreshed = Refreshed {
            tokens,
            scopes: answer.scopes.filter(|scopes| !scopes.is_empty()),
            patient: answer.patient,
            grant_expires_at: answer.grant_expires_at,
        };
        let mut tries = 0;
        let generation = loop {
            let refreshed = Box::new(refreshed.clone());
            let step = match moves_to {
                Some(api) => RefreshStep::Move(api, refreshed),
                None => RefreshStep::Finish(refreshed),
            };
            match self.journal(handle, step).await {
                Ok(RefreshWritten::Finished(generation)) => break generation,
                Ok(_) => return Err(ConsentError::Stopped),
                Err(VaultError::UnknownGrant { .. }) => {
                    return Err(ConsentError::NeedsConsent {
                        reason: "the grant was removed".into(),
                    });
                }
                Err(error) if tries >= self.policy.disk_tries => return Err(not_now(&error)),
                Err(_) => {
                    tries += 1;
                    tokio::time::sleep(self.policy.disk_pause).await;
                }
            }
        };
        let secret = refreshed.tokens.access_token.ok_or(ConsentError::Stopped)?;
        Ok(AccessToken {
            secret,
            expires_at: refreshed.tokens.access_expires_at.unwrap_or_default(),
            generation,
        })
    }

    /// Ends a grant as `needs_consent`, and returns that as the error.
    pub(super) async fn end(
        self: &Arc<Self>,
        handle: &GrantHandle,
        reason: &'static str,
    ) -> Outcome {
        self.set_state(handle, GrantState::NeedsConsent, Some(reason))
            .await?;
        Err(ConsentError::NeedsConsent {
            reason: reason.into(),
        })
    }

    /// Withdraws the intent: the token is as valid as before.
    pub(super) async fn not_used(&self, handle: &GrantHandle) -> Result<(), ConsentError> {
        let written = self.journal(handle, RefreshStep::NotUsed).await;
        written.map(drop).map_err(|error| not_now(&error))
    }

    /// Stores the state of a grant.
    pub(super) async fn set_state(
        &self,
        handle: &GrantHandle,
        state: GrantState,
        reason: Option<&'static str>,
    ) -> Result<(), ConsentError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.set_grant_state(&handle, state, reason))
            .await
            .map_err(|error| not_now(&error))
    }

    /// Writes an entry of the journal; counts as an operation on the vault.
    pub(super) async fn journal(
        &self,
        handle: &GrantHandle,
        step: RefreshStep,
    ) -> Result<RefreshWritten, VaultError> {
        let _under_way = self.on_disk.begin();
        let journal = &self.journal;
        journal.write(&self.vault, handle.clone(), step).await
    }
}

#[cfg(test)]
mod tests;
