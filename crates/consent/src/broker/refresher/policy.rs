//! How many refreshes at once, and how patiently.

use std::time::Duration;

use crate::outlive;

/// Refreshes at once: what can be lost when the broker itself is killed.
const AT_ONCE: usize = 32;
/// And where killing a run or its container takes the broker along.
const AT_ONCE_IN_A_CONTAINER: usize = 16;

/// How patient the refresher is; [`RefreshPolicy::here`] is what production uses.
#[derive(Debug, Clone)]
pub(crate) struct RefreshPolicy {
    /// Refreshes at once.
    pub(crate) at_once: usize,
    /// Pauses after failures of the token endpoint in a row, where it has never given an OAuth
    /// answer; after one more failure nothing further is sent.
    pub(crate) pauses_at_first: Vec<Duration>,
    /// And where it has.
    pub(crate) pauses: Vec<Duration>,
    /// The wait where the server asks to come back later and does not say when, and how often one
    /// refresh lets itself be put off.
    pub(crate) pause_when_throttled: Duration,
    pub(crate) throttled: u32,
    /// The longest wait that the server may ask for.
    pub(crate) longest_wait: Duration,
    /// Pause between tries to write an outcome to a full or failing disk, and how many.
    pub(crate) disk_pause: Duration,
    pub(crate) disk_tries: u32,
}

impl RefreshPolicy {
    /// For tests: tries as often, without a pause.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn impatient() -> Self {
        Self {
            pauses_at_first: vec![Duration::ZERO; 2],
            pauses: vec![Duration::ZERO; 5],
            pause_when_throttled: Duration::ZERO,
            ..Self::default()
        }
    }

    /// As many refreshes at once as this machine makes safe. Fewer than half as many would be the
    /// slowest part of a run whose people have little that is new.
    pub(crate) fn here() -> Self {
        let at_once = match outlive::broker_outlives_its_run() {
            true => AT_ONCE,
            false => AT_ONCE_IN_A_CONTAINER,
        };
        Self {
            at_once,
            ..Self::default()
        }
    }
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            at_once: AT_ONCE_IN_A_CONTAINER,
            pauses_at_first: [1, 5].map(Duration::from_secs).into(),
            pauses: [1, 5, 15, 30, 30].map(Duration::from_secs).into(),
            pause_when_throttled: Duration::from_secs(5),
            throttled: 3,
            longest_wait: Duration::from_secs(60),
            disk_pause: Duration::from_secs(1),
            disk_tries: 600,
        }
    }
}
