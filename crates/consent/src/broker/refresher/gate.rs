//! Decides whether the token endpoint may be used now, for all grants together. A refresh token is
//! worth more than an attempt, and an endpoint that does not speak OAuth will not do so for the
//! next grant either.
//!
//! Until the endpoint has given one OAuth response, and after each failure, requests are sent one
//! at a time, with growing pauses. After several failures in a row nothing more is sent, and the
//! run ends with one reason. This is a circuit breaker with three states: suspect (one at a time),
//! proven (in parallel), closed (nothing).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::RefreshPolicy;
use crate::ConsentError;

/// How long nothing is sent after the gate was closed. A broker that lives longer tries again then.
const CLOSED_FOR: Duration = Duration::from_secs(120);

/// The token endpoint's health, shared by all refreshes. Invariant: until it has given an OAuth
/// answer, and after a failure, at most one request is out.
#[derive(Debug)]
pub(super) struct Gate {
    /// Limits the requests in progress to the number that may be lost at once.
    pub(super) permits: Semaphore,
    /// Held by the one request that is sent to a suspect endpoint.
    alone: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    pauses_at_first: Vec<Duration>,
    pauses: Vec<Duration>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the endpoint has given an OAuth response.
    proven: bool,
    /// Failures in a row. Requests that were in progress together fail together and count once.
    failures: usize,
    failed_at: Option<Instant>,
    /// Nothing is sent before this time.
    not_before: Option<Instant>,
    /// Why nothing is sent, and until when.
    closed: Option<(ConsentError, Instant)>,
}

/// The right to send one request.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    _permit: SemaphorePermit<'a>,
    alone: Option<tokio::sync::MutexGuard<'a, ()>>,
    since: Instant,
}

impl Gate {
    pub(super) fn new(policy: &RefreshPolicy) -> Self {
        Self {
            permits: Semaphore::new(policy.at_once),
            alone: tokio::sync::Mutex::default(),
            state: Mutex::default(),
            pauses_at_first: policy.pauses_at_first.clone(),
            pauses: policy.pauses.clone(),
        }
    }

    /// Waits until a request may be sent.
    ///
    /// # Errors
    ///
    /// The gate is closed; the error says why.
    pub(super) async fn pass(&self) -> Result<Pass<'_>, ConsentError> {
        let permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| ConsentError::Stopped)?;
        let alone = match self.is_suspect() {
            true => Some(self.alone.lock().await),
            false => None,
        };
        loop {
            let until = {
                let mut state = self.state();
                let now = Instant::now();
                if let Some((error, until)) = &state.closed {
                    if now < *until {
                        return Err(error.clone());
                    }
                    *state = State::default();
                }
                state.not_before.filter(|until| now < *until)
            };
            match until {
                Some(until) => sleep_until(until).await,
                None => break,
            }
        }
        // Somebody before may have shown that all is well.
        let alone = alone.filter(|_| self.is_suspect());
        Ok(Pass {
            _permit: permit,
            alone,
            since: Instant::now(),
        })
    }

    /// An OAuth response was received, whatever it said.
    pub(super) fn answered(&self, pass: &mut Pass<'_>) {
        pass.alone = None;
        *self.state() = State {
            proven: true,
            ..State::default()
        };
    }

    /// There was no connection, no response, or one that is not OAuth. `wait` is the pause that the
    /// server asked for.
    pub(super) fn failed(&self, pass: &Pass<'_>, reason: &str, wait: Option<Duration>) {
        let mut state = self.state();
        let now = Instant::now();
        // Sent side by side, they fail for the same cause.
        let is_known = state.failed_at.is_some_and(|at| pass.since < at);
        if !is_known {
            state.failures += 1;
            state.failed_at = Some(now);
        }
        let pauses = match state.proven {
            true => &self.pauses,
            false => &self.pauses_at_first,
        };
        match pauses.get(state.failures.saturating_sub(1)) {
            Some(pause) => {
                let until = now + (*pause).max(wait.unwrap_or_default());
                state.not_before = state.not_before.max(Some(until));
            }
            None => {
                let reason = format!(
                    "{reason} (the token endpoint failed {} times in a row; no further refresh \
                     token is sent there in this run, and no consent has ended)",
                    state.failures
                );
                state.closed = Some((ConsentError::Unavailable { reason }, now + CLOSED_FOR));
            }
        }
    }

    /// Blocks all requests for this time.
    pub(super) fn hold(&self, wait: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Some(Instant::now() + wait));
    }

    /// Closes the gate: every further request would fail with this error.
    pub(super) fn close(&self, error: &ConsentError, wait: Option<Duration>) {
        let until = Instant::now() + wait.unwrap_or(CLOSED_FOR);
        self.state().closed = Some((error.clone(), until));
    }

    fn is_suspect(&self) -> bool {
        let state = self.state();
        !state.proven || state.failures > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
