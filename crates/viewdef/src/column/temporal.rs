//! Dates and instants as Arrow counts them: `Date32` and `Timestamp(Microsecond, "UTC")`.
//!
//! FHIR's date, dateTime and instant: <https://hl7.org/fhir/R4/datatypes.html#date>. A date is never
//! converted between zones, since it is the day that somebody wrote; only an instant is.

use crate::fhirpath::{Temporal, TemporalKind};

/// Days since 1970-01-01 of a whole date, or of the first ten characters of a dateTime; never
/// converted between zones.
#[must_use]
pub fn date_days(text: &str) -> Option<i32> {
    if text.len() != 10 && Temporal::parse(text, TemporalKind::DateTime).is_none() {
        return None;
    }
    let (year, month, day) = year_month_day(text.as_bytes())?;
    i32::try_from(days_from_civil(year, month, day)).ok()
}

/// The year of a date of any precision or of a dateTime.
#[must_use]
pub fn year(text: &str) -> Option<i32> {
    if date_days(text).is_none() && Temporal::parse(text, TemporalKind::DateTime).is_none() {
        return None;
    }
    i32::try_from(number(text.as_bytes().get(..4)?)?).ok()
}

/// Microseconds since the epoch of an instant: to the second at least, with its zone. What is finer
/// is cut, never rounded, so that no instant moves to a later second or day.
#[must_use]
pub fn instant_micros(text: &str) -> Option<i64> {
    if !Temporal::parse(text, TemporalKind::DateTime)?.is_instant() {
        return None;
    }
    let bytes = text.as_bytes();
    let (year, month, day) = year_month_day(bytes)?;
    let hours = number(bytes.get(11..13)?)?;
    let minutes = number(bytes.get(14..16)?)?;
    let seconds = number(bytes.get(17..19)?)?;
    let rest = bytes.get(19..)?;
    let fraction = match rest.strip_prefix(b".") {
        Some(digits) => digits
            .iter()
            .take_while(|digit| digit.is_ascii_digit())
            .count(),
        None => 0,
    };
    let mut micros = 0;
    for place in 0..6 {
        let digit = if place < fraction {
            rest.get(1 + place)
                .map_or(0, |digit| i64::from(*digit) - 48)
        } else {
            0
        };
        micros = micros * 10 + digit;
    }
    let zone = rest.get(if fraction > 0 { 1 + fraction } else { 0 }..)?;
    let east = match zone {
        b"Z" => 0,
        [sign, zone @ ..] => {
            let east = number(zone.get(..2)?)? * 60 + number(zone.get(3..5)?)?;
            if *sign == b'-' { -east } else { east }
        }
        [] => return None,
    };
    let days = days_from_civil(year, month, day);
    let total = ((days * 24 + hours) * 60 + minutes - east) * 60 + seconds;
    Some(total * 1_000_000 + micros)
}

/// The number of ASCII digits.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + i64::from(digit - b'0'))
    })
}

/// The day that the first ten characters name, if there is such a day.
fn year_month_day(text: &[u8]) -> Option<(i64, i64, i64)> {
    let date = text.get(..10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (
        number(&date[..4])?,
        number(&date[5..7])?,
        number(&date[8..])?,
    );
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=last).contains(&day).then_some((year, month, day))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March here, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::{date_days, instant_micros, year};

    #[test]
    fn a_date_is_its_first_ten_characters_and_must_exist() {
        assert_eq!(date_days("1970-01-01"), Some(0));
        assert_eq!(date_days("2000-03-01"), Some(11_017));
        assert_eq!(date_days("1969-12-31"), Some(-1));
        assert_eq!(date_days("2024-02-29"), Some(19_782));
        assert_eq!(date_days("2024-02-29T23:59:59-10:00"), Some(19_782));
        for text in [
            "2023-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-01-00",
            "2024-1-01",
            "2024-02",
            "2024",
            "",
            "2024-02-29x",
            "2024-02-29T25:00:00Z",
            "20240229..",
        ] {
            assert_eq!(date_days(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_converted_to_utc_to_the_microsecond() {
        assert_eq!(instant_micros("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(instant_micros("1970-01-01T00:00:00.000001Z"), Some(1));
        assert_eq!(instant_micros("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(
            instant_micros("2026-11-23T16:40:12.345-05:00"),
            Some(1_795_470_012_345_000)
        );
        assert_eq!(instant_micros("1970-01-01T00:00:00.0000019Z"), Some(1));
        assert_eq!(instant_micros("1970-01-01T00:00:00"), None);
        assert_eq!(instant_micros("1970-01-01"), None);
    }

    #[test]
    fn a_year_is_that_of_any_precision() {
        assert_eq!(year("2024"), Some(2024));
        assert_eq!(year("2024-05"), Some(2024));
        assert_eq!(year("2024-05-06"), Some(2024));
        assert_eq!(year("2024-05-06T00:00:00Z"), Some(2024));
        assert_eq!(year("2024-13"), None);
        assert_eq!(year("24"), None);
    }
}
