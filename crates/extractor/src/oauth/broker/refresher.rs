//! Lends access tokens and refreshes them: one refresh per grant at a time, a bounded number at
//! once, the intent before the POST, the outcome before use, never cancelled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{Clock, GrantHandle};
use claimlake_vault::{Grant, GrantState, RefreshIntent, Refreshed, TokenPair, Vault, VaultError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;

use crate::oauth::answer::{TokenAnswer, read_error, read_tokens};
use crate::oauth::classify::{Asked, Meaning, classify};
use crate::oauth::endpoint::{Endpoint, Posted};
use crate::token::{AccessToken, TokenError};

/// An access token with less life than this is renewed before it is lent.
const LEAST_LIFE: TimeDelta = TimeDelta::minutes(5);
const LOST_ANSWER: &str =
    "the answer to a refresh was lost after the server had replaced the token";

type Outcome = Result<AccessToken, TokenError>;
type Flight = Shared<BoxFuture<'static, Outcome>>;

/// How patient the refresher is; [`Default`] is what production uses.
#[derive(Debug, Clone)]
pub(crate) struct RefreshPolicy {
    /// Refreshes at once.
    pub(crate) at_once: usize,
    /// Pauses between tries of a refresh that was not used up.
    pub(crate) pauses: Vec<Duration>,
    /// Pause before the token is tried again after an unknown outcome.
    pub(crate) pause_after_doubt: Duration,
    /// The longest wait that the server may ask for.
    pub(crate) longest_wait: Duration,
    /// Pause between tries to write an outcome to a full or failing disk, and how many.
    pub(crate) disk_pause: Duration,
    pub(crate) disk_tries: u32,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            at_once: 16,
            pauses: [500, 2_000, 5_000].map(Duration::from_millis).into(),
            pause_after_doubt: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            disk_pause: Duration::from_secs(1),
            disk_tries: 600,
        }
    }
}

/// Lends tokens of one vault. Lives in the process that holds the token lock.
#[derive(Debug)]
pub(crate) struct Refresher {
    vault: Arc<Vault>,
    endpoint: Endpoint,
    clock: Arc<dyn Clock>,
    policy: RefreshPolicy,
    permits: Semaphore,
    flights: Mutex<HashMap<GrantHandle, Flight>>,
    verdicts: Mutex<Verdicts>,
}

/// What the answers to all grants say about the app as a whole.
#[derive(Debug, Default)]
struct Verdicts {
    /// Why no further token is posted.
    halted: Option<String>,
    /// Whether any refresh was accepted.
    accepted: bool,
    /// Grants that v3 denied without a reason, while none was accepted.
    denied: Vec<GrantHandle>,
}

const DENIALS_THAT_STOP: usize = 3;

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
            flights: Mutex::default(),
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

    /// A token for a grant; one newer than the `rejected` generation where that is given.
    pub(crate) async fn token(
        self: &Arc<Self>,
        grant: &GrantHandle,
        rejected: Option<u64>,
    ) -> Outcome {
        loop {
            let (flight, is_new) = self.flight(grant, rejected);
            let outcome = flight.await;
            let too_old = matches!((&outcome, rejected),
                (Ok(token), Some(rejected)) if token.generation <= rejected);
            // Somebody else's flight, begun before the token was refused, may bring that token.
            if is_new || !too_old {
                return outcome;
            }
        }
    }

    /// The flight under way for a grant, or a new one. It flies on when its callers are gone.
    fn flight(self: &Arc<Self>, grant: &GrantHandle, rejected: Option<u64>) -> (Flight, bool) {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(grant) {
            return (flight.clone(), false);
        }
        let this = Arc::clone(self);
        let handle = grant.clone();
        let task = tokio::spawn(async move {
            let outcome = this.fly(&handle, rejected).await;
            lock(&this.flights).remove(&handle);
            outcome
        });
        let flight = task
            .map(|joined| joined.unwrap_or(Err(TokenError::Stopped)))
            .boxed()
            .shared();
        flights.insert(grant.clone(), flight.clone());
        (flight, true)
    }

    async fn fly(self: &Arc<Self>, handle: &GrantHandle, rejected: Option<u64>) -> Outcome {
        let read = {
            let handle = handle.clone();
            self.with_vault(move |vault| {
                let in_doubt = vault.has_open_refresh(&handle)?;
                Ok((vault.grant(&handle)?, vault.tokens(&handle)?, in_doubt))
            })
            .await
        };
        let (grant, tokens, in_doubt) = read.map_err(|error| not_now(&error))?;
        if grant.state != GrantState::Active {
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
        let permit = self.permits.acquire().await;
        let outcome = self.refresh(handle).await;
        drop(permit);
        outcome
    }

    async fn refresh(self: &Arc<Self>, handle: &GrantHandle) -> Outcome {
        let mut pauses = self.policy.pauses.iter();
        let mut doubts = 0;
        loop {
            if let Some(reason) = lock(&self.verdicts).halted.clone() {
                return Err(TokenError::Configuration { reason });
            }
            let intent = {
                let handle = handle.clone();
                self.with_vault(move |vault| vault.begin_refresh(&handle))
                    .await
                    .map_err(|error| not_now(&error))?
            };
            let api = self.grant_api(handle).await?;
            let form = [
                ("grant_type", "refresh_token"),
                ("refresh_token", intent.refresh_token.expose()),
            ];
            let posted = self
                .endpoint
                .post(self.endpoint.app().token_url(api), &form)
                .await;
            let in_doubt = intent.earlier_attempts > 0;
            match self.read(posted) {
                Read::Tokens(tokens) => return self.keep(handle, *tokens, &intent).await,
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
                    return self.denied(handle, ended(in_doubt, reason)).await;
                }
                Read::Says(Meaning::NeedsConsent, reason) => {
                    return self.end(handle, ended(in_doubt, reason)).await;
                }
                Read::Says(Meaning::StopTheRun, reason) => {
                    self.not_used(handle).await?;
                    lock(&self.verdicts).halted = Some(reason.to_owned());
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

    fn read(&self, posted: Posted) -> Read {
        let answer = match posted {
            Posted::Answer(answer) => answer,
            Posted::NotSent(reason) => {
                return Read::NotUsed {
                    reason: format!("refreshing: {reason}"),
                    wait: None,
                };
            }
            Posted::Lost(reason) => {
                return Read::InDoubt {
                    reason: format!("refreshing: {reason}"),
                };
            }
        };
        if answer.status == 200
            && let Some(tokens) = read_tokens(&answer.body, self.now())
        {
            return Read::Tokens(Box::new(tokens));
        }
        let (meaning, reason) = classify(Asked::Refresh, answer.status, &read_error(&answer.body));
        match meaning {
            Meaning::Later => Read::NotUsed {
                reason: format!("refreshing: {reason}"),
                wait: answer.retry_after,
            },
            Meaning::Unknown => Read::InDoubt {
                reason: format!("refreshing (HTTP {}): {reason}", answer.status),
            },
            meaning => Read::Says(meaning, reason),
        }
    }

    /// Makes the new pair durable, however long the disk takes, and only then hands it out.
    async fn keep(
        self: &Arc<Self>,
        handle: &GrantHandle,
        answer: TokenAnswer,
        intent: &RefreshIntent,
    ) -> Outcome {
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
        {
            let mut verdicts = lock(&self.verdicts);
            verdicts.accepted = true;
            verdicts.denied.clear();
        }
        let mut tries = 0;
        let generation = loop {
            let (handle, refreshed) = (handle.clone(), refreshed.clone());
            let kept = self
                .with_vault(move |vault| vault.finish_refresh(&handle, &refreshed))
                .await;
            match kept {
                Ok(generation) => break generation,
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
        let lent = Grant {
            generation,
            ..self.grant(handle).await?
        };
        let secret = refreshed.tokens.access_token.ok_or(TokenError::Stopped)?;
        Ok(AccessToken {
            secret,
            expires_at: refreshed.tokens.access_expires_at.unwrap_or_default(),
            generation: lent.generation,
        })
    }

    async fn end(self: &Arc<Self>, handle: &GrantHandle, reason: &'static str) -> Outcome {
        self.set_state(handle, GrantState::NeedsConsent, Some(reason))
            .await?;
        Err(TokenError::NeedsConsent {
            reason: reason.into(),
        })
    }

    /// v3 says "Request denied" for a dead token, and to an app it does not like at all. Where it
    /// is all that was heard three times, it is the latter, and no grant has ended.
    async fn denied(self: &Arc<Self>, handle: &GrantHandle, reason: &'static str) -> Outcome {
        let innocent = {
            let mut verdicts = lock(&self.verdicts);
            if verdicts.accepted {
                None
            } else {
                verdicts.denied.push(handle.clone());
                (verdicts.denied.len() >= DENIALS_THAT_STOP).then(|| {
                    verdicts.halted = Some(
                        "the server denies every refresh (three in a row, none accepted): check \
                         client_id_env, client_secret_env and source.api"
                            .to_owned(),
                    );
                    std::mem::take(&mut verdicts.denied)
                })
            }
        };
        let Some(innocent) = innocent else {
            return self.end(handle, reason).await;
        };
        for handle in &innocent {
            self.set_state(handle, GrantState::Active, None).await?;
        }
        let reason = lock(&self.verdicts).halted.clone().unwrap_or_default();
        Err(TokenError::Configuration { reason })
    }

    async fn not_used(&self, handle: &GrantHandle) -> Result<(), TokenError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.refresh_not_used(&handle))
            .await
            .map_err(|error| not_now(&error))
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

    async fn grant(&self, handle: &GrantHandle) -> Result<Grant, TokenError> {
        let handle = handle.clone();
        self.with_vault(move |vault| vault.grant(&handle))
            .await
            .map_err(|error| not_now(&error))
    }

    async fn grant_api(
        &self,
        handle: &GrantHandle,
    ) -> Result<claimlake_contract::ApiVersion, TokenError> {
        self.grant(handle).await.map(|grant| grant.api)
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

/// What a POST brought, apart from what is done about it.
enum Read {
    Tokens(Box<TokenAnswer>),
    NotUsed {
        reason: String,
        wait: Option<Duration>,
    },
    InDoubt {
        reason: String,
    },
    Says(Meaning, &'static str),
}

/// The stored access token, where it has life enough left.
fn lendable(grant: &Grant, tokens: &TokenPair, now: DateTime<Utc>) -> Option<AccessToken> {
    let secret = tokens.access_token.clone()?;
    let expires_at = tokens.access_expires_at?;
    let life = tokens
        .access_issued_at
        .map_or(LEAST_LIFE, |issued| expires_at - issued);
    // Where tokens live for seconds, five minutes are never left; a quarter of a life must do. A
    // one-time token is lent to its end.
    let margin = if grant.one_time {
        TimeDelta::zero()
    } else {
        LEAST_LIFE.min(life / 4)
    };
    (expires_at - now > margin).then_some(AccessToken {
        secret,
        expires_at,
        generation: grant.generation,
    })
}

/// A token that ends after a doubtful refresh was used up by it.
fn ended(in_doubt: bool, reason: &'static str) -> &'static str {
    if in_doubt { LOST_ANSWER } else { reason }
}

fn not_now(error: &VaultError) -> TokenError {
    let reason = crate::oauth::chain(error);
    match error {
        VaultError::UnknownGrant { .. } => TokenError::NeedsConsent { reason },
        error if error.is_configuration() => TokenError::Configuration { reason },
        _ => TokenError::Transient { reason },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
