//! Lends access tokens and refreshes them.
//!
//! The invariants: at most one refresh per grant is in progress, and a limited number in all; the
//! intent is recorded before the POST, and the outcome before anyone uses it; a refresh that has
//! begun is never cancelled. All callers that need the same grant share one refresh and its result.
//!
//!  file | what it decides |
//! ---|---|
//!  `refresh.rs` | one refresh from intent to outcome; how often one refresh token is posted |
//!  `gate.rs` | whether the token endpoint may be used now, for all grants together |
//!  `denials.rs`, `consents.rs` | when a refused refresh ends a grant, and when it is about the app |
//!  `outcome.rs` | reads the answer; which stored token may still be lent |
//!  `journal.rs` | writes intents and outcomes in batches |
//!  `policy.rs` | numbers: limits, pauses, retries |

mod activity;
mod consents;
mod denials;
mod gate;
mod journal;
mod outcome;
mod policy;
mod refresh;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, Clock, GrantHandle};
use claimlake_vault::{Vault, VaultError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use self::activity::UnderWay;
use self::denials::Denials;
use self::gate::Gate;
use self::journal::Journal;
use self::outcome::{lendable, not_now};
pub use self::policy::BrokerLifetime;
pub(crate) use self::policy::RefreshPolicy;
use crate::ConsentError;
use crate::endpoint::Endpoint;
use crate::token::AccessToken;
use crate::vault_work::VaultWork;

/// The result of a refresh, for all callers that wait for it.
type Outcome = Result<AccessToken, ConsentError>;

/// A refresh in progress, and how many callers wait for it.
#[derive(Debug, Clone)]
struct InflightRefresh {
    /// Shared by all callers.
    result: Shared<BoxFuture<'static, Outcome>>,
    /// How many callers wait. If none is left before the POST, the refresh is not started.
    waiting: Arc<AtomicUsize>,
}

/// What a refresh is for.
#[derive(Debug, Clone, Copy)]
enum Want {
    /// A token, of a later generation than one that was rejected.
    Token { rejected: Option<u64> },
    /// The grant is to move to another API version.
    Move { to: ApiVersion },
}

/// Counts one waiting caller until it is dropped.
struct WaiterGuard(Arc<AtomicUsize>);

impl Drop for WaiterGuard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Removes the entry of a refresh when it is dropped, also after a panic.
struct Entry<'a>(
    &'a Mutex<HashMap<GrantHandle, InflightRefresh>>,
    &'a GrantHandle,
);

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        lock(self.0).remove(self.1);
    }
}

/// Hands out and refreshes the tokens of one vault. Exists only in the process that holds the token
/// lock.
#[derive(Debug)]
pub(crate) struct Refresher {
    vault: Arc<Vault>,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    /// Limits and pauses.
    policy: RefreshPolicy,
    /// Writes intents and outcomes.
    journal: Arc<Journal>,
    /// Whether the token endpoint may be used now.
    gate: Gate,
    /// Requests to the token endpoint in progress.
    posting: UnderWay,
    /// Operations on the vault in progress.
    on_disk: UnderWay,
    /// The refreshes in progress: one per grant.
    in_flight: Mutex<HashMap<GrantHandle, InflightRefresh>>,
    /// Once set, no refresh is started.
    stopping: AtomicBool,
    /// What refused refreshes say about the app and about grants.
    denials: Mutex<Denials>,
    /// The last unreadable answer about each grant, for callers that come later in the same run.
    unreadable: Mutex<HashMap<GrantHandle, ConsentError>>,
}

impl Refresher {
    /// A refresher for a vault whose token lock the caller holds.
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
            gate: Gate::new(&policy),
            posting: UnderWay::default(),
            on_disk: UnderWay::default(),
            policy,
            journal: Arc::default(),
            in_flight: Mutex::default(),
            stopping: AtomicBool::new(false),
            denials: Mutex::default(),
            unreadable: Mutex::default(),
        })
    }

    /// The vault whose tokens are handed out.
    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// The token endpoint.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The injected clock.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// How many refreshes are in progress.
    pub(crate) fn under_way(&self) -> usize {
        lock(&self.in_flight).len()
    }

    /// From now on no refresh is started; those in progress are completed.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// A token for a grant; with `rejected`, one of a later generation. If a refresh that was
    /// already in progress does not bring such a token, another one is started.
    pub(crate) async fn token(
        self: &Arc<Self>,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> Outcome {
        loop {
            let (refresh, waiter, is_new) = self.join_or_start(grant, Want::Token { rejected });
            let outcome = refresh.await;
            drop(waiter);
            let of_no_use = match (&outcome, rejected) {
                // A refresh for another caller, begun before the token was refused, may return the
                // refused token.
                (Ok(token), Some(rejected)) => token.generation <= rejected,
                // It was given up by those who had begun it.
                (Err(ConsentError::Stopped), _) => !self.stopping.load(Ordering::SeqCst),
                _ => false,
            };
            if is_new || !of_no_use {
                return outcome;
            }
        }
    }

    /// Joins the refresh of a grant that is in progress, or starts one; the flag says whether it
    /// was started.
    fn join_or_start(
        self: &Arc<Self>,
        grant: &GrantHandle,
        want: Want,
    ) -> (Shared<BoxFuture<'static, Outcome>>, WaiterGuard, bool) {
        let mut in_flight = lock(&self.in_flight);
        let is_new = !in_flight.contains_key(grant);
        let refresh = in_flight
            .entry(grant.clone())
            .or_insert_with(|| self.spawn(grant.clone(), want));
        refresh.waiting.fetch_add(1, Ordering::SeqCst);
        let waiter = WaiterGuard(Arc::clone(&refresh.waiting));
        (refresh.result.clone(), waiter, is_new)
    }

    /// Starts a refresh as a task of its own, so that it is not cancelled with its caller: once a
    /// token was posted, the answer must be stored.
    fn spawn(self: &Arc<Self>, handle: GrantHandle, want: Want) -> InflightRefresh {
        let this = Arc::clone(self);
        let waiting = Arc::new(AtomicUsize::new(0));
        let waiters = Arc::clone(&waiting);
        let task = tokio::spawn(async move {
            // Also where it panics: the next request begins anew, and finds the intent.
            let _entry = Entry(&this.in_flight, &handle);
            this.run(&handle, want, &waiters).await
        });
        let result = task
            .map(|joined| {
                joined.unwrap_or_else(|_| {
                    Err(ConsentError::NoToken {
                        reason: "a refresh ended by an error of claimlake itself (a panic in the \
                                 token broker); what it had begun is kept, run again"
                            .into(),
                    })
                })
            })
            .boxed()
            .shared();
        InflightRefresh { result, waiting }
    }

    /// Refreshes a grant at another API version, where it belongs from then on; nothing happens where
    /// it is there already. A refresh that is under way is waited for.
    pub(crate) async fn move_to(
        self: &Arc<Self>,
        grant: &GrantHandle,
        to: ApiVersion,
    ) -> Result<(), ConsentError> {
        loop {
            let (refresh, waiter, is_new) = self.join_or_start(grant, Want::Move { to });
            let outcome = refresh.await;
            drop(waiter);
            if is_new {
                return outcome.map(drop);
            }
        }
    }

    /// Returns the stored token if it can be used, else refreshes. Reasons not to refresh are
    /// checked first, cheap and lasting ones before others.
    async fn run(
        self: &Arc<Self>,
        handle: &GrantHandle,
        want: Want,
        waiters: &AtomicUsize,
    ) -> Outcome {
        let read = {
            let handle = handle.clone();
            self.with_vault(move |vault| {
                let open = vault.open_refresh(&handle)?;
                Ok((vault.grant(&handle)?, vault.tokens(&handle)?, open))
            })
            .await
        };
        let (grant, tokens, open) = read.map_err(|error| not_now(&error))?;
        if !grant.state.is_usable() {
            let reason = grant.reason.unwrap_or_else(|| grant.state.to_string());
            return Err(ConsentError::NeedsConsent { reason });
        }
        let moves_to = match want {
            // It may have been moved before an answer was lost.
            Want::Move { to } => Some(to).filter(|to| *to != grant.api),
            Want::Token { .. } => None,
        };
        let refused = match want {
            Want::Token { rejected } => {
                rejected.is_some_and(|generation| generation >= grant.generation)
            }
            Want::Move { .. } => false,
        };
        if moves_to.is_none()
            && !refused
            && open.is_none()
            && let Some(token) = lendable(&grant, &tokens, self.now())
        {
            return Ok(token);
        }
        if moves_to.is_some() && (grant.one_time || tokens.refresh_token.is_none()) {
            // It can still be read where it is.
            return Err(ConsentError::NeedsConsent {
                reason: "it can be read once only, and is never refreshed".into(),
            });
        }
        if grant.one_time || tokens.refresh_token.is_none() {
            return self
                .end(
                    handle,
                    "it could be read once only, and its access token is over",
                )
                .await;
        }
        // Every caller gets the reason that stops the run, also for a grant that was denied before.
        if let Some(reason) = lock(&self.denials).halted() {
            return Err(ConsentError::Configuration { reason });
        }
        if lock(&self.denials).is_doubted(handle, self.now()) {
            return Err(consents::doubtful());
        }
        if let Some(left_alone) = refresh::left_alone(open.as_ref(), self.now()) {
            // Later callers in the same run get the same answer.
            let unreadable = lock(&self.unreadable).get(handle).cloned();
            return Err(unreadable.unwrap_or(left_alone));
        }
        self.refresh(&grant, moves_to, waiters).await
    }

    /// How long the oldest request to the token endpoint, and the oldest work on the vault, have
    /// been under way.
    pub(crate) fn activity(&self) -> (Option<Duration>, Option<Duration>) {
        (self.posting.longest(), self.on_disk.longest())
    }
}

/// In another thread. The work is completed even if the caller is gone.
impl VaultWork for Refresher {
    async fn with_vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let vault = Arc::clone(&self.vault);
        let under_way = self.on_disk.begin();
        // It continues, and counts, even if the caller is cancelled.
        tokio::task::spawn_blocking(move || {
            let _under_way = under_way;
            work(&vault)
        })
        .await
        .map_err(|_| VaultError::Invalid("a task of the vault ended early".into()))?
    }
}

/// Locks a mutex. After a panic its data are still usable, since every change is a single
/// assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
