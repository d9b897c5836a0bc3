//! The sandbox's own time: the clock it was given, moved on by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Months, TimeDelta, Utc};
use claimlake_contract::Clock;

/// A clock that an admin route or a test can move, so that thirteen months pass in a second.
#[derive(Debug, Clone)]
pub(crate) struct MovableClock {
    base: Arc<dyn Clock>,
    offset_ms: Arc<AtomicI64>,
}

impl MovableClock {
    pub(crate) fn new(base: Arc<dyn Clock>) -> Self {
        Self {
            base,
            offset_ms: Arc::default(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        let offset = TimeDelta::milliseconds(self.offset_ms.load(Ordering::Relaxed));
        let base = self.base.now();
        base.checked_add_signed(offset).unwrap_or(base)
    }

    pub(crate) fn advance(&self, step: TimeDelta) {
        self.offset_ms
            .fetch_add(step.num_milliseconds(), Ordering::Relaxed);
    }
}

/// When a thirteen-month grant given at `consent` ends.
pub(crate) fn thirteen_months_after(consent: DateTime<Utc>) -> DateTime<Utc> {
    consent
        .checked_add_months(Months::new(13))
        .unwrap_or(consent)
}

/// `2027-12-23T17:07:22Z`.
pub(crate) fn to_seconds_text(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
