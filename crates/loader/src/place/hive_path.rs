//! `column=value/` in paths: the hive convention, both ways.
//!
//! Null is `__HIVE_DEFAULT_PARTITION__`, and so is the empty string (as Spark writes it). What may
//! not stand in a folder name is percent-encoded, as Hive does.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray, new_null_array,
};
use arrow_schema::DataType;
use claimlake_contract::HIVE_NULL;

/// Whether a column of this type can be a partition column.
pub(crate) fn can_partition(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::Boolean
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32
            | DataType::UInt64
            | DataType::Date32
    )
}

/// The value of `row` as text; none where it is null.
pub(crate) fn value_text(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    fn number<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<String>
    where
        T::Native: std::fmt::Display,
    {
        Some(array.as_primitive::<T>().value(row).to_string())
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row).to_owned()),
        DataType::Boolean => Some(array.as_boolean().value(row).to_string()),
        DataType::Int8 => number::<Int8Type>(array, row),
        DataType::Int16 => number::<Int16Type>(array, row),
        DataType::Int32 => number::<Int32Type>(array, row),
        DataType::Int64 => number::<Int64Type>(array, row),
        DataType::UInt8 => number::<UInt8Type>(array, row),
        DataType::UInt16 => number::<UInt16Type>(array, row),
        DataType::UInt32 => number::<UInt32Type>(array, row),
        DataType::UInt64 => number::<UInt64Type>(array, row),
        DataType::Date32 => array
            .as_primitive::<Date32Type>()
            .value_as_date(row)
            .map(|date| date.to_string()),
        _ => None,
    }
}

/// An array of `rows` times the value that stands in a path; none where it cannot be read.
pub(crate) fn array_of(data_type: &DataType, value: Option<&str>, rows: usize) -> Option<ArrayRef> {
    let Some(text) = value else {
        return Some(new_null_array(data_type, rows));
    };
    fn number<T: ArrowPrimitiveType>(text: &str, rows: usize) -> Option<ArrayRef>
    where
        T::Native: std::str::FromStr,
    {
        let value = text.parse().ok()?;
        Some(Arc::new(PrimitiveArray::<T>::from_value(value, rows)))
    }
    match data_type {
        DataType::Utf8 => {
            let strings = std::iter::repeat_n(text, rows).collect::<Vec<_>>();
            Some(Arc::new(StringArray::from(strings)))
        }
        DataType::Boolean => {
            let value: bool = text.parse().ok()?;
            Some(Arc::new(BooleanArray::from(vec![value; rows])))
        }
        DataType::Int8 => number::<Int8Type>(text, rows),
        DataType::Int16 => number::<Int16Type>(text, rows),
        DataType::Int32 => number::<Int32Type>(text, rows),
        DataType::Int64 => number::<Int64Type>(text, rows),
        DataType::UInt8 => number::<UInt8Type>(text, rows),
        DataType::UInt16 => number::<UInt16Type>(text, rows),
        DataType::UInt32 => number::<UInt32Type>(text, rows),
        DataType::UInt64 => number::<UInt64Type>(text, rows),
        DataType::Date32 => {
            let days = days_since_epoch(text)?;
            Some(Arc::new(PrimitiveArray::<Date32Type>::from_value(
                days, rows,
            )))
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to `YYYY-MM-DD` (proleptic Gregorian).
fn days_since_epoch(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let year: i64 = parts.next()?.parse().ok()?;
    let month: i64 = parts.next()?.parse().ok()?;
    let day: i64 = parts.next()?.parse().ok()?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Counting years from March puts the leap day at the end of the year.
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i32::try_from(era * 146_097 + day_of_era - 719_468).ok()
}

/// `column=value` as a folder name.
pub(crate) fn folder(column: &str, value: Option<&str>) -> String {
    let mut name = escape(column);
    name.push('=');
    match value {
        None | Some("") => name.push_str(HIVE_NULL),
        Some(text) => name.push_str(&escape(text)),
    }
    name
}

/// The values in a partition's path, outermost first; none where the path is of another layout.
pub(crate) fn values_in(path: &str, columns: &[String]) -> Option<Vec<Option<String>>> {
    if columns.is_empty() {
        return path.is_empty().then(Vec::new);
    }
    let folders: Vec<&str> = path.split('/').collect();
    if folders.len() != columns.len() {
        return None;
    }
    folders
        .iter()
        .zip(columns)
        .map(|(folder, column)| {
            let value = folder.strip_prefix(&format!("{}=", escape(column)))?;
            if value == HIVE_NULL {
                return Some(None);
            }
            unescape(value).map(Some)
        })
        .collect()
}

/// Whether Hive percent-encodes this byte.
fn is_unsafe(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f || b"\"#%'*/:=?\\{[]^".contains(&byte)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // "." and ".." would leave the folder; no other name made of safe characters does.
    let only_dots = text.bytes().all(|byte| byte == b'.');
    for character in text.chars() {
        let unsafe_byte = u8::try_from(character)
            .ok()
            .filter(|byte| character.is_ascii() && (is_unsafe(*byte) || only_dots));
        match unsafe_byte {
            // Writing to a string cannot fail.
            Some(byte) => {
                let _ = write!(escaped, "%{byte:02X}");
            }
            None => escaped.push(character),
        }
    }
    escaped
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way_into_a_path_and_back() {
        for value in ["CARRIER", "a/b", "..", "50%", "x=y", "é", "a b"] {
            let name = folder("type", Some(value));
            assert!(!name.contains('/'), "{name}");
            assert!(!name.ends_with("=.."), "{name}");
            let values = values_in(&name, &["type".to_owned()]);
            assert_eq!(values, Some(vec![Some(value.to_owned())]));
        }
        assert_eq!(folder("a", Some("x:y")), "a=x%3Ay");
    }

    #[test]
    fn null_and_the_empty_string_are_the_default_partition() {
        assert_eq!(folder("year", None), "year=__HIVE_DEFAULT_PARTITION__");
        assert_eq!(folder("year", Some("")), "year=__HIVE_DEFAULT_PARTITION__");
        let back = values_in("year=__HIVE_DEFAULT_PARTITION__", &["year".to_owned()]);
        assert_eq!(back, Some(vec![None]));
    }

    #[test]
    fn a_path_of_another_layout_is_not_read() {
        assert_eq!(values_in("year=2024", &["type".to_owned()]), None);
        assert_eq!(values_in("", &["type".to_owned()]), None);
        assert_eq!(values_in("", &[]), Some(vec![]));
    }

    #[test]
    fn dates_are_counted_in_days() {
        assert_eq!(days_since_epoch("1970-01-01"), Some(0));
        assert_eq!(days_since_epoch("2000-02-29"), Some(11_016));
        assert_eq!(days_since_epoch("1969-12-31"), Some(-1));
    }
}
