//! `column=value/` in paths: the hive convention, both ways.
//!
//! No value is null: what is not known has a value of its own, for each type. Which texts name no
//! folder, and how others are written, is `contract`'s.
//!
//! ```
//! use arrow_schema::DataType;
//! use claimlake_columnar::hive_path::{path, values_in};
//!
//! let (text, number) = (DataType::Utf8, DataType::Int32);
//! let columns = [("eob_type", &text, Some("A/B".to_owned())), ("service_year", &number, None)];
//! let folders = path(columns.into_iter());
//! // What is not known is 0 in a column of numbers.
//! assert_eq!(folders, "eob_type=A%2FB/service_year=0");
//! let values = values_in(&folders, &[("eob_type", &text), ("service_year", &number)]);
//! assert_eq!(values, Some(vec!["A/B".to_owned(), "0".to_owned()]));
//! ```

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, DictionaryArray, PrimitiveArray,
    StringArray, UInt32Array,
};
use arrow_schema::{ArrowError, DataType};
use arrow_select::concat::concat;
use arrow_select::take::take;
use claimlake_contract::hive;

use crate::sort::buffered::{plain_column, with_dictionary};

/// Whether a column of this type can be a partition column.
pub fn can_partition(data_type: &DataType) -> bool {
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

/// The value of `row` as text; `None` if it is null.
pub fn value_text(array: &dyn Array, row: usize) -> Option<String> {
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

/// An array of `rows` times the value in a path; `None` if it cannot be read.
pub fn array_of(data_type: &DataType, text: &str, rows: usize) -> Option<ArrayRef> {
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

/// The text of the value in place of null in a partition column of this type.
fn unknown(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => hive::UNKNOWN,
        DataType::Boolean => hive::UNKNOWN_BOOLEAN,
        DataType::Date32 => hive::UNKNOWN_DATE,
        _ => hive::UNKNOWN_NUMBER,
    }
}

/// Days from 1970-01-01 to the first and the last day that a path can name.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;

/// A partition column, text as a dictionary, without nulls and without values that no folder can be
/// named for: what is not known has a value of its own. None where the column is right as it is.
///
/// # Errors
///
/// The column is not of a type that a partition column has.
pub fn known(column: &str, array: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    if let Some(texts) = array.as_dictionary_opt::<UInt32Type>() {
        return known_texts(column, texts);
    }
    let is_known: Vec<bool> = match array.as_primitive_opt::<Date32Type>() {
        Some(days) => days
            .iter()
            .map(|day| day.is_some_and(|day| (FIRST_DAY..=LAST_DAY).contains(&day)))
            .collect(),
        None if array.null_count() == 0 => return Ok(None),
        None => (0..array.len()).map(|row| array.is_valid(row)).collect(),
    };
    if is_known.iter().all(|known| *known) {
        return Ok(None);
    }
    let data_type = array.data_type();
    let unknown = array_of(data_type, unknown(data_type), 1).ok_or_else(|| {
        ArrowError::InvalidArgumentError(format!("'{column}' is {data_type}, no partition column"))
    })?;
    let both = concat(&[array.as_ref(), unknown.as_ref()])?;
    let rows = is_known
        .iter()
        .zip(0_u32..)
        .map(|(known, row)| match known {
            true => row,
            false => array.len() as u32,
        });
    take(&both, &UInt32Array::from_iter_values(rows), None).map(Some)
}

fn known_texts(
    column: &str,
    texts: &DictionaryArray<UInt32Type>,
) -> Result<Option<ArrayRef>, ArrowError> {
    let values = texts.values().as_string::<i32>();
    let is_known: Vec<bool> = values
        .iter()
        .map(|text| text.is_some_and(|text| hive::unfit(column, text).is_none()))
        .collect();
    if texts.keys().null_count() == 0 && is_known.iter().all(|known| *known) {
        return Ok(None);
    }
    let unknown = values.len() as u32;
    let with_unknown: StringArray = values
        .iter()
        .map(|text| Some(text.unwrap_or_default()))
        .chain([Some(hive::UNKNOWN)])
        .collect();
    let numbers = texts.keys().iter().map(|number| match number {
        Some(number) if is_known.get(number as usize) == Some(&true) => number,
        _ => unknown,
    });
    let numbers = UInt32Array::from_iter_values(numbers);
    let replaced = DictionaryArray::try_new(numbers, Arc::new(with_unknown))?;
    Ok(Some(Arc::new(replaced)))
}

/// The folders of a partition, given the type and the value of each column. Null, of which [`known`]
/// leaves none, has the folder of what is not known.
pub fn path<'v>(columns: impl Iterator<Item = (&'v str, &'v DataType, Option<String>)>) -> String {
    let folders = columns.map(|(name, data_type, value)| match value {
        Some(value) => hive::folder(name, &value),
        None => hive::folder(name, unknown(data_type)),
    });
    folders.collect::<Vec<_>>().join("/")
}

/// The folder that a row of any table lies in by one of its partition columns.
///
/// # Errors
///
/// The column is not of a type that a partition column has.
pub fn partition_folder(column: &str, values: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    let one = with_dictionary(&values.slice(row, 1))?;
    let one = known(column, &one)?.unwrap_or(one);
    let one = plain_column(&one)?;
    match value_text(&one, 0) {
        Some(value) => Ok(hive::folder(column, &value)),
        None => Err(ArrowError::InvalidArgumentError(format!(
            "'{column}' is {}, no partition column",
            one.data_type()
        ))),
    }
}

/// The values in a partition's path, outermost first; `None` if the path is of another layout. What
/// an older build wrote as null is what is not known.
pub fn values_in(path: &str, columns: &[(&str, &DataType)]) -> Option<Vec<String>> {
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
        .map(|(folder, (column, data_type))| {
            let (name, value) = hive::column_and_value(folder)?;
            let value = value.unwrap_or_else(|| unknown(data_type).to_owned());
            (name == *column).then_some(value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow_array::{Date32Array, Int32Array};

    use super::*;

    #[test]
    fn null_has_a_folder_of_its_own_for_every_type() {
        for (data_type, expected) in [
            (DataType::Utf8, "c=UNKNOWN"),
            (DataType::Int16, "c=0"),
            (DataType::UInt64, "c=0"),
            (DataType::Date32, "c=0001-01-01"),
            (DataType::Boolean, "c=false"),
        ] {
            let folder = path([("c", &data_type, None)].into_iter());
            assert_eq!(folder, expected);
            // It is a value of the type, and an older build's null is read as it.
            let old = "c=__HIVE_DEFAULT_PARTITION__";
            for read in [expected, old] {
                let values = values_in(read, &[("c", &data_type)]).unwrap();
                let array = array_of(&data_type, &values[0], 2).unwrap();
                assert_eq!((array.len(), array.null_count()), (2, 0), "{read}");
            }
        }
    }

    #[test]
    fn a_path_of_another_layout_is_not_read() {
        let (year, text) = (&DataType::Int32, &DataType::Utf8);
        assert_eq!(values_in("year=2024", &[("type", text)]), None);
        assert_eq!(
            values_in("year=2024", &[("type", text), ("year", year)]),
            None
        );
        assert_eq!(values_in("", &[("type", text)]), None);
        assert_eq!(values_in("", &[]), Some(vec![]));
    }

    #[test]
    fn texts_that_name_no_folder_become_unknown() {
        let long = "x".repeat(300);
        let given = [
            Some("A"),
            None,
            Some(""),
            Some("null"),
            Some(long.as_str()),
            Some("A"),
        ];
        let array: DictionaryArray<UInt32Type> = given.into_iter().collect();
        let array: ArrayRef = Arc::new(array);
        let replaced = known("eob_type", &array).unwrap().unwrap();
        let texts = replaced.as_dictionary::<UInt32Type>();
        let texts: Vec<_> = texts
            .downcast_dict::<StringArray>()
            .unwrap()
            .into_iter()
            .collect();
        let unknown = Some("UNKNOWN");
        assert_eq!(
            texts,
            [Some("A"), unknown, unknown, unknown, unknown, Some("A")]
        );
        let array: DictionaryArray<UInt32Type> = ["A", "B"].into_iter().collect();
        let array: ArrayRef = Arc::new(array);
        assert_eq!(known("eob_type", &array).unwrap(), None);
    }

    #[test]
    fn numbers_and_days_that_are_not_there_become_what_is_not_known() {
        let years: ArrayRef = Arc::new(Int32Array::from(vec![Some(2024), None]));
        let expected: ArrayRef = Arc::new(Int32Array::from(vec![2024, 0]));
        assert_eq!(known("year", &years).unwrap(), Some(expected));
        // The last has five digits in its year.
        let days: ArrayRef = Arc::new(Date32Array::from(vec![None, Some(0), Some(2_932_897)]));
        let replaced = known("day", &days).unwrap().unwrap();
        let written: Vec<_> = (0..3).map(|row| value_text(&replaced, row)).collect();
        let written: Vec<_> = written.iter().flatten().map(String::as_str).collect();
        assert_eq!(written, ["0001-01-01", "1970-01-01", "0001-01-01"]);
        let flags: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), None]));
        let expected: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
        assert_eq!(known("flag", &flags).unwrap(), Some(expected));
    }

    #[test]
    fn dates_are_counted_in_days() {
        assert_eq!(days_since_epoch("1970-01-01"), Some(0));
        assert_eq!(days_since_epoch("2000-02-29"), Some(11_016));
        assert_eq!(days_since_epoch("1969-12-31"), Some(-1));
        assert_eq!(days_since_epoch("0001-01-01"), Some(FIRST_DAY));
        assert_eq!(days_since_epoch("9999-12-31"), Some(LAST_DAY));
    }
}
