//! Columns of values in spilled blocks. Numbers are stored as offsets from the smallest number, in
//! as few bytes as the largest offset needs: values of adjacent rows are similar, so many columns
//! take one or two bytes per row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal64Type, Decimal128Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, PrimitiveArray, RecordBatch,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};

use crate::sort::block_bytes::{BlockBytes, push_number};

/// The width (bytes) of values that do not fit 64 bits; they are stored without an offset.
const WIDE: u8 = 16;

/// Appends a column that is not text: which rows have a value, then the values.
pub(crate) fn push_values(array: &ArrayRef, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    push_presence(array.nulls(), out);
    macro_rules! numbers {
        ($type:ty) => {{
            let values = array.as_primitive::<$type>().values();
            push_numbers(values.iter().map(|value| *value as i64), array.nulls(), out);
        }};
    }
    match array.data_type() {
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Date32 => numbers!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => numbers!(TimestampMicrosecondType),
        DataType::Decimal64(..) => numbers!(Decimal64Type),
        DataType::Decimal128(..) => {
            let values = array.as_primitive::<Decimal128Type>().values();
            if values.iter().all(|value| i64::try_from(*value).is_ok()) {
                push_numbers(values.iter().map(|value| *value as i64), array.nulls(), out);
            } else {
                out.push(WIDE);
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
        DataType::Boolean => push_bits(array.as_boolean().values(), out),
        DataType::FixedSizeBinary(width) => {
            let array = array.as_fixed_size_binary();
            let len = usize::try_from(*width).unwrap_or_default() * array.len();
            out.extend_from_slice(array.value_data().get(..len).unwrap_or_default());
        }
        _ => push_any(array, out)?,
    }
    Ok(())
}

/// Reads a column of this type; `None` if the bytes are damaged.
pub(crate) fn read_values(
    data_type: &DataType,
    rows: usize,
    bytes: &mut BlockBytes<'_>,
) -> Option<ArrayRef> {
    let nulls = match bytes.byte()? {
        0 => None,
        _ => Some(NullBuffer::new(read_bits(rows, bytes)?)),
    };
    macro_rules! numbers {
        ($type:ty) => {{
            type Native = <$type as ArrowPrimitiveType>::Native;
            let values = read_numbers(rows, bytes, |value| value as Native)?;
            let array = PrimitiveArray::<$type>::try_new(values.into(), nulls).ok()?;
            Arc::new(array.with_data_type(data_type.clone()))
        }};
    }
    Some(match data_type {
        DataType::Int16 => numbers!(Int16Type),
        DataType::Int32 => numbers!(Int32Type),
        DataType::Int64 => numbers!(Int64Type),
        DataType::UInt64 => numbers!(UInt64Type),
        DataType::Date32 => numbers!(Date32Type),
        DataType::Timestamp(TimeUnit::Microsecond, _) => numbers!(TimestampMicrosecondType),
        DataType::Decimal64(..) => numbers!(Decimal64Type),
        DataType::Decimal128(..) => numbers!(Decimal128Type),
        DataType::Boolean => Arc::new(BooleanArray::new(read_bits(rows, bytes)?, nulls)),
        DataType::FixedSizeBinary(width) => {
            let len = usize::try_from(*width).ok()?.checked_mul(rows)?;
            let values = Buffer::from(bytes.bytes(len)?.to_vec());
            Arc::new(FixedSizeBinaryArray::try_new(*width, values, nulls).ok()?)
        }
        _ => read_any(bytes)?,
    })
}

/// Appends 0 if every row has a value, else 1 and a bit for each row.
fn push_presence(nulls: Option<&NullBuffer>, out: &mut Vec<u8>) {
    match nulls.filter(|nulls| nulls.null_count() > 0) {
        None => out.push(0),
        Some(nulls) => {
            out.push(1);
            push_bits(nulls.inner(), out);
        }
    }
}

/// Appends bits, the lowest bit of a byte first.
fn push_bits(bits: &BooleanBuffer, out: &mut Vec<u8>) {
    let bytes = bits.len().div_ceil(8);
    out.extend_from_slice(&bits.sliced().as_slice()[..bytes]);
}

/// Reads a bit for each row.
fn read_bits(rows: usize, bytes: &mut BlockBytes<'_>) -> Option<BooleanBuffer> {
    let bits = bytes.bytes(rows.div_ceil(8))?;
    Some(BooleanBuffer::new(bits.to_vec().into(), 0, rows))
}

/// Appends the width of an offset, the smallest number, and the offsets. Rows without a value have
/// the offset 0.
fn push_numbers(
    numbers: impl Iterator<Item = i64> + Clone,
    nulls: Option<&NullBuffer>,
    out: &mut Vec<u8>,
) {
    let is_there = |row: usize| nulls.is_none_or(|nulls| nulls.is_valid(row));
    let present = numbers.clone().enumerate();
    let present = present.filter_map(|(row, number)| is_there(row).then_some(number));
    let bounds = present.fold(None, |bounds, number| {
        let (least, most) = bounds.unwrap_or((number, number));
        Some((number.min(least), number.max(most)))
    });
    let (least, most): (i64, i64) = bounds.unwrap_or_default();
    // Right also where the difference does not fit: as bits it does.
    let from_least = |(row, number): (usize, i64)| match is_there(row) {
        true => number.wrapping_sub(least) as u64,
        false => 0,
    };
    let numbers = numbers.enumerate().map(from_least);
    let farthest = most.wrapping_sub(least) as u64;
    let width = match farthest {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    out.push(width);
    out.extend_from_slice(&least.to_le_bytes());
    match width {
        0 => {}
        1 => out.extend(numbers.map(|number| number as u8)),
        2 => out.extend(numbers.flat_map(|number| (number as u16).to_le_bytes())),
        4 => out.extend(numbers.flat_map(|number| (number as u32).to_le_bytes())),
        _ => out.extend(numbers.flat_map(u64::to_le_bytes)),
    }
}

/// Reads numbers; `native` converts them to the column's type. A row without a value has the
/// smallest number.
fn read_numbers<N: Copy>(
    rows: usize,
    bytes: &mut BlockBytes<'_>,
    native: impl Fn(i128) -> N,
) -> Option<Vec<N>> {
    let width = bytes.byte()?;
    if width == WIDE {
        let (wide, _) = bytes.bytes(rows.checked_mul(16)?)?.as_chunks();
        return Some(
            wide.iter()
                .map(|wide| native(i128::from_le_bytes(*wide)))
                .collect(),
        );
    }
    let least = i64::from_le_bytes(bytes.array()?);
    let all = bytes.bytes(rows.checked_mul(usize::from(width))?)?;
    let number = |far: u64| native(i128::from(least.wrapping_add(far as i64)));
    Some(match width {
        0 => vec![number(0); rows],
        1 => all.iter().map(|far| number(u64::from(*far))).collect(),
        2 => {
            let far = all.as_chunks().0.iter().map(|far| u16::from_le_bytes(*far));
            far.map(|far| number(u64::from(far))).collect()
        }
        4 => {
            let far = all.as_chunks().0.iter().map(|far| u32::from_le_bytes(*far));
            far.map(|far| number(u64::from(far))).collect()
        }
        8 => {
            let far = all.as_chunks().0.iter().map(|far| u64::from_le_bytes(*far));
            far.map(number).collect()
        }
        _ => return None,
    })
}

/// Appends a column of another type, such as a list, as an Arrow IPC stream.
fn push_any(array: &ArrayRef, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let field = Field::new("_", array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(vec![field]));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    writer.write(&RecordBatch::try_new(schema, vec![array.clone()])?)?;
    let stream = writer.into_inner()?;
    push_number(stream.len(), out);
    out.extend_from_slice(&stream);
    Ok(())
}

/// Reads such a stream.
fn read_any(bytes: &mut BlockBytes<'_>) -> Option<ArrayRef> {
    let len = bytes.number()?;
    let mut reader = StreamReader::try_new(bytes.bytes(len)?, None).ok()?;
    let batch = reader.next()?.ok()?;
    batch.columns().first().cloned()
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int64Type;
    use arrow_array::{
        Date32Array, Decimal128Array, Int16Array, Int32Array, Int64Array, ListArray,
        TimestampMicrosecondArray, UInt64Array,
    };

    use super::*;

    fn there_and_back(array: &ArrayRef) -> (usize, ArrayRef) {
        let mut out = Vec::new();
        push_values(array, &mut out).unwrap();
        let mut bytes = BlockBytes::new(&out);
        let read = read_values(array.data_type(), array.len(), &mut bytes).unwrap();
        assert!(bytes.byte().is_none(), "all is read");
        // Whatever is cut off, it is missed.
        for len in 0..out.len() {
            let read = read_values(
                array.data_type(),
                array.len(),
                &mut BlockBytes::new(&out[..len]),
            );
            assert!(read.is_none(), "{len} of {}", out.len());
        }
        (out.len(), read)
    }

    #[test]
    fn values_of_every_type_come_back() {
        let amounts = [Some(i128::MAX), None, Some(-5)];
        let amounts =
            Decimal128Array::from_iter(amounts).with_data_type(DataType::Decimal128(38, 2));
        let times = TimestampMicrosecondArray::from(vec![Some(i64::MIN), None, Some(i64::MAX)]);
        let lists = [Some(vec![Some(1), None]), None, Some(vec![])];
        let columns: [ArrayRef; 9] = [
            Arc::new(Int16Array::from(vec![Some(-7), None, Some(300)])),
            Arc::new(Int32Array::from(vec![i32::MIN, 0, i32::MAX])),
            Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None])),
            Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1 << 63])),
            Arc::new(Date32Array::from(vec![Some(20_000), Some(19_000), None])),
            Arc::new(times.with_timezone("UTC")),
            Arc::new(amounts),
            Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
            Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)),
        ];
        for column in columns {
            assert_eq!(&there_and_back(&column).1, &column);
            let last = column.slice(1, 2);
            assert_eq!(&there_and_back(&last).1, &last);
        }
        let records: ArrayRef = Arc::new(
            FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                [Some(b"abc"), None, Some(b"xyz")].into_iter(),
                3,
            )
            .unwrap(),
        );
        assert_eq!(&there_and_back(&records).1, &records);
        let last = records.slice(1, 2);
        assert_eq!(&there_and_back(&last).1, &last);
    }

    #[test]
    fn numbers_take_what_the_farthest_needs() {
        let head = 1 + 1 + 8;
        let far = [(0, 0), (255, 1), (256, 2), (65_536, 4), (1 << 32, 8)];
        for (far, width) in far {
            let amounts = Decimal128Array::from(vec![1_000_000_007, 1_000_000_007 + far]);
            let column: ArrayRef = Arc::new(amounts);
            let (bytes, read) = there_and_back(&column);
            assert_eq!(&read, &column);
            assert_eq!(bytes, head + 2 * width, "{far}");
        }
    }
}
