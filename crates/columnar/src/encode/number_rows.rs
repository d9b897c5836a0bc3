//! Rows of numbers from buffered batches, narrowed to what Parquet writes of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal64Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, TimeUnit};
use parquet::errors::{ParquetError, Result};

use crate::sort::buffered::buffered_type;
use crate::sort::row_ranges::{Ranges, nulls_of};

/// Whether [`gather`] takes columns of this type.
pub(crate) fn takes(data_type: &DataType) -> bool {
    match data_type {
        // More digits are bytes of a fixed length in Parquet.
        DataType::Decimal128(precision, _) => *precision <= 18,
        DataType::Boolean
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::Date32
        | DataType::Timestamp(TimeUnit::Microsecond, _) => true,
        _ => false,
    }
}

/// Which rows have a value.
pub(crate) enum Present {
    Nobody,
    Everybody,
    Some(NullBuffer),
}

/// Puts the rows of a column into `values`; rows without a value have an
/// arbitrary one.
pub(crate) fn gather(
    ranges: &Ranges<'_>,
    column: usize,
    data_type: &DataType,
    values: &mut Vec<i64>,
) -> Result<Present> {
    values.clear();
    let arrays = ranges.arrays(column);
    if arrays.iter().all(Option::is_none) {
        return Ok(Present::Nobody);
    }
    let buffered_type = buffered_type(data_type);
    values.reserve(ranges.rows);
    for (source, start, end) in &ranges.ranges {
        match arrays[*source] {
            None => values.resize(values.len() + end - start, 0),
            Some(array) if *array.data_type() != buffered_type => {
                return Err(ParquetError::General(format!(
                    "a column of {} is not one of {data_type}",
                    array.data_type()
                )));
            }
            Some(array) => push(array, *start, *end, values)?,
        }
    }
    Ok(match nulls_of(&arrays, ranges) {
        None => Present::Everybody,
        Some(nulls) => Present::Some(nulls),
    })
}

fn push(array: &ArrayRef, start: usize, end: usize, values: &mut Vec<i64>) -> Result<()> {
    match array.data_type() {
        DataType::Boolean => {
            let flags = array.as_boolean().values();
            values.extend((start..end).map(|row| i64::from(flags.value(row))));
        }
        DataType::Int16 => push_numbers::<Int16Type>(array, start, end, values),
        DataType::Int32 => push_numbers::<Int32Type>(array, start, end, values),
        DataType::Int64 => push_numbers::<Int64Type>(array, start, end, values),
        DataType::Date32 => push_numbers::<Date32Type>(array, start, end, values),
        DataType::Timestamp(..) => {
            push_numbers::<TimestampMicrosecondType>(array, start, end, values);
        }
        DataType::Decimal64(precision, _) => {
            // Arrays do not see to it themselves.
            let most = 10_i64.saturating_pow(u32::from(*precision)) - 1;
            let amounts = &array.as_primitive::<Decimal64Type>().values()[start..end];
            let is_right = |amount: &i64| (-most..=most).contains(amount);
            if !amounts.iter().all(is_right) {
                let mut rows = (start..end).zip(amounts);
                if rows.any(|(row, amount)| array.is_valid(row) && !is_right(amount)) {
                    let reason = format!("an amount has more than {precision} digits");
                    return Err(ParquetError::General(reason));
                }
            }
            values.extend_from_slice(amounts);
        }
        other => {
            return Err(ParquetError::General(format!(
                "a column of {other} is not one of numbers"
            )));
        }
    }
    Ok(())
}

fn push_numbers<T: ArrowPrimitiveType<Native: Into<i64>>>(
    array: &ArrayRef,
    start: usize,
    end: usize,
    values: &mut Vec<i64>,
) {
    let numbers = &array.as_primitive::<T>().values()[start..end];
    values.extend(numbers.iter().map(|number| (*number).into()));
}
