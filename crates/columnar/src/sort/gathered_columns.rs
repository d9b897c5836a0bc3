//! Copies the values of row ranges in buffered batches into new Arrow arrays: the only moment at
//! which rows are actually moved.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, make_array, new_null_array,
};
use arrow_buffer::BooleanBufferBuilder;
use arrow_data::ArrayData;
use arrow_data::transform::{Capacities, MutableArrayData};
use arrow_schema::{ArrowError, DataType, SchemaRef, TimeUnit};

use crate::error::{ColumnarError, Result};
use crate::sort::buffered::buffered_type;
use crate::sort::row_ranges::{Ranges, nulls_of};
use crate::sort::text_column::TextColumn;

/// One batch with all rows of `ranges`, in order, with the columns of `schema`; text as
/// dictionaries.
///
/// # Errors
///
/// A column has another type than `schema` says.
pub fn gather_batch(schema: &SchemaRef, ranges: &Ranges<'_>) -> Result<RecordBatch> {
    let operation = || ColumnarError::arrow("merging sorted rows");
    let columns = (0..schema.fields().len())
        .map(|column| match schema.field(column).data_type() {
            DataType::Dictionary(..) => gather_text(ranges, column).map_err(operation()),
            other => gather_column(ranges, column, other),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(schema.clone(), columns).map_err(operation())
}

/// One text column as a dictionary.
///
/// # Errors
///
/// The distinct texts together are larger than 2 GiB.
pub fn gather_text(
    ranges: &Ranges<'_>,
    column: usize,
) -> std::result::Result<ArrayRef, ArrowError> {
    let (mut texts, mut numbers) = (TextColumn::new(i32::MAX.unsigned_abs()), Vec::new());
    if texts.append(ranges, column, &mut numbers) < ranges.rows {
        return Err(ArrowError::OffsetOverflowError(i32::MAX as usize));
    }
    texts.dictionary(numbers)
}

/// One column that is not text. Batches without any value in it contribute nulls.
///
/// # Errors
///
/// The values cannot be combined.
pub fn gather_column(ranges: &Ranges<'_>, column: usize, data_type: &DataType) -> Result<ArrayRef> {
    let arrays = ranges.arrays(column);
    if arrays.iter().all(Option::is_none) {
        return Ok(new_null_array(data_type, ranges.rows));
    }
    Ok(match data_type {
        DataType::Int16 => numbers::<Int16Type>(&arrays, ranges, data_type),
        DataType::Int32 => numbers::<Int32Type>(&arrays, ranges, data_type),
        DataType::Int64 => numbers::<Int64Type>(&arrays, ranges, data_type),
        DataType::Date32 => numbers::<Date32Type>(&arrays, ranges, data_type),
        DataType::Decimal64(..) => numbers::<Decimal64Type>(&arrays, ranges, data_type),
        DataType::Decimal128(..) if buffered_type(data_type) != *data_type => {
            let short = numbers::<Decimal64Type>(&arrays, ranges, &buffered_type(data_type));
            let short = short.as_primitive::<Decimal64Type>();
            let amounts = short.unary::<_, Decimal128Type>(i128::from);
            Arc::new(amounts.with_data_type(data_type.clone()))
        }
        DataType::Decimal128(..) => numbers::<Decimal128Type>(&arrays, ranges, data_type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            numbers::<TimestampMicrosecondType>(&arrays, ranges, data_type)
        }
        DataType::Boolean => flags(&arrays, ranges),
        _ => return any(&arrays, ranges),
    })
}

/// Copies the values of a primitive column; positions of nulls hold a default value.
fn numbers<T: ArrowPrimitiveType>(
    arrays: &[Option<&ArrayRef>],
    ranges: &Ranges<'_>,
    data_type: &DataType,
) -> ArrayRef {
    let sources: Vec<Option<&PrimitiveArray<T>>> = arrays
        .iter()
        .map(|array| array.map(|array| array.as_primitive::<T>()))
        .collect();
    let mut values: Vec<T::Native> = Vec::with_capacity(ranges.rows);
    for (source, start, end) in &ranges.ranges {
        match sources[*source] {
            Some(source) => values.extend_from_slice(&source.values()[*start..*end]),
            None => values.resize(values.len() + end - start, T::Native::default()),
        }
    }
    let nulls = nulls_of(arrays, ranges);
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(data_type.clone()))
}

/// Copies the bits of a Boolean column.
fn flags(arrays: &[Option<&ArrayRef>], ranges: &Ranges<'_>) -> ArrayRef {
    let mut values = BooleanBufferBuilder::new(ranges.rows);
    for (source, start, end) in &ranges.ranges {
        match arrays[*source].map(|array| array.as_boolean().values()) {
            Some(flags) => {
                let first = flags.offset();
                values.append_packed_range(first + start..first + end, flags.values());
            }
            None => values.append_n(end - start, false),
        }
    }
    Arc::new(BooleanArray::new(values.finish(), nulls_of(arrays, ranges)))
}

/// Copies a column of any other type through Arrow's generic routine, which is slower.
fn any(arrays: &[Option<&ArrayRef>], ranges: &Ranges<'_>) -> Result<ArrayRef> {
    let mut data: Vec<ArrayData> = Vec::new();
    let mut position_of = Vec::with_capacity(arrays.len());
    for array in arrays {
        position_of.push(array.map(|_| data.len()));
        data.extend(array.map(|array| array.to_data()));
    }
    let operation = || ColumnarError::arrow("merging sorted rows");
    let mut merged = MutableArrayData::try_with_capacities(
        data.iter().collect(),
        true,
        Capacities::Array(ranges.rows),
    )
    .map_err(operation())?;
    for (source, start, end) in &ranges.ranges {
        match position_of[*source] {
            Some(source) => merged.try_extend(source, *start, *end),
            None => merged.try_extend_nulls(end - start),
        }
        .map_err(operation())?;
    }
    Ok(make_array(merged.freeze()))
}
