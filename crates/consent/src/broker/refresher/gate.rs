//! Whether the token endpoint may be asked now, for all grants together: a refresh token is worth
//! more than a try, and an endpoint that answers no OAuth says so to everyone.
//!
//! Until it has given one OAuth answer, and after every failure, requests go one at a time, with
//! pauses that grow. After a few failures in a row no more is sent: the run ends with one reason.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::RefreshPolicy;
use crate::ConsentError;

/// How long nothing is sent once it is closed; a broker that lives longer then tries again.
const CLOSED_FOR: Duration = Duration::from_secs(120);

/// The token endpoint's health, shared by all refreshes. Invariant: until it has given an OAuth
/// answer, and after a failure, at most one request is out.
#[derive(Debug)]
pub(super) struct Gate {
    /// As many requests at once as may be lost.
    pub(super) permits: Semaphore,
    /// Held by the one request that tries out a suspect endpoint.
    alone: tokio::sync::Mutex<()>,
    state: Mutex<State>,
    pauses_at_first: Vec<Duration>,
    pauses: Vec<Duration>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether it has given an OAuth answer.
    proven: bool,
    /// Failures in a row; what was sent before the last of them counts with it.
    failures: usize,
    failed_at: Option<Instant>,
    /// Nothing is sent before.
    not_before: Option<Instant>,
    /// Why nothing is sent, and until when.
    closed: Option<(ConsentError, Instant)>,
}

/// One request may be sent while this is held.
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
    /// Why none will be.
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

    /// An OAuth answer came, whatever it said.
    pub(super) fn answered(&self, pass: &mut Pass<'_>) {
        pass.alone = None;
        *self.state() = State {
            proven: true,
            ..State::default()
        };
    }

    /// No connection, no answer, or one that is no OAuth answer; `wait` is what the server asks for.
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

    /// Nobody sends anything for so long.
    pub(super) fn hold(&self, wait: Duration) {
        let mut state = self.state();
        state.not_before = state.not_before.max(Some(Instant::now() + wait));
    }

    /// Every request would end with this error.
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
