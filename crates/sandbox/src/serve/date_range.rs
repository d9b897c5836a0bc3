//! Date parameters: `ge2025-02-05` and its like as a span of time.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, TimeDelta, Utc};

/// The instants that every date parameter of one name lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DateRange {
    /// The first one.
    pub(crate) from: Option<DateTime<Utc>>,
    /// The first one after it.
    pub(crate) before: Option<DateTime<Utc>>,
}

impl DateRange {
    /// Whether `instant` lies within.
    pub(crate) fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.from.is_none_or(|from| from <= instant)
            && self.before.is_none_or(|before| instant < before)
    }

    /// Narrows the range by one parameter value whose prefix was checked; `Err` where the date
    /// cannot be read.
    pub(crate) fn narrow(&mut self, value: &str) -> Result<(), ()> {
        let (prefix, date) = value.split_at_checked(2).ok_or(())?;
        let (start, end) = precision_of(date).ok_or(())?;
        match prefix {
            "ge" => self.raise(start),
            "gt" => self.raise(end),
            "lt" => self.lower(start),
            "le" => self.lower(end),
            _ => return Err(()),
        }
        Ok(())
    }

    fn raise(&mut self, instant: DateTime<Utc>) {
        self.from = Some(self.from.map_or(instant, |from| from.max(instant)));
    }

    fn lower(&mut self, instant: DateTime<Utc>) {
        self.before = Some(self.before.map_or(instant, |before| before.min(instant)));
    }
}

/// The first instant of a FHIR date or time and the first one after it, by its precision.
fn precision_of(text: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    if text.contains('T') {
        let step = if text.contains('.') {
            TimeDelta::milliseconds(1)
        } else {
            TimeDelta::seconds(1)
        };
        let start = DateTime::parse_from_rfc3339(text)
            .map(|time| time.with_timezone(&Utc))
            .or_else(|_| {
                NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
                    .map(|time| time.and_utc())
            })
            .ok()?;
        return Some((start, start.checked_add_signed(step)?));
    }
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0).map(|time| time.and_utc());
    match text.len() {
        10 => {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some((
                midnight(date)?,
                midnight(date.checked_add_days(Days::new(1))?)?,
            ))
        }
        7 => {
            let date = NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").ok()?;
            Some((
                midnight(date)?,
                midnight(date.checked_add_months(Months::new(1))?)?,
            ))
        }
        4 => {
            let date = NaiveDate::from_ymd_opt(text.parse().ok()?, 1, 1)?;
            let next = NaiveDate::from_ymd_opt(date.year() + 1, 1, 1)?;
            Some((midnight(date)?, midnight(next)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::DateRange;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_left_out_by_gt_and_taken_in_by_ge_and_le() {
        let span = |value: &str| {
            let mut span = DateRange::default();
            span.narrow(value).unwrap();
            span
        };
        assert!(!span("gt2025-02-10").contains(at("2025-02-10T23:59:59Z")));
        assert!(span("gt2025-02-10").contains(at("2025-02-11T00:00:00Z")));
        assert!(span("ge2025-02-10").contains(at("2025-02-10T00:00:00Z")));
        assert!(span("le2025-02").contains(at("2025-02-28T23:00:00Z")));
        assert!(!span("lt2025").contains(at("2025-01-01T00:00:00Z")));
        assert!(span("ge2025-02-10T00:00:00.500Z").contains(at("2025-02-10T00:00:00.500Z")));
        assert!(!span("gt2025-02-10T00:00:00.500Z").contains(at("2025-02-10T00:00:00.500Z")));
    }

    #[test]
    fn values_without_a_date_are_refused() {
        for value in ["ge", "gtfoo", "ge2025-13-01", "xx2025-01-01", "é"] {
            assert!(DateRange::default().narrow(value).is_err(), "{value}");
        }
    }
}
