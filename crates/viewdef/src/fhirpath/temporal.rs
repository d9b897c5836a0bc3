//! Dates, dateTimes and times of any precision, compared as FHIRPath asks: where the precisions differ
//! before a difference shows, there is no answer (FHIRPath sections 6.1.1 and 6.2).
//!
//! Only days and times that exist are read; a leap second is one. Seconds and their fraction are one
//! precision, as FHIRPath has it. Instants compare in UTC; of two values of which one has a zone and the
//! other has none, nothing is known.

use std::cmp::Ordering;

/// Which of the three a text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemporalKind {
    /// `YYYY[-MM[-DD]]`
    Date,
    /// A date, or a date with a time and, from there on, a zone.
    DateTime,
    /// `hh[:mm[:ss[.fff]]]`
    Time,
}

/// A date, dateTime or time as far as it is given.
///
/// ```
/// use std::cmp::Ordering;
///
/// use claimlake_viewdef::fhirpath::{Temporal, TemporalKind};
///
/// let compare = |left, right| {
///     let left = Temporal::parse(left, TemporalKind::DateTime)?;
///     left.compare(&Temporal::parse(right, TemporalKind::DateTime)?)
/// };
/// assert_eq!(compare("2024-02-29T23:30:00Z", "2024-03-01T00:30:00+01:00"), Some(Ordering::Equal));
/// assert_eq!(compare("2024", "2024-02"), None);
/// assert_eq!(compare("2024", "2025-02"), Some(Ordering::Less));
/// assert_eq!(Temporal::parse("2023-02-29", TemporalKind::Date), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Temporal {
    /// What it was read as.
    kind: TemporalKind,
    /// Year, month, day, hour, minute and nanoseconds within the minute; a time begins at hour.
    fields: [u64; 6],
    /// How many of the fields are given.
    given: usize,
    /// Digits of the fraction of the second that are given.
    fraction_digits: usize,
    /// Minutes east of UTC.
    zone: Option<i32>,
    /// Whether the zone is written as `Z`.
    is_zulu: bool,
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Temporal {
    /// Reads a text; `None` where it is not of the kind or there is no such day or time.
    #[must_use]
    pub fn parse(text: &str, kind: TemporalKind) -> Option<Self> {
        let mut parsed = Self {
            kind,
            fields: [0; 6],
            given: 0,
            fraction_digits: 0,
            zone: None,
            is_zulu: text.ends_with('Z'),
        };
        if kind == TemporalKind::Time {
            parsed.read_time(text)?;
            return Some(parsed);
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        parsed.read_date(date)?;
        if let Some(time) = time {
            if kind == TemporalKind::Date || parsed.given < 3 {
                return None;
            }
            let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
            let (time, zone) = time.split_at(zone_at);
            parsed.read_time(time)?;
            parsed.zone = read_zone(zone)?;
        }
        Some(parsed)
    }

    /// Which of the three it is.
    #[must_use]
    pub fn kind(&self) -> TemporalKind {
        self.kind
    }

    /// Whether it is a dateTime to the second at least, with its zone.
    #[must_use]
    pub fn is_instant(&self) -> bool {
        self.kind == TemporalKind::DateTime && self.given == 6 && self.zone.is_some()
    }

    /// Reads `YYYY[-MM[-DD]]`.
    fn read_date(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split('-');
        self.fields[0] = digits(parts.next()?, 4)?;
        self.given = 1;
        if let Some(month) = parts.next() {
            self.fields[1] = digits(month, 2).filter(|month| (1..=12).contains(month))?;
            self.given = 2;
        }
        if let Some(day) = parts.next() {
            let last = days_in_month(self.fields[0], self.fields[1]);
            self.fields[2] = digits(day, 2).filter(|day| (1..=last).contains(day))?;
            self.given = 3;
        }
        parts.next().is_none().then_some(())
    }

    /// Reads `hh[:mm[:ss[.fff]]]`.
    fn read_time(&mut self, text: &str) -> Option<()> {
        let mut parts = text.split(':');
        self.fields[3] = digits(parts.next()?, 2).filter(|hour| *hour < 24)?;
        self.given = 4;
        if let Some(minute) = parts.next() {
            self.fields[4] = digits(minute, 2).filter(|minute| *minute < 60)?;
            self.given = 5;
        }
        if let Some(second) = parts.next() {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
            let all_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
            if second.ends_with('.') || !all_digits {
                return None;
            }
            // 60 is a leap second.
            let whole = digits(whole, 2).filter(|whole| *whole <= 60)?;
            // FHIR R4 bounds the digits of a second nowhere; beyond the nanosecond they are cut.
            let padded = format!("{fraction:0<9}");
            self.fields[5] = whole * NANOS_PER_SECOND + digits(padded.get(..9)?, 9)?;
            self.fraction_digits = fraction.len().min(9);
            self.given = 6;
        }
        parts.next().is_none().then_some(())
    }

    /// Whether both are times of day, or neither is: only then have they an order.
    #[must_use]
    pub fn is_comparable(&self, other: &Self) -> bool {
        (self.kind == TemporalKind::Time) == (other.kind == TemporalKind::Time)
    }

    /// The order of two; `None` where the precision of one does not suffice, or where only one
    /// has a zone.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if !self.is_comparable(other) {
            return None;
        }
        let is_time = |kind| kind == TemporalKind::Time;
        let both_have_times = self.given > 3 && other.given > 3;
        let (left, right) = match (self.zone, other.zone) {
            _ if is_time(self.kind) || !both_have_times => (*self, *other),
            (Some(_), Some(_)) => (self.in_utc()?, other.in_utc()?),
            (None, None) => (*self, *other),
            _ => return None,
        };
        let first = if is_time(self.kind) { 3 } else { 0 };
        let common = left.given.min(right.given);
        for field in first..common {
            match left.fields[field].cmp(&right.fields[field]) {
                Ordering::Equal => {}
                different => return Some(different),
            }
        }
        (left.given == right.given).then_some(Ordering::Equal)
    }

    /// The earliest instant it may be, as text: to the millisecond, or as precise as it is given, in
    /// the easternmost zone where none is given. Dates stay dates.
    #[must_use]
    pub fn low_boundary(&self) -> String {
        let mut low = *self;
        let least = [1, 1, 1, 0, 0, 0];
        low.fields[low.given..].copy_from_slice(&least[low.given..]);
        low.text("+14:00")
    }

    /// The latest instant it may be, as text: to the millisecond, or as precise as it is given, in
    /// the westernmost zone where none is given. Dates stay dates.
    #[must_use]
    pub fn high_boundary(&self) -> String {
        let mut high = *self;
        if high.given < 2 {
            high.fields[1] = 12;
        }
        if high.given < 3 {
            high.fields[2] = days_in_month(high.fields[0], high.fields[1]);
        }
        if high.given < 4 {
            high.fields[3] = 23;
        }
        if high.given < 5 {
            high.fields[4] = 59;
        }
        if high.given < 6 {
            high.fields[5] = 59 * NANOS_PER_SECOND + 999_000_000;
        } else if high.fraction_digits < 3 {
            let step = 10_u64.pow(9 - u32::try_from(high.fraction_digits).unwrap_or(0));
            high.fields[5] = high.fields[5] + step - 1_000_000;
        }
        high.text("-12:00")
    }

    /// The text with all fields; with its own zone, or if it has none, with the one given.
    fn text(&self, unknown_zone: &str) -> String {
        let [year, month, day, hour, minute, nanos] = self.fields;
        let seconds = nanos / NANOS_PER_SECOND;
        let digits = self.fraction_digits.max(3);
        let fraction = format!("{:09}", nanos % NANOS_PER_SECOND);
        let fraction = fraction.get(..digits).unwrap_or(&fraction);
        let date = format!("{year:04}-{month:02}-{day:02}");
        let time = format!("{hour:02}:{minute:02}:{seconds:02}.{fraction}");
        match self.kind {
            TemporalKind::Date => date,
            TemporalKind::Time => time,
            TemporalKind::DateTime => {
                let zone = match self.zone {
                    None => unknown_zone.to_owned(),
                    Some(_) if self.is_zulu => "Z".to_owned(),
                    Some(minutes) => {
                        let sign = if minutes < 0 { '-' } else { '+' };
                        let minutes = minutes.unsigned_abs();
                        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
                    }
                };
                format!("{date}T{time}{zone}")
            }
        }
    }

    /// The same instant in UTC; only with a zone and an hour.
    fn in_utc(mut self) -> Option<Self> {
        let [year, month, day, hour, minute, _] = self.fields;
        let zone = i64::from(self.zone?);
        let days = days_from_epoch(year, month, day)?;
        let minutes = days * 24 * 60 + i64::try_from(hour * 60 + minute).ok()? - zone;
        let (year, month, day) = date_of_days(minutes.div_euclid(24 * 60))?;
        let in_day = u64::try_from(minutes.rem_euclid(24 * 60)).ok()?;
        self.fields[..5].copy_from_slice(&[year, month, day, in_day / 60, in_day % 60]);
        self.zone = Some(0);
        Some(self)
    }
}

/// The number in a text of exactly this many digits.
fn digits(text: &str, length: usize) -> Option<u64> {
    let all_digits = text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// `Some(None)`: no zone is given.
fn read_zone(text: &str) -> Option<Option<i32>> {
    if text.is_empty() {
        return Some(None);
    }
    if text == "Z" {
        return Some(Some(0));
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let hours = digits(hours, 2).filter(|hours| *hours <= 14)?;
    let minutes = digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    Some(Some(sign * i32::try_from(hours * 60 + minutes).ok()?))
}

/// The days of a month in the Gregorian calendar.
fn days_in_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, by way of years that begin in March
/// (the leap day is then the last of its year).
fn days_from_epoch(year: u64, month: u64, day: u64) -> Option<i64> {
    let (year, month) = (i64::try_from(year).ok()?, i64::try_from(month).ok()?);
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::try_from(day).ok()? - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// The date this many days after 1970-01-01.
fn date_of_days(days: i64) -> Option<(u64, u64, u64)> {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = (shifted_month + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((
        u64::try_from(year).ok()?,
        u64::try_from(month).ok()?,
        u64::try_from(day).ok()?,
    ))
}
