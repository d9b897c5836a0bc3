//! How a listener continues after connections that could not be accepted.

use std::time::Duration;

/// Failures in a row of accepting connections, such as a process without free descriptors has them:
/// trying on at once would only use up the processor.
///
/// ```
/// use claimlake_contract::AcceptFailures;
///
/// let mut failures = AcceptFailures::default();
/// assert_eq!(failures.failed().as_millis(), 20);
/// assert_eq!(failures.failed().as_millis(), 40);
/// failures.accepted();
/// assert_eq!(failures.failed().as_millis(), 20);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct AcceptFailures(u32);

impl AcceptFailures {
    /// The pause after the first failure; it doubles with each that follows.
    const FIRST: Duration = Duration::from_millis(20);
    /// The longest pause.
    const LONGEST: Duration = Duration::from_secs(1);

    /// Counts one; the pause before the next try.
    pub fn failed(&mut self) -> Duration {
        let pause = Self::FIRST * (1 << self.0.min(10));
        self.0 = self.0.saturating_add(1);
        pause.min(Self::LONGEST)
    }

    /// Whether the last failure was the first in a row: the one to be logged.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.0 == 1
    }

    /// A connection was accepted: the row ends.
    pub fn accepted(&mut self) {
        self.0 = 0;
    }
}
