//! A month of a year.

/// Counted from January of year 0, so that the next is one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Month(i32);

impl Month {
    /// The month with a number from 1 to 12.
    pub(super) fn new(year: i32, month: u32) -> Option<Self> {
        let month = i32::try_from(month)
            .ok()
            .filter(|month| (1..=12).contains(month))?;
        (0..=9999)
            .contains(&year)
            .then_some(Self(year * 12 + month - 1))
    }

    /// The month of a day, counted from 1970-01-01.
    pub(super) fn of_day(day: i32) -> Option<Self> {
        let day = arrow_array::temporal_conversions::date32_to_datetime(day)?.date();
        Self::new(chrono::Datelike::year(&day), chrono::Datelike::month(&day))
    }

    /// Its year.
    pub(super) fn year(self) -> i32 {
        self.0 / 12
    }

    /// Its first day, counted from 1970-01-01.
    pub(super) fn first_day(self) -> i32 {
        let (year, month) = (self.0 / 12, self.0 % 12 + 1);
        let day = chrono::NaiveDate::from_ymd_opt(year, month.unsigned_abs(), 1);
        day.map_or(0, |day| chrono::Datelike::num_days_from_ce(&day) - 719_163)
    }

    /// This month and those that follow, to a last one.
    pub(super) fn up_to(self, last: Self) -> impl Iterator<Item = Self> {
        (self.0..=last.0).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_day() {
        for (day, year, month, first) in [
            (0, 1970, 1, 0),
            (30, 1970, 1, 0),
            (31, 1970, 2, 31),
            (-1, 1969, 12, -31),
            (19_782, 2024, 2, 19_754),
        ] {
            assert_eq!(Month::of_day(day), Month::new(year, month), "{day}");
            assert_eq!(Month::new(year, month).unwrap().first_day(), first, "{day}");
        }
        assert_eq!(Month::new(2024, 0), None);
        assert_eq!(Month::new(2024, 13), None);
        let months: Vec<_> = Month::new(2023, 11)
            .unwrap()
            .up_to(Month::new(2024, 2).unwrap())
            .collect();
        assert_eq!(months.len(), 4);
        assert_eq!(months.last(), Month::new(2024, 2).as_ref());
    }
}
