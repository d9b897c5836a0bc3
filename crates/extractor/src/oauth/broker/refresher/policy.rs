//! How many refreshes at once, and how patiently.

use std::time::Duration;

use crate::oauth::outlive;

/// Refreshes at once: what can be lost when the broker itself is killed.
const AT_ONCE: usize = 32;
/// And where killing a run or its container takes the broker along.
const AT_ONCE_IN_A_CONTAINER: usize = 16;

/// How patient the refresher is; [`RefreshPolicy::here`] is what production uses.
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

impl RefreshPolicy {
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
            pauses: [500, 2_000, 5_000].map(Duration::from_millis).into(),
            pause_after_doubt: Duration::from_secs(1),
            longest_wait: Duration::from_secs(60),
            disk_pause: Duration::from_secs(1),
            disk_tries: 600,
        }
    }
}
