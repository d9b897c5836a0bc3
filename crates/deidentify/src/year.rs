//! Years of dates, as a lake has them: days, instants, or text as sent.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Int32Array};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, Datelike as _, NaiveDate};

/// 1970-01-01, in days since 0000-12-31.
const EPOCH: i32 = 719_163;

/// The years of a column; `None` for a column without dates.
pub(crate) fn years(column: &ArrayRef) -> Option<Int32Array> {
    match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            Some(days.iter().map(|day| year_of_day(day?)).collect())
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instants = column.as_primitive::<TimestampMicrosecondType>().iter();
            let year = |micros| DateTime::from_timestamp_micros(micros).map(|at| at.year());
            Some(instants.map(|micros| year(micros?)).collect())
        }
        DataType::Int32 => Some(column.as_primitive::<Int32Type>().clone()),
        DataType::Utf8 => Some(
            column
                .as_string::<i32>()
                .iter()
                .map(|text| year_of_text(text?))
                .collect(),
        ),
        _ => None,
    }
}

fn year_of_day(day: i32) -> Option<i32> {
    let date = NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH)?)?;
    Some(date.year())
}

/// The year of a FHIR date or dateTime: four digits, then nothing or `-`.
fn year_of_text(text: &str) -> Option<i32> {
    let (year, rest) = text.split_at_checked(4)?;
    let is_year = year.bytes().all(|byte| byte.is_ascii_digit());
    let is_date = rest.is_empty() || rest.starts_with('-');
    (is_year && is_date).then(|| year.parse().ok()).flatten()
}

/// The name of a column of years.
pub(crate) fn year_name(column: &str) -> String {
    let stem = column.strip_suffix("_date").unwrap_or(column);
    format!("{stem}_year")
}

#[cfg(test)]
mod tests {
    use super::{year_name, year_of_day, year_of_text};

    #[test]
    fn years_of_leap_days_and_of_days_around_the_new_year() {
        // Days since 1970 by Python: (date(y, m, d) - date(1970, 1, 1)).days
        for (day, year) in [
            (0, 1970),
            (-1, 1969),
            (364, 1970),
            (365, 1971),
            (11_016, 2000), // 2000-02-29
            (19_782, 2024), // 2024-02-29
            (20_088, 2024), // 2024-12-31
            (20_089, 2025),
            (-25_509, 1900), // 1900-02-28, which no leap day follows
        ] {
            assert_eq!(year_of_day(day), Some(year), "{day}");
        }
        assert_eq!(year_of_day(i32::MAX), None);
        for (text, year) in [
            ("2024", Some(2024)),
            ("2024-02-29", Some(2024)),
            ("2024-12-31T23:59:59-05:00", Some(2024)),
            ("20240229", None),
            ("", None),
            ("last", None),
        ] {
            assert_eq!(year_of_text(text), year, "{text}");
        }
        assert_eq!(year_name("from_date"), "from_year");
        assert_eq!(year_name("last_updated"), "last_updated_year");
    }
}
