//! Column chunks of numbers, dates, instants, amounts and booleans.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};
use parquet::basic::{Encoding, Type};
use parquet::data_type::AsBytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::{Value, widened};
use crate::encode::chunk::{Chunk, ChunkEncoder, DataPage};
use crate::encode::rle;

/// Numbers that lie so close together are numbered by a table instead of a hash.
const NARROW: i64 = 1 << 16;

/// A dictionary pays where values come at least so often.
const LEAST_REPETITION: usize = 3;

/// Whether [`encode`] takes columns of this type.
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

/// Encodes the rows of a column, in order.
pub(crate) fn encode(
    arrays: &[ArrayRef],
    leaf: ColumnDescPtr,
    properties: WriterPropertiesPtr,
) -> Result<Chunk> {
    let rows = Rows::of(arrays)?;
    match leaf.physical_type() {
        Type::BOOLEAN => booleans(&rows, leaf, properties),
        Type::INT32 => numbers::<i32>(&rows, leaf, properties),
        Type::INT64 => numbers::<i64>(&rows, leaf, properties),
        other => Err(ParquetError::General(format!(
            "a column of {other} is not one of numbers"
        ))),
    }
}

/// The values that are there, and which rows have one.
struct Rows {
    values: Vec<i64>,
    /// 1 for each row with a value, 0 for each without; empty where all rows have one.
    levels: Vec<u32>,
}

impl Rows {
    fn of(arrays: &[ArrayRef]) -> Result<Self> {
        let count = arrays.iter().map(|array| array.len()).sum();
        let has_nulls = arrays.iter().any(|array| array.null_count() > 0);
        let mut rows = Self {
            values: Vec::with_capacity(count),
            levels: Vec::with_capacity(if has_nulls { count } else { 0 }),
        };
        for array in arrays {
            match array.data_type() {
                DataType::Boolean => {
                    let present = array.as_boolean().iter().flatten();
                    rows.values.extend(present.map(i64::from));
                }
                DataType::Int16 => rows.push::<Int16Type>(array),
                DataType::Int32 => rows.push::<Int32Type>(array),
                DataType::Int64 => rows.push::<Int64Type>(array),
                DataType::Date32 => rows.push::<Date32Type>(array),
                DataType::Timestamp(..) => rows.push::<TimestampMicrosecondType>(array),
                DataType::Decimal128(precision, _) => {
                    // Arrays do not see to it themselves.
                    let most = 10_i128.pow(u32::from(*precision)) - 1;
                    for value in array.as_primitive::<Decimal128Type>().iter().flatten() {
                        let is_right = (-most..=most).contains(&value);
                        let digits = i64::try_from(value).ok().filter(|_| is_right);
                        rows.values.push(digits.ok_or_else(|| {
                            let reason = format!("an amount has more than {precision} digits");
                            ParquetError::General(reason)
                        })?);
                    }
                }
                other => {
                    return Err(ParquetError::General(format!(
                        "a column of {other} is not one of numbers"
                    )));
                }
            }
            if has_nulls {
                let levels = (0..array.len()).map(|row| u32::from(array.is_valid(row)));
                rows.levels.extend(levels);
            }
        }
        Ok(rows)
    }

    fn push<T: ArrowPrimitiveType<Native: Into<i64>>>(&mut self, array: &ArrayRef) {
        let array = array.as_primitive::<T>();
        match array.null_count() {
            0 => {
                let values = array.values().iter().map(|value| (*value).into());
                self.values.extend(values);
            }
            _ => self.values.extend(array.iter().flatten().map(Into::into)),
        }
    }

    /// The rows of each page: their levels, their count and their values.
    fn pages(
        &self,
        page_rows: usize,
    ) -> impl Iterator<Item = (Option<&[u32]>, usize, std::ops::Range<usize>)> {
        let count = self.levels.len().max(self.values.len());
        let mut from = 0;
        (0..count).step_by(page_rows).map(move |start| {
            let end = (start + page_rows).min(count);
            let levels = self.levels.get(start..end);
            let present = levels.map_or(end - start, |levels| {
                levels.iter().filter(|level| **level == 1).count()
            });
            let values = from..from + present;
            from += present;
            // A page without gaps says so.
            (
                levels.filter(|_| present < end - start),
                end - start,
                values,
            )
        })
    }
}

/// A number as Parquet writes it.
trait Number: Value + AsBytes {
    fn of(value: i64) -> Self;
    fn push(self, plain: &mut Vec<u8>);
}

impl Number for i32 {
    fn of(value: i64) -> Self {
        // Values of such columns come from 32 bits.
        value as i32
    }

    fn push(self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&self.to_le_bytes());
    }
}

impl Number for i64 {
    fn of(value: i64) -> Self {
        value
    }

    fn push(self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&self.to_le_bytes());
    }
}

fn numbers<N: Number>(
    rows: &Rows,
    leaf: ColumnDescPtr,
    properties: WriterPropertiesPtr,
) -> Result<Chunk> {
    let mut chunk = ChunkEncoder::<N>::new(leaf, properties)?;
    let dictionary = Dictionary::of(&rows.values);
    let mut plain = Vec::new();
    if chunk.has_bloom() {
        let distinct = dictionary
            .as_ref()
            .map_or(&rows.values, |known| &known.distinct);
        for value in distinct {
            chunk.note_distinct(&N::of(*value));
        }
    }
    if let Some(dictionary) = &dictionary {
        for value in &dictionary.distinct {
            N::of(*value).push(&mut plain);
        }
        chunk.dictionary_page(&plain, dictionary.distinct.len())?;
    }
    for (levels, count, range) in rows.pages(chunk.page_rows()) {
        let values = &rows.values[range.clone()];
        plain.clear();
        let encoding = match &dictionary {
            Some(dictionary) => {
                let width = rle::width_of(dictionary.distinct.len().saturating_sub(1));
                plain.push(width as u8);
                rle::encode(&dictionary.numbers[range], width, &mut plain);
                chunk.dictionary_data_encoding()
            }
            None => {
                for value in values {
                    N::of(*value).push(&mut plain);
                }
                Encoding::PLAIN
            }
        };
        let bounds = values.iter().min().zip(values.iter().max());
        chunk.data_page(DataPage {
            levels,
            rows: count,
            values: &plain,
            encoding,
            bounds: bounds.map(|(least, most)| (N::of(*least), N::of(*most))),
            text_bytes: None,
        })?;
    }
    chunk.close()
}

fn booleans(rows: &Rows, leaf: ColumnDescPtr, properties: WriterPropertiesPtr) -> Result<Chunk> {
    let mut chunk = ChunkEncoder::<bool>::new(leaf, properties)?;
    for (levels, count, range) in rows.pages(chunk.page_rows()) {
        let values = &rows.values[range];
        let mut packed = vec![0_u8; values.len().div_ceil(8)];
        let mut bounds = None;
        for (at, value) in values.iter().enumerate() {
            packed[at / 8] |= (*value as u8) << (at % 8);
            bounds = widened(bounds, *value != 0);
        }
        chunk.data_page(DataPage {
            levels,
            rows: count,
            values: &packed,
            encoding: Encoding::PLAIN,
            bounds,
            text_bytes: None,
        })?;
    }
    chunk.close()
}

/// Distinct values in the order in which they first come, and the number of each value.
struct Dictionary {
    distinct: Vec<i64>,
    numbers: Vec<u32>,
}

impl Dictionary {
    /// None where values repeat too little.
    fn of(values: &[i64]) -> Option<Self> {
        let most = values.len() / LEAST_REPETITION;
        let mut dictionary = Self {
            distinct: Vec::new(),
            numbers: Vec::with_capacity(values.len()),
        };
        let (least, greatest) = match (values.iter().min(), values.iter().max()) {
            (Some(least), Some(greatest)) => (*least, *greatest),
            // Rows without any value: an empty dictionary.
            _ => return Some(dictionary),
        };
        match greatest.checked_sub(least) {
            Some(span) if span < NARROW => {
                let mut number_of = vec![u32::MAX; span as usize + 1];
                for value in values {
                    let number = &mut number_of[(value - least) as usize];
                    if *number == u32::MAX {
                        *number = dictionary.add(*value, most)?;
                    }
                    dictionary.numbers.push(*number);
                }
            }
            _ => {
                let mut number_of: HashMap<i64, u32, foldhash::fast::RandomState> =
                    HashMap::default();
                let mut last = None;
                for value in values {
                    let number = match (last, number_of.get(value)) {
                        (Some((same, number)), _) if same == *value => number,
                        (_, Some(number)) => *number,
                        _ => {
                            let number = dictionary.add(*value, most)?;
                            number_of.insert(*value, number);
                            number
                        }
                    };
                    last = Some((*value, number));
                    dictionary.numbers.push(number);
                }
            }
        }
        Some(dictionary)
    }

    fn add(&mut self, value: i64, most: usize) -> Option<u32> {
        self.distinct.push(value);
        let is_small = self.distinct.len() <= most.max(1);
        is_small.then_some(self.distinct.len() as u32 - 1)
    }
}
