//! Limits and pauses of refreshes: how many at once, and how often to try again.

use std::time::Duration;

/// What happens to the broker if the run, or its container, is killed. The caller of
/// [`crate::broker_main`] examines the host to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerLifetime {
    /// The broker survives: 32 refreshes at once.
    OutlivesRun,
    /// The kernel may kill the broker together with the run, and every refresh in progress with it:
    /// at most 16 at once.
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
    /// The same for an endpoint that has given an OAuth response before.
    pub(crate) pauses: Vec<Duration>,
    /// The pause if the server asks to retry later and does not say when.
    pub(crate) pause_when_throttled: Duration,
    /// How often one refresh waits like this.
    pub(crate) throttled: u32,
    /// The longest pause the server may ask for; beyond it the run ends and says when to retry.
    pub(crate) longest_wait: Duration,
    /// The pause between attempts to write an outcome to a full or failing disk.
    pub(crate) disk_pause: Duration,
    /// How many such attempts there are.
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
