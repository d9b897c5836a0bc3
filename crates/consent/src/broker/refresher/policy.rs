//! How many refreshes at once, and how patiently.

use std::time::Duration;

/// What happens to the broker when the run it works for is killed, or its container is. Whoever
/// starts the broker looks at the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerLifetime {
    /// The broker lives on: 32 refreshes at once.
    OutlivesRun,
    /// The kernel may kill it as well, and with it every refresh in progress: 16 at once.
    MayEndWithRun,
}

/// How patient the refresher is; [`RefreshPolicy::of`] is what production uses.
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
            ..Self::of(BrokerLifetime::MayEndWithRun)
        }
    }

    /// As many refreshes at once as can safely be lost. Fewer than 16 would be the slowest part of
    /// a run whose patients have few new resources.
    pub(crate) fn of(lifetime: BrokerLifetime) -> Self {
        let at_once = match lifetime {
            BrokerLifetime::OutlivesRun => 32,
            BrokerLifetime::MayEndWithRun => 16,
        };
        Self {
            at_once,
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
