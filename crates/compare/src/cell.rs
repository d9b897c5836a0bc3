//! One value of a table, read from its column without a copy, and when two of them are alike.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

/// A value, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    None,
    Text(&'a str),
    Number(i64),
    /// The number and its digits after the point.
    Decimal(i128, i8),
    Flag(bool),
    /// Days since 1970.
    Day(i32),
    /// Microseconds since 1970.
    Time(i64),
}

/// Whether cells of this type can be read.
pub(crate) fn is_supported(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt64
            | DataType::Decimal128(_, _)
            | DataType::Boolean
            | DataType::Date32
            | DataType::Timestamp(TimeUnit::Microsecond, _)
    )
}

impl<'a> Cell<'a> {
    /// The value of a row; none in a column of a type that cannot be read.
    pub(crate) fn of(column: &'a ArrayRef, row: usize) -> Self {
        if row >= column.len() || column.is_null(row) {
            return Self::None;
        }
        match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string::<i32>().value(row)),
            DataType::Int8 => Self::Number(column.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Self::Number(column.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Self::Number(column.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Self::Number(column.as_primitive::<Int64Type>().value(row)),
            DataType::UInt64 => Self::Number(
                i64::try_from(column.as_primitive::<UInt64Type>().value(row)).unwrap_or(i64::MAX),
            ),
            DataType::Decimal128(_, scale) => {
                Self::Decimal(column.as_primitive::<Decimal128Type>().value(row), *scale)
            }
            DataType::Boolean => Self::Flag(column.as_boolean().value(row)),
            DataType::Date32 => Self::Day(column.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let times = column.as_primitive::<TimestampMicrosecondType>();
                Self::Time(times.value(row))
            }
            _ => Self::None,
        }
    }

    pub(crate) fn is_none(self) -> bool {
        self == Self::None
    }

    /// Whether two values are the same: decimals also with another number of digits.
    pub(crate) fn is_same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Decimal(left, of_left), Self::Decimal(right, of_right)) => {
                let scale = of_left.max(of_right);
                let scaled = |value: i128, of: i8| {
                    let digits = u32::from((scale - of).unsigned_abs());
                    10_i128.checked_pow(digits)?.checked_mul(value)
                };
                let (left, right) = (scaled(left, of_left), scaled(right, of_right));
                left.is_some() && left == right
            }
            _ => self == other,
        }
    }

    /// Whether two values say the same in another form: padding, points, hyphens, blanks, case; or
    /// a number as text.
    pub(crate) fn is_same_in_other_form(self, other: Self) -> bool {
        let (left, right) = (self.text(), other.text());
        match (left, right) {
            (Some(left), Some(right)) => {
                let (left, right) = (bare(&left), bare(&right));
                !left.is_empty() && left == right
            }
            _ => false,
        }
    }

    /// As text: decimals with their digits, days and times as numbers of days and microseconds.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        Some(match self {
            Self::None => return None,
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Decimal(value, scale) => Cow::Owned(decimal(value, scale)),
            Self::Flag(flag) => Cow::Borrowed(if flag { "true" } else { "false" }),
            Self::Day(day) => Cow::Owned(date(day)),
            Self::Time(time) => Cow::Owned(time.to_string()),
        })
    }
}

/// Letters and digits alone, in capitals, without zeros in front.
fn bare(text: &str) -> String {
    let kept = text.chars().filter(|one| one.is_alphanumeric());
    let kept: String = kept.flat_map(char::to_uppercase).collect();
    let without = kept.trim_start_matches('0');
    match without.is_empty() && !kept.is_empty() {
        true => "0".into(),
        false => without.into(),
    }
}

fn decimal(value: i128, scale: i8) -> String {
    let digits = usize::from(scale.max(0).unsigned_abs());
    let whole = format!("{:0>width$}", value.unsigned_abs(), width = digits + 1);
    let (front, back) = whole.split_at(whole.len() - digits);
    let sign = if value < 0 { "-" } else { "" };
    match digits {
        0 => format!("{sign}{front}"),
        _ => format!("{sign}{front}.{back}"),
    }
}

/// A day as `YYYY-MM-DD`, by the proleptic Gregorian calendar (civil-from-days of Howard Hinnant).
fn date(day: i32) -> String {
    let shifted = i64::from(day) + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = match shifted_month {
        0..10 => shifted_month + 3,
        _ => shifted_month - 9,
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::Cell;

    #[test]
    fn what_is_said_in_another_form_is_the_same() {
        let same = [
            ("0123", "123"),
            ("E11.9", "E119"),
            ("0071-0155-23", "00071015523"),
            ("a1 ", "A1"),
            ("00", "0"),
        ];
        for (left, right) in same {
            assert!(
                Cell::Text(left).is_same_in_other_form(Cell::Text(right)),
                "{left} {right}"
            );
            assert!(!Cell::Text(left).is_same(Cell::Text(right)));
        }
        for (left, right) in [("10", "1"), ("E119", "E118"), ("-", "."), ("", "0")] {
            assert!(
                !Cell::Text(left).is_same_in_other_form(Cell::Text(right)),
                "{left} {right}"
            );
        }
        assert!(Cell::Text("007").is_same_in_other_form(Cell::Number(7)));
        assert!(!Cell::None.is_same_in_other_form(Cell::Text("0")));
    }

    #[test]
    fn decimals_are_compared_by_value_and_none_is_not_zero() {
        assert!(Cell::Decimal(150, 2).is_same(Cell::Decimal(15_000, 4)));
        assert!(!Cell::Decimal(150, 2).is_same(Cell::Decimal(150, 4)));
        assert!(!Cell::None.is_same(Cell::Decimal(0, 2)));
    }

    #[test]
    fn texts_of_values() {
        let text = |cell: Cell<'_>| cell.text().unwrap().into_owned();
        assert_eq!(text(Cell::Decimal(-5, 2)), "-0.05");
        assert_eq!(text(Cell::Decimal(123_456, 2)), "1234.56");
        assert_eq!(text(Cell::Day(0)), "1970-01-01");
        assert_eq!(text(Cell::Day(19_782)), "2024-02-29");
        assert_eq!(text(Cell::Day(-1)), "1969-12-31");
    }
}
