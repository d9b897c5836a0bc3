//! Days, and instants in milliseconds since 1970-01-01T00:00:00Z.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, TimeDelta, Utc};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// A day of the Gregorian calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Day(NaiveDate);

impl Day {
    /// The day of a date that exists.
    pub(crate) const fn of(year: i32, month: u32, day: u32) -> Self {
        match NaiveDate::from_ymd_opt(year, month, day) {
            Some(date) => Self(date),
            None => Self(NaiveDate::MIN),
        }
    }

    /// Year, month and day.
    pub(crate) fn date(self) -> (i32, u32, u32) {
        (self.0.year(), self.0.month(), self.0.day())
    }

    pub(crate) fn plus(self, days: i32) -> Self {
        let step = TimeDelta::days(days.into());
        Self(self.0.checked_add_signed(step).unwrap_or(self.0))
    }

    pub(crate) fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_days()
    }

    /// Milliseconds since the epoch at the start of the day.
    pub(crate) fn millis(self) -> i64 {
        self.instant().timestamp_millis()
    }

    /// Midnight UTC.
    pub(crate) fn instant(self) -> DateTime<Utc> {
        self.0.and_time(NaiveTime::MIN).and_utc()
    }
}

/// The instant of milliseconds since the epoch.
pub(crate) fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// The day and the milliseconds into it.
pub(crate) fn split(millis: i64) -> (Day, i64) {
    let day = Day(instant(millis).date_naive());
    (day, millis.rem_euclid(MILLIS_PER_DAY))
}
