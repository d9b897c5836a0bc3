//! How many requests are under way: more with every success, fewer where failures are many (AIMD).

use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests under way at the start.
const FIRST_LIMIT: usize = 64;
const LOWEST_LIMIT: usize = 4;
/// Weight of the newest answer in the share of failures.
const NEWEST_SHARE: f64 = 0.05;
/// A constant few per cent of failures must not shrink the limit.
const TOO_MANY_FAILURES: f64 = 0.2;
const SHRINK_TO: f64 = 0.8;
const BETWEEN_SHRINKS: Duration = Duration::from_secs(1);

/// The limit of requests under way; the permits themselves are in a semaphore beside it.
#[derive(Debug)]
pub(super) struct Concurrency {
    ceiling: usize,
    limit: usize,
    /// Permits to be taken back as they return.
    debt: usize,
    failures: f64,
    shrunk_at: Option<Duration>,
}

impl Concurrency {
    pub(super) fn new(ceiling: usize) -> Self {
        let ceiling = ceiling.max(1);
        Self {
            ceiling,
            limit: FIRST_LIMIT.min(ceiling),
            debt: 0,
            failures: 0.0,
            shrunk_at: None,
        }
    }

    /// The permits of the start.
    pub(super) fn permits(&self) -> Semaphore {
        Semaphore::new(self.limit)
    }

    pub(super) fn succeeded(&mut self, permits: &Semaphore) {
        self.failures *= 1.0 - NEWEST_SHARE;
        if self.limit < self.ceiling {
            self.limit += 1;
            match self.debt {
                0 => permits.add_permits(1),
                _ => self.debt -= 1,
            }
        }
    }

    pub(super) fn failed(&mut self, permits: &Semaphore, now: Duration) {
        self.failures = self.failures * (1.0 - NEWEST_SHARE) + NEWEST_SHARE;
        let recently = self
            .shrunk_at
            .is_some_and(|at| now.saturating_sub(at) < BETWEEN_SHRINKS);
        if self.failures > TOO_MANY_FAILURES && !recently {
            self.shrunk_at = Some(now);
            let smaller = (self.limit as f64 * SHRINK_TO) as usize;
            let smaller = smaller.max(LOWEST_LIMIT.min(self.ceiling));
            let surplus = self.limit.saturating_sub(smaller);
            self.limit -= surplus;
            self.debt += surplus - permits.forget_permits(surplus);
        }
    }

    /// A permit returns, or is kept where there are too many.
    pub(super) fn give_back(&mut self, permit: SemaphorePermit<'_>) {
        if self.debt > 0 {
            self.debt -= 1;
            permit.forget();
        }
    }

    #[cfg(test)]
    pub(super) fn debt(&self) -> usize {
        self.debt
    }
}
