//! Days of the proleptic Gregorian calendar as plain numbers: cheap to count with and to write.

use chrono::{DateTime, Utc};

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Day(pub(crate) i32);

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Day {
    /// The day of a date; no check that the month has such a day.
    pub(crate) const fn of(year: i32, month: i32, day: i32) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let shifted = (month + 9) % 12;
        let day_of_year = (153 * shifted + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Self(era * 146_097 + day_of_era - 719_468)
    }

    /// Year, month and day.
    pub(crate) const fn date(self) -> (i32, i32, i32) {
        let days = self.0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        (year, month, day)
    }

    pub(crate) const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// Milliseconds since the epoch at the start of the day.
    pub(crate) fn millis(self) -> i64 {
        i64::from(self.0) * MILLIS_PER_DAY
    }

    /// Midnight UTC.
    pub(crate) fn instant(self) -> DateTime<Utc> {
        instant(self.millis())
    }
}

/// The instant of milliseconds since the epoch.
pub(crate) fn instant(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

/// The day and the milliseconds into it.
pub(crate) fn split(millis: i64) -> (Day, i64) {
    let day = i32::try_from(millis.div_euclid(MILLIS_PER_DAY)).unwrap_or_default();
    (Day(day), millis.rem_euclid(MILLIS_PER_DAY))
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, NaiveDate};

    use super::Day;

    #[test]
    fn days_agree_with_the_calendar_over_two_centuries() {
        let epoch = NaiveDate::from_ymd_opt(1970, 1, 1).unwrap();
        for number in (-30_000..60_000).step_by(7) {
            let date = epoch + chrono::TimeDelta::days(i64::from(number));
            let (month, day) = (date.month().cast_signed(), date.day().cast_signed());
            assert_eq!(Day(number).date(), (date.year(), month, day));
            assert_eq!(Day::of(date.year(), month, day), Day(number));
        }
    }
}
