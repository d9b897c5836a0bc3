//! How many requests are under way, and how many are begun a second.
//!
//! Concurrency grows with every success and shrinks where failures are many (AIMD). Where the
//! server throttles all grants, a pace is learned from the requests it admitted in the second
//! before; where it throttles one grant, only that grant waits.

mod learned;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use claimlake_contract::GrantHandle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::lock::lock;
use learned::LearnedPace;

/// Requests under way at the start.
const FIRST_LIMIT: usize = 64;
const LOWEST_LIMIT: usize = 4;
/// Weight of the newest answer in the share of failures.
const NEWEST_SHARE: f64 = 0.05;
/// A constant few per cent of failures must not shrink the limit.
const TOO_MANY_FAILURES: f64 = 0.2;
const SHRINK_TO: f64 = 0.8;
const BETWEEN_SHRINKS: Duration = Duration::from_secs(1);
/// So many grants throttled within a second count as all.
const GRANTS_THAT_ARE_ALL: usize = 3;

/// How a request ended, as far as pace goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Badly,
    Throttled {
        /// What `Retry-After` said.
        wait: Option<Duration>,
    },
}

#[derive(Debug)]
pub(crate) struct Pace {
    permits: Semaphore,
    ceiling: usize,
    turnstile: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Permits to be taken back as they return.
    debt: usize,
    failures: f64,
    shrunk_at: Option<Instant>,
    learned: LearnedPace,
    /// Until when a grant waits.
    gates: HashMap<GrantHandle, Instant>,
    throttled: Vec<(Instant, GrantHandle)>,
}

/// The right to send one request.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pace: &'a Pace,
    permit: Option<SemaphorePermit<'a>>,
    admitted_at: Instant,
}

impl Pace {
    pub(crate) fn new(ceiling: usize, max_rps: Option<f64>) -> Self {
        let ceiling = ceiling.max(1);
        let limit = FIRST_LIMIT.min(ceiling);
        Self {
            permits: Semaphore::new(limit),
            ceiling,
            turnstile: tokio::sync::Mutex::new(()),
            state: Mutex::new(State {
                limit,
                debt: 0,
                failures: 0.0,
                shrunk_at: None,
                learned: LearnedPace::new(max_rps),
                gates: HashMap::new(),
                throttled: Vec::new(),
            }),
        }
    }

    /// Waits for the grant's turn, a permit and the pace. `None` once the run is over.
    pub(crate) async fn admit(&self, grant: &GrantHandle) -> Option<Permit<'_>> {
        loop {
            let gate = self.state().gates.get(grant).copied();
            match gate {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => break,
            }
        }
        let permit = self.permits.acquire().await.ok()?;
        {
            // One at a time, in order: a pause that begins while one waits is for all behind it.
            let _turn = self.turnstile.lock().await;
            while let Some(until) = self.not_before() {
                sleep_until(until).await;
            }
        }
        let admitted_at = Instant::now();
        self.state().learned.admitted(admitted_at);
        Some(Permit {
            pace: self,
            permit: Some(permit),
            admitted_at,
        })
    }

    fn not_before(&self) -> Option<Instant> {
        self.state().learned.not_before(Instant::now())
    }

    /// Requests a second that are allowed at the moment, where there is a limit.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.state().learned.rate()
    }

    /// Whether all requests wait at the moment.
    pub(crate) fn is_paused(&self) -> bool {
        self.state().learned.is_paused(Instant::now())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        state.failures *= 1.0 - NEWEST_SHARE;
        if state.limit < self.ceiling {
            state.limit += 1;
            match state.debt {
                0 => self.permits.add_permits(1),
                _ => state.debt -= 1,
            }
        }
    }

    fn failed(&self) {
        let mut state = self.state();
        state.failures = state.failures * (1.0 - NEWEST_SHARE) + NEWEST_SHARE;
        let now = Instant::now();
        let recently = state.shrunk_at.is_some_and(|at| now - at < BETWEEN_SHRINKS);
        if state.failures > TOO_MANY_FAILURES && !recently {
            state.shrunk_at = Some(now);
            let smaller = (state.limit as f64 * SHRINK_TO) as usize;
            let smaller = smaller.max(LOWEST_LIMIT.min(self.ceiling));
            let surplus = state.limit.saturating_sub(smaller);
            state.limit -= surplus;
            state.debt += surplus - self.permits.forget_permits(surplus);
        }
    }

    fn throttled(&self, grant: &GrantHandle, admitted_at: Instant, wait: Option<Duration>) {
        let mut state = self.state();
        let now = Instant::now();
        state.throttled.retain(|(at, other)| {
            now.duration_since(*at) < Duration::from_secs(1) && other != grant
        });
        state.throttled.push((now, grant.clone()));
        state.learned.throttled(admitted_at);
        if state.throttled.len() >= GRANTS_THAT_ARE_ALL {
            state.learned.all_throttled(now, admitted_at, wait);
        } else {
            let until = now + wait.unwrap_or(Duration::from_secs(1));
            state.gates.insert(grant.clone(), until);
        }
    }
}

impl Permit<'_> {
    pub(crate) fn ended(self, grant: &GrantHandle, ended: Ended) {
        match ended {
            Ended::Well => self.pace.succeeded(),
            Ended::Badly => self.pace.failed(),
            Ended::Throttled { wait } => self.pace.throttled(grant, self.admitted_at, wait),
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        if let Some(permit) = self.permit.take()
            && state.debt > 0
        {
            state.debt -= 1;
            permit.forget();
        }
    }
}

#[cfg(test)]
mod tests;
