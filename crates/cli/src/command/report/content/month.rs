//! A calendar month.

use chrono::{Datelike, NaiveDate, TimeDelta};

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Month {
    /// The year.
    pub(crate) year: i32,
    /// The month in it, from 1.
    pub(crate) month: u32,
}

impl Month {
    /// The month of a day since 1970.
    pub(super) fn of_day(day: i32) -> Option<Self> {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
        let date = epoch.checked_add_signed(TimeDelta::try_days(i64::from(day))?)?;
        Some(Self {
            year: date.year(),
            month: date.month(),
        })
    }
}
