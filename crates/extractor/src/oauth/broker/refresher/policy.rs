//! How many refreshes at once, and how patiently.

use std::time::Duration;

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
