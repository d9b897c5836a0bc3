//! Lends access tokens and refreshes them: one refresh per grant at a time, a bounded number at
//! once, the intent before the POST, the outcome before use, never cancelled.

mod consents;
mod journal;
mod outcome;
mod policy;
mod verdicts;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use claimlake_contract::{Clock, GrantHandle};
use claimlake_vault::{
    Grant, GrantState, RefreshIntent, RefreshStep, RefreshWritten, Refreshed, Vault, VaultError,
};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use self::journal::Journal;
use self::outcome::{Read, ended, lendable, not_now, read};
pub(crate) use self::policy::RefreshPolicy;
use self::verdicts::Verdicts;
use crate::oauth::answer::TokenAnswer;
use crate::oauth::classify::Meaning;
use crate::oauth::endpoint::Endpoint;
use crate::token::{AccessToken, TokenError};

type Outcome = Result<AccessToken, TokenError>;

/// A flight under way and how many wait for it.
#[derive(Debug, Clone)]
struct Flight {
    landing: Shared<BoxFuture<'static, Outcome>>,
    waiting: Arc<AtomicUsize>,
}

/// One who waits for a flight; counted until dropped.
struct Passenger(Arc<AtomicUsize>);

impl Drop for Passenger {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Lends tokens of one vault. Lives in the process that holds the token lock.
#[derive(Debug)]
pub(crate) struct Refresher {
    vault: Arc<Vault>,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    policy: RefreshPolicy,
    journal: Arc<Journal>,
    permits: Semaphore,
    flights: Mutex<HashMap<GrantHandle, Flight>>,
    stopping: AtomicBool,
    verdicts: Mutex<Verdicts>,
}

impl Refresher {
    pub(crate) fn new(
        vault: Arc<Vault>,
        endpoint: Endpoint,
        clock: Arc<dyn Clock>,
        policy: RefreshPolicy,
    ) -> Arc<Self> {
        Arc::new(Self {
            vault,
            endpoint,
            clock,
            permits: Semaphore::new(policy.at_once),
            policy,
            journal: Arc::default(),
            flights: Mutex::default(),
            stopping: AtomicBool::new(false),
            verdicts: Mutex::default(),
        })
    }

    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Refreshes under way.
    pub(crate) fn under_way(&self) -> usize {
        lock(&self.flights).len()
    }

    /// From now on no refresh is begun; those under way are finished.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// A token for a grant; one newer than the `rejected` generation where that is given.
    pub(crate) async fn token(
        self: &Arc<Self>,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> Outcome {
        loop {
            let (flight, passenger, is_new) = self.board(grant, rejected);
            let outcome = flight.await;
            drop(passenger);
            let of_no_use = match (&outcome, rejected) {
                // Somebody else's flight, begun before the token was refused, may bring that one.
                (Ok(token), Some(rejected)) => token.generation <= rejected,
                // It was given up by those who had begun it.
                (Err(TokenError::Stopped), _) => !self.stopping.load(Ordering::SeqCst),
                _ => false,
            };
            if is_new || !of_no_use {
                return outcome;
            }
        }
    }

    /// The flight under way for a grant, or a new one.
    fn board(
        self: &Arc<Self>,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> (Shared<BoxFuture<'static, Outcome>>, Passenger, bool) {
        let mut flights = lock(&self.flights);
        let is_new = !flights.contains_key(grant);
        let flight = flights
            .entry(grant.clone())
            .or_insert_with(|| self.take_off(grant.clone(), rejected));
        flight.waiting.fetch_add(1, Ordering::SeqCst);
        let passenger = Passenger(Arc::clone(&flight.waiting));
        (flight.landing.clone(), passenger, is_new)
    }

    /// Begins a flight. It is never cancelled: once a token is posted, the answer is kept.
    fn take_off(self: &Arc<Self>, handle: GrantHandle, rejected: Option<u64>) -> Flight {
        let this = Arc::clone(self);
        let waiting = Arc::new(AtomicUsize::new(0));
        let passengers = Arc::clone(&waiting);
        let task = tokio::spawn(async move {
            let outcome = this.fly(&handle, rejected, &passengers).await;
            lock(&this.flights).remove(&handle);
            outcome
        });
        let landing = task
            .map(|joined| joined.unwrap_or(Err(TokenError::Stopped)))
            .boxed()
            .shared();
        Flight { landing, waiting }
    }

    async fn fly(
        self: &Arc<Self>,
        handle: &GrantHandle,
        rejected: Option<u64>,
        passengers: &AtomicUsize,
    ) -> Outcome {
        let read = {
            let handle = handle.clone();
            self.with_vault(move |vault| {
                let in_doubt = vault.has_open_refresh(&handle)?;
                Ok((vault.grant(&handle)?, vault.tokens(&handle)?, in_doubt))
            })
            .await
        };
        let (grant, tokens, in_doubt) = read.map_err(|error| not_now(&error))?;
        if !grant.state.is_usable() {
            let reason = grant.reason.unwrap_or_else(|| grant.state.to_string());
            return Err(TokenError::NeedsConsent { reason });
        }
        let refused = rejected.is_some_and(|generation| generation >= grant.generation);
        if !refused
            && !in_doubt
            && let Some(token) = lendable(&grant, &tokens, self.now())
        {
            return Ok(token);
        }
        if grant.one_time || tokens.refresh_token.is_none() {
            return self
                .end(
                    handle,
                    "it could be read once only, and its access token is over",
                )
                .await;
        }
        // What stops the run is the answer to whoever asks, also for a grant that was denied before.
        if let Some(reason) = lock(&self.verdicts).halted() {
            return Err(TokenError::Configuration { reason });
        }
        if lock(&self.verdicts).is_doubted(handle, self.now()) {
            return Err(consents::doubtful());
        }
        let permit = self.permits.acquire().await;
        // While it queued, everyone may have gone: what nobody waits for is not refreshed.
        if passengers.load(Ordering::SeqCst) == 0 || self.stopping.load(Ordering::SeqCst) {
            return Err(TokenError::Stopped);
        }
        let outcome = self.refresh(&grant).await;
        drop(permit);
        outcome
    }

    async fn refresh(self: &Arc<Self>, grant: &Grant) -> Outcome {
        let handle = &grant.handle;
        let mut pauses = self.policy.pauses.iter();
        let mut doubts = 0;
        loop {
            if let Some(reason) = lock(&self.verdicts).halted() {
                return Err(TokenError::Configuration { reason });
            }
            let intent = match self.journal(handle, RefreshStep::Begin).await {
                Ok(RefreshWritten::Begun(intent)) => intent,
                Ok(_) => return Err(TokenError::Stopped),
                Err(error) => return Err(not_now(&error)),
            };
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", intent.refresh_token.expose()),
            ];
            let posted = self
                .endpoint
                .post(self.endpoint.app().token_url(intent.api), &form)
                .await;
            let in_doubt = intent.earlier_attempts > 0;
            match read(posted, self.now()) {
                Read::Tokens(tokens) => return self.keep(grant, *tokens, &intent).await,
                Read::NotUsed { reason, wait } => {
                    self.not_used(handle).await?;
                    let Some(pause) = pauses.next() else {
                        return Err(TokenError::Transient { reason });
                    };
                    let pause = wait.unwrap_or(*pause);
                    if pause > self.policy.longest_wait {
                        return Err(TokenError::Transient { reason });
                    }
                    tokio::time::sleep(pause).await;
                }
                Read::InDoubt { reason } => {
                    doubts += 1;
                    // The intent stays: whoever comes next knows that the token may be used up.
                    if doubts > 1 {
                        return Err(TokenError::Transient { reason });
                    }
                    tokio::time::sleep(self.policy.pause_after_doubt).await;
                }
                Read::Says(Meaning::Denied, reason) => {
                    return self.denied(grant, ended(in_doubt, reason)).await;
                }
                Read::Says(Meaning::NeedsConsent, reason) => {
                    return self.end(handle, ended(in_doubt, reason)).await;
                }
                Read::Says(Meaning::StopTheRun, reason) => {
                    self.not_used(handle).await?;
                    lock(&self.verdicts).halt(reason);
                    return Err(TokenError::Configuration {
                        reason: reason.to_owned(),
                    });
                }
                Read::Says(_, reason) => {
                    self.not_used(handle).await?;
                    // It may be this grant alone: the others go on.
                    return Err(TokenError::Transient {
                        reason: format!("refreshing: {reason}"),
                    });
                }
            }
        }
    }

    /// Makes the new pair durable, however long the disk takes, and only then hands it out.
    async fn keep(
        self: &Arc<Self>,
        grant: &Grant,
        answer: TokenAnswer,
        intent: &RefreshIntent,
    ) -> Outcome {
        let handle = &grant.handle;
        self.app_accepted(grant.api).await;
        if consents::names_another(grant, answer.patient.as_ref()) {
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
            let step = RefreshStep::Finish(Box::new(refreshed.clone()));
            match self.journal(handle, step).await {
                Ok(RefreshWritten::Finished(generation)) => break generation,
                Ok(_) => return Err(TokenError::Stopped),
                Err(VaultError::UnknownGrant { .. }) => {
                    return Err(TokenError::NeedsConsent {
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
        let secret = refreshed.tokens.access_token.ok_or(TokenError::Stopped)?;
        Ok(AccessToken {
            secret,
            expires_at: refreshed.tokens.access_expires_at.unwrap_or_default(),
            generation,
        })
    }

    async fn end(self: &Arc<Self>, handle: &GrantHandle, reason: &'static str) -> Outcome {
        self.set_state(handle, GrantState::NeedsConsent, Some(reason))
            .await?;
        Err(TokenError::NeedsConsent {
            reason: reason.into(),
        })
    }

    async fn not_used(&self, handle: &GrantHandle) -> Result<(), TokenError> {
        let written = self.journal(handle, RefreshStep::NotUsed).await;
        written.map(drop).map_err(|error| not_now(&error))
    }

    async fn set_state(
        &self,
        handle: &GrantHandle,
        state: GrantState,
        reason: Option<&'static str>,
    ) -> Result<(), TokenError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.set_grant_state(&handle, state, reason))
            .await
            .map_err(|error| not_now(&error))
    }

    async fn journal(
        &self,
        handle: &GrantHandle,
        step: RefreshStep,
    ) -> Result<RefreshWritten, VaultError> {
        let journal = &self.journal;
        journal.write(&self.vault, handle.clone(), step).await
    }

    /// Disk work leaves the thread that holds the sockets.
    pub(crate) async fn with_vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let vault = Arc::clone(&self.vault);
        tokio::task::spawn_blocking(move || work(&vault))
            .await
            .map_err(|_| VaultError::Invalid("a task of the vault ended early".into()))?
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
