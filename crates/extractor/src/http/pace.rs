//! How many requests are under way, and how many are sent per second.
//!
//! Concurrency follows successes and failures; the rate follows what the server refuses with 429,
//! for all grants together or for one of them.

mod concurrency;
mod learned_rate;
mod rate_control;
mod rates;
mod sent_log;

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use claimlake_contract::GrantHandle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::lock::lock;
use concurrency::Concurrency;
use rates::{Rates, Turn};

/// How a request ended, as far as pace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Badly,
    Throttled(Throttled),
}

/// What a 429 said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Throttled {
    /// What `Retry-After` said.
    pub(crate) wait: Option<Duration>,
    /// The limit of the access token, where it said that nothing of it is left.
    pub(crate) spent_limit: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Pace {
    began: Instant,
    permits: Semaphore,
    turnstile: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    concurrency: Concurrency,
    rates: Rates,
}

/// The right to send one request.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
    /// Since the pace began.
    sent_at: Duration,
}

impl Pace {
    pub(crate) fn new(ceiling: usize, max_rps: Option<f64>) -> Self {
        let concurrency = Concurrency::new(ceiling);
        Self {
            began: Instant::now(),
            permits: concurrency.permits(),
            turnstile: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                concurrency,
                rates: Rates::new(max_rps),
            }),
        }
    }

    /// Waits for the grant's turn, a permit and the turn of all. `None` once the run is over.
    pub(crate) async fn admit(&self, grant: &GrantHandle) -> Option<Permit<'_>> {
        loop {
            while let Some(until) = self.grant_waits(grant) {
                sleep_until(self.began + until).await;
            }
            let permit = self.permits.acquire().await.ok()?;
            if let Some(sent_at) = self.take_turn(grant).await {
                return Some(Permit {
                    pace: self,
                    permit: Some(permit),
                    sent_at,
                });
            }
            self.state().concurrency.give_back(permit);
        }
    }

    /// When the request is sent; `None` if the grant has to wait by now: others go first.
    async fn take_turn(&self, grant: &GrantHandle) -> Option<Duration> {
        // One at a time, in order: a pause that begins while one waits is for all behind it.
        let _turn = self.turnstile.lock().await;
        loop {
            let now = self.now();
            let turn = self.state().rates.take_turn(grant, now);
            match turn {
                Turn::Taken => return Some(now),
                Turn::GrantWaits(_) => return None,
                Turn::AllWait(until) => sleep_until(self.began + until).await,
            }
        }
    }

    fn grant_waits(&self, grant: &GrantHandle) -> Option<Duration> {
        let now = self.now();
        self.state().rates.grant_waits(grant, now)
    }

    /// Requests per second that are allowed at the moment, where there is a limit.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.state().rates.rate()
    }

    /// Whether all requests wait at the moment.
    pub(crate) fn is_paused(&self) -> bool {
        let now = self.now();
        self.state().rates.is_paused(now)
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Permit<'_> {
    pub(crate) fn ended(self, grant: &GrantHandle, ended: Ended) {
        let (pace, now) = (self.pace, self.pace.now());
        let mut state = pace.state();
        match ended {
            Ended::Well => {
                state.concurrency.succeeded(&pace.permits);
                state.rates.admitted(grant, self.sent_at);
            }
            Ended::Badly => state.concurrency.failed(&pace.permits, now),
            Ended::Throttled(refusal) => state.rates.refused(grant, self.sent_at, now, refusal),
        }
        drop(state);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.pace.state().concurrency.give_back(permit);
        }
    }
}

#[cfg(test)]
mod limit_tests;
#[cfg(test)]
mod limiters;
#[cfg(test)]
mod tests;
