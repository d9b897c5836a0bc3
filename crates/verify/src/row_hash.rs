//! Rows of a batch as one number each, made column by column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt32Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use xxhash_rust::xxh3::xxh3_64;

/// The hash of a null cell.
const NULL: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Hashes rows; remembers what a dictionary's values are hashed to while batches share it.
#[derive(Debug, Default)]
pub(crate) struct RowHasher {
    rows: Vec<u64>,
    dictionaries: Vec<Option<(ArrayRef, Vec<u64>)>>,
}

impl RowHasher {
    /// The hashes of the rows of `columns`, which depend on values and the order of columns, not
    /// on whether a column is a dictionary.
    pub(crate) fn rows(&mut self, columns: &[ArrayRef]) -> Result<&[u64], ArrowError> {
        let length = columns.first().map_or(0, |column| column.len());
        self.rows.clear();
        self.rows.resize(length, 0);
        self.dictionaries.resize(columns.len(), None);
        for (column, known) in columns.iter().zip(&mut self.dictionaries) {
            add_column(&mut self.rows, column, known)?;
        }
        self.rows.iter_mut().for_each(|row| *row = finish(*row));
        Ok(&self.rows)
    }
}

/// One cell more: for any row there is one new value for each cell, so that a changed cell never
/// leaves the row as it was.
#[inline]
fn add(row: &mut u64, cell: u64) {
    *row = (row.rotate_left(23) ^ cell).wrapping_mul(FACTOR);
}

#[inline]
fn finish(row: u64) -> u64 {
    let row = (row ^ (row >> 32)).wrapping_mul(FACTOR);
    row ^ (row >> 29)
}

fn add_column(
    rows: &mut [u64],
    column: &ArrayRef,
    known: &mut Option<(ArrayRef, Vec<u64>)>,
) -> Result<(), ArrowError> {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            let mut last: (&str, u64) = ("", xxh3_64(b""));
            for (at, row) in rows.iter_mut().enumerate() {
                if texts.is_null(at) {
                    add(row, NULL);
                    continue;
                }
                let text = texts.value(at);
                if text != last.0 {
                    last = (text, xxh3_64(text.as_bytes()));
                }
                add(row, last.1);
            }
        }
        DataType::Dictionary(_, _) => add_dictionary(rows, column, known)?,
        DataType::Boolean => add_booleans(rows, column.as_boolean()),
        DataType::Int16 => add_numbers::<Int16Type>(rows, column, |value| value as u64),
        DataType::Int32 => add_numbers::<Int32Type>(rows, column, |value| value as u64),
        DataType::Int64 => add_numbers::<Int64Type>(rows, column, |value| value as u64),
        DataType::Date32 => add_numbers::<Date32Type>(rows, column, |value| value as u64),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            add_numbers::<TimestampMicrosecondType>(rows, column, |value| value as u64);
        }
        DataType::Decimal128(_, _) => {
            // Amounts fit into the lower half; the upper one is not lost where they do not.
            add_numbers::<Decimal128Type>(rows, column, |value| {
                (value as u64)
                    ^ ((value >> 64) as u64 ^ (value as i64 >> 63) as u64).rotate_left(17)
            });
        }
        _ => add_others(rows, column)?,
    }
    Ok(())
}

fn add_numbers<T: ArrowPrimitiveType>(
    rows: &mut [u64],
    column: &ArrayRef,
    bits: impl Fn(T::Native) -> u64,
) {
    let numbers = column.as_primitive::<T>();
    let values = rows.iter_mut().zip(numbers.values());
    match numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => values.for_each(|(row, value)| add(row, bits(*value))),
        Some(nulls) => values.zip(nulls).for_each(|((row, value), is_valid)| {
            add(row, if is_valid { bits(*value) } else { NULL });
        }),
    }
}

fn add_booleans(rows: &mut [u64], column: &BooleanArray) {
    for (row, value) in rows.iter_mut().zip(column) {
        add(row, value.map_or(NULL, u64::from));
    }
}

fn add_dictionary(
    rows: &mut [u64],
    column: &ArrayRef,
    known: &mut Option<(ArrayRef, Vec<u64>)>,
) -> Result<(), ArrowError> {
    let unknown = || ArrowError::NotYetImplemented(format!("hashing {}", column.data_type()));
    let dictionary = column.as_any_dictionary_opt().ok_or_else(unknown)?;
    let values = dictionary.values();
    // Batches of one row group share their buffers, not their arrays.
    let is_known = known
        .as_ref()
        .is_some_and(|(of, _)| of.to_data().ptr_eq(&values.to_data()));
    if !is_known {
        let texts = values.as_string_opt::<i32>().ok_or_else(unknown)?;
        let hashes = texts
            .iter()
            .map(|text| text.map_or(NULL, |text| xxh3_64(text.as_bytes())));
        *known = Some((Arc::clone(values), hashes.collect()));
    }
    let Some((_, hashes)) = known else {
        return Ok(());
    };
    // Dictionary keys are unsigned in the columns of views, and signed in those that Parquet's
    // reader returns.
    match dictionary.keys().data_type() {
        DataType::Int32 => add_numbered::<Int32Type>(rows, dictionary.keys(), hashes),
        DataType::UInt32 => add_numbered::<UInt32Type>(rows, dictionary.keys(), hashes),
        _ => return Err(unknown()),
    }
    Ok(())
}

fn add_numbered<T: ArrowPrimitiveType<Native: TryInto<usize>>>(
    rows: &mut [u64],
    keys: &dyn Array,
    hashes: &[u64],
) {
    let keys = keys.as_primitive::<T>();
    for (row, key) in rows.iter_mut().zip(keys) {
        let hash = key.and_then(|key| hashes.get(key.try_into().ok()?).copied());
        add(row, hash.unwrap_or(NULL));
    }
}

/// Lists, and any type that tables may have later.
fn add_others(rows: &mut [u64], column: &ArrayRef) -> Result<(), ArrowError> {
    let converter = RowConverter::new(vec![SortField::new(column.data_type().clone())])?;
    let encoded = converter.convert_columns(std::slice::from_ref(column))?;
    for (at, row) in rows.iter_mut().enumerate() {
        add(row, xxh3_64(encoded.row(at).as_ref()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::Int32Type;
    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Int32Array,
        ListArray, StringArray,
    };

    use super::RowHasher;

    fn hashes(columns: &[ArrayRef]) -> Vec<u64> {
        RowHasher::default().rows(columns).unwrap().to_vec()
    }

    #[test]
    fn each_value_of_each_type_has_a_hash_of_its_own_and_null_is_none_of_them() {
        let lists = [
            Some(vec![Some(1)]),
            Some(vec![Some(1), None]),
            Some(vec![]),
            None,
        ];
        let columns: [ArrayRef; 6] = [
            Arc::new(StringArray::from(vec![
                Some("a"),
                Some("b"),
                Some(""),
                None,
            ])),
            Arc::new(Int32Array::from(vec![Some(0), Some(1), Some(-1), None])),
            Arc::new(Date32Array::from(vec![Some(0), Some(1), Some(-1), None])),
            Arc::new(Decimal128Array::from(vec![
                Some(1),
                Some(-1),
                Some(1 << 64),
                None,
            ])),
            Arc::new(BooleanArray::from(vec![
                Some(true),
                Some(false),
                Some(true),
                None,
            ])),
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
        ];
        for column in columns {
            let found = hashes(&[Arc::clone(&column)]);
            let distinct: std::collections::BTreeSet<_> = found.iter().collect();
            let expected = if column.as_any().is::<BooleanArray>() {
                3
            } else {
                4
            };
            assert_eq!(distinct.len(), expected, "{}", column.data_type());
        }
    }

    #[test]
    fn a_dictionary_is_hashed_as_its_values_and_swapped_columns_are_not_the_same() {
        let texts = vec![Some("x"), Some("y"), None, Some("x")];
        let plain: ArrayRef = Arc::new(StringArray::from(texts.clone()));
        let coded: ArrayRef = Arc::new(texts.into_iter().collect::<DictionaryArray<Int32Type>>());
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
        let of_plain = hashes(&[Arc::clone(&plain), Arc::clone(&numbers)]);
        assert_eq!(
            of_plain,
            hashes(&[Arc::clone(&coded), Arc::clone(&numbers)])
        );
        assert_ne!(of_plain, hashes(&[numbers, coded]));
    }
}
