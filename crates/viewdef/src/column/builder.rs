//! Cells to Arrow arrays.
//!
//! One builder makes one column, appending all cells of it for a resource at once: the type is decided
//! once for many cells. After [`ColumnBuilder::finish`] a builder is empty and keeps room for as much as
//! it had, since one batch is about as large as the next. Offsets are 32 bits, as in Arrow's `Utf8` and
//! `List`; the worker refuses resources before they could exceed them, and a column that exceeds them
//! all the same is an error.

use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int16Array, Int32Array, Int64Array, ListArray, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::ArrowError;

use super::arrow_type::{element_field, scalar_type};
use super::cell::Cell;
use super::interner::StringInterner;
use super::offsets::{MOST, check, offset, with_zero};
use super::text_buffers::TextBuffers;
use crate::definition::{ColumnType, ScalarType};

/// Builds one column.
///
/// ```
/// use claimlake_viewdef::column::{ColumnBuilder, Scratch, TextBuffers, cell_of_json};
/// use claimlake_viewdef::definition::column_type;
///
/// let money = column_type(Some("DECIMAL(18,2)"), None, false)?;
/// let mut builder = ColumnBuilder::new(money);
/// let mut scratch = Scratch::default();
/// let values = [serde_json::json!(12.5), serde_json::Value::Null];
/// let cells: Vec<_> = values
///     .iter()
///     .map(|value| cell_of_json(money.scalar, value, &mut scratch).unwrap_or_default())
///     .collect();
/// builder.extend(cells.iter(), TextBuffers { buffer: b"", scratch: &scratch });
/// let array = builder.finish()?;
/// assert_eq!((array.len(), array.null_count()), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ColumnBuilder {
    /// What the array will be.
    column_type: ColumnType,
    /// One for each cell, or for each element of each list.
    values: Values,
    /// Which of the values are not null.
    validity: NullBufferBuilder,
    /// Where each list begins; empty if the column has no lists.
    lists: Vec<i32>,
    /// Which of the lists are not null; unused if the column has none.
    list_validity: NullBufferBuilder,
    /// The most bytes of text, and the most elements of lists.
    most: usize,
}

/// The values so far, nulls included (as zeros or empty texts), by how Arrow stores them.
#[derive(Debug)]
enum Values {
    /// Texts one after the other, and where each ends; the first end is 0.
    Text { ends: Vec<i32>, bytes: Vec<u8> },
    /// A key for each text, and the texts by their keys.
    Dictionary {
        texts: StringInterner,
        keys: Vec<u32>,
    },
    /// One bit each.
    Boolean(BooleanBufferBuilder),
    /// `SMALLINT`
    Int16(Vec<i16>),
    /// `INTEGER`, or the days of a `DATE`.
    Int32(Vec<i32>),
    /// `BIGINT`, or the microseconds of a `TIMESTAMP`.
    Int64(Vec<i64>),
    /// `DOUBLE PRECISION`
    Float64(Vec<f64>),
    /// Digits at the column's scale.
    Decimal(Vec<i128>),
}

impl ColumnBuilder {
    /// A builder of an empty column.
    #[must_use]
    pub fn new(column_type: ColumnType) -> Self {
        Self {
            column_type,
            values: Values::new(column_type.scalar),
            validity: NullBufferBuilder::new(0),
            lists: vec![0],
            list_validity: NullBufferBuilder::new(0),
            most: MOST,
        }
    }

    /// A builder of an empty column of [`dictionary_type`](super::dictionary_type).
    #[must_use]
    pub fn dictionary() -> Self {
        Self {
            values: Values::Dictionary {
                texts: StringInterner::default(),
                keys: Vec::new(),
            },
            ..Self::new(ColumnType {
                scalar: ScalarType::Utf8,
                list: false,
            })
        }
    }

    /// Bytes held.
    #[must_use]
    pub fn size(&self) -> usize {
        let values = match &self.values {
            Values::Text { ends, bytes } => 4 * ends.len() + bytes.len(),
            Values::Dictionary { texts, keys } => texts.size() + 4 * keys.len(),
            Values::Boolean(bits) => bits.len() / 8,
            Values::Int16(values) => 2 * values.len(),
            Values::Int32(values) => 4 * values.len(),
            Values::Int64(values) => 8 * values.len(),
            Values::Float64(values) => 8 * values.len(),
            Values::Decimal(values) => 16 * values.len(),
        };
        values + 4 * self.lists.len()
    }

    /// Appends the cells of a column, in order.
    pub fn extend<'c>(&mut self, cells: impl Iterator<Item = &'c Cell>, texts: TextBuffers<'_>) {
        if !self.column_type.list {
            self.extend_values(cells, texts);
            return;
        }
        for cell in cells {
            if let Cell::List { start, end } = *cell {
                let elements = texts
                    .scratch
                    .cells
                    .get(start as usize..end as usize)
                    .unwrap_or_default();
                self.extend_values(elements.iter(), texts);
                self.list_validity.append_non_null();
            } else {
                self.list_validity.append_null();
            }
            self.lists.push(offset(self.values.len()));
        }
    }

    /// Appends one cell `count` times.
    pub fn extend_repeated(&mut self, cell: Cell, count: usize, texts: TextBuffers<'_>) {
        if let Values::Dictionary { texts: known, keys } = &mut self.values {
            match texts.of(cell) {
                Some(text) => {
                    keys.resize(keys.len() + count, known.intern(text));
                    self.validity.append_n_non_nulls(count);
                }
                None => {
                    keys.resize(keys.len() + count, 0);
                    self.validity.append_n_nulls(count);
                }
            }
            return;
        }
        let Values::Text { ends, bytes } = &mut self.values else {
            self.extend(std::iter::repeat_n(&cell, count), texts);
            return;
        };
        if self.column_type.list {
            self.extend(std::iter::repeat_n(&cell, count), texts);
            return;
        }
        let text = texts.of(cell);
        match text {
            Some(_) => self.validity.append_n_non_nulls(count),
            None => self.validity.append_n_nulls(count),
        }
        let text = text.unwrap_or_default();
        bytes.reserve(text.len() * count);
        ends.reserve(count);
        for _ in 0..count {
            bytes.extend_from_slice(text);
            ends.push(offset(bytes.len()));
        }
    }

    /// Appends values: those of the column, or of its lists one after the other.
    fn extend_values<'c>(&mut self, cells: impl Iterator<Item = &'c Cell>, texts: TextBuffers<'_>) {
        let validity = &mut self.validity;
        match &mut self.values {
            Values::Text { ends, bytes } => {
                for cell in cells {
                    match texts.of(*cell) {
                        Some(text) => {
                            bytes.extend_from_slice(text);
                            validity.append_non_null();
                        }
                        None => validity.append_null(),
                    }
                    ends.push(offset(bytes.len()));
                }
            }
            Values::Dictionary { texts: known, keys } => {
                for cell in cells {
                    let number = texts.of(*cell).map(|text| known.intern(text));
                    validity.append(number.is_some());
                    keys.push(number.unwrap_or_default());
                }
            }
            Values::Boolean(bits) => {
                for cell in cells {
                    let value = match *cell {
                        Cell::Boolean(value) => Some(value),
                        _ => None,
                    };
                    bits.append(value.unwrap_or_default());
                    validity.append(value.is_some());
                }
            }
            Values::Int16(values) => {
                let narrow = |value| i16::try_from(value).ok();
                push_all(cells, validity, values, |cell| {
                    integer(cell).and_then(narrow)
                });
            }
            Values::Int32(values) => {
                let narrow = |value| i32::try_from(value).ok();
                push_all(cells, validity, values, |cell| {
                    integer(cell).and_then(narrow)
                });
            }
            Values::Int64(values) => push_all(cells, validity, values, integer),
            Values::Float64(values) => push_all(cells, validity, values, |cell| match cell {
                Cell::Float(value) => Some(value),
                _ => None,
            }),
            Values::Decimal(values) => push_all(cells, validity, values, |cell| match cell {
                Cell::Integer(digits) => Some(i128::from(digits)),
                Cell::Wide(at) => texts.scratch.wide.get(at as usize).copied(),
                _ => None,
            }),
        }
    }

    /// The column as an Arrow array of [`arrow_type`](fn@super::arrow_type) or
    /// [`dictionary_type`](super::dictionary_type); the builder is empty again with room for as much.
    ///
    /// # Errors
    /// When the array is not valid, such as one of more text than Arrow's offsets count.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        self.check_offsets()?;
        let nulls = self.validity.finish();
        let values: ArrayRef = match &mut self.values {
            Values::Text { ends, bytes } => {
                let room = (ends.len(), bytes.len());
                let ends = std::mem::replace(ends, with_zero(room.0));
                let bytes = std::mem::replace(bytes, Vec::with_capacity(room.1));
                let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
                Arc::new(StringArray::try_new(
                    offsets,
                    Buffer::from_vec(bytes),
                    nulls,
                )?)
            }
            Values::Dictionary { texts, keys } => {
                let (offsets, bytes) = texts.take();
                let values = StringArray::try_new(
                    OffsetBuffer::new(ScalarBuffer::from(offsets)),
                    Buffer::from_vec(bytes),
                    None,
                )?;
                let keys = UInt32Array::new(taken(keys), nulls);
                Arc::new(DictionaryArray::<UInt32Type>::try_new(
                    keys,
                    Arc::new(values),
                )?)
            }
            Values::Boolean(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Int16(values) => Arc::new(Int16Array::new(taken(values), nulls)),
            Values::Int32(values) if self.column_type.scalar == ScalarType::Date => {
                Arc::new(Date32Array::new(taken(values), nulls))
            }
            Values::Int32(values) => Arc::new(Int32Array::new(taken(values), nulls)),
            Values::Int64(values) if self.column_type.scalar == ScalarType::Timestamp => {
                Arc::new(TimestampMicrosecondArray::new(taken(values), nulls).with_timezone("UTC"))
            }
            Values::Int64(values) => Arc::new(Int64Array::new(taken(values), nulls)),
            Values::Float64(values) => Arc::new(Float64Array::new(taken(values), nulls)),
            Values::Decimal(values) => {
                let array = Decimal128Array::new(taken(values), nulls);
                let typed = match self.column_type.scalar {
                    ScalarType::Decimal { precision, scale } => {
                        array.with_precision_and_scale(precision, scale)?
                    }
                    _ => array,
                };
                Arc::new(typed)
            }
        };
        if !self.column_type.list {
            return Ok(values);
        }
        let room = self.lists.len();
        let offsets = std::mem::replace(&mut self.lists, with_zero(room));
        Ok(Arc::new(ListArray::try_new(
            element_field(scalar_type(self.column_type.scalar)),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            values,
            self.list_validity.finish(),
        )?))
    }
}

impl ColumnBuilder {
    /// An error if there is more than offsets count: those beyond are all the same then.
    fn check_offsets(&self) -> Result<(), ArrowError> {
        let elements = match self.column_type.list {
            true => self.values.len(),
            false => 0,
        };
        let counted = elements.max(match &self.values {
            Values::Text { bytes, .. } => bytes.len(),
            Values::Dictionary { texts, .. } => texts.bytes(),
            _ => 0,
        });
        check(counted, self.most)
    }
}

impl Values {
    fn new(scalar: ScalarType) -> Self {
        match scalar {
            ScalarType::Utf8 => Values::Text {
                ends: vec![0],
                bytes: Vec::new(),
            },
            ScalarType::Boolean => Values::Boolean(BooleanBufferBuilder::new(0)),
            ScalarType::Int16 => Values::Int16(Vec::new()),
            ScalarType::Int32 | ScalarType::Date => Values::Int32(Vec::new()),
            ScalarType::Int64 | ScalarType::Timestamp => Values::Int64(Vec::new()),
            ScalarType::Float64 => Values::Float64(Vec::new()),
            ScalarType::Decimal { .. } => Values::Decimal(Vec::new()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Values::Text { ends, .. } => ends.len() - 1,
            Values::Dictionary { keys, .. } => keys.len(),
            Values::Boolean(bits) => bits.len(),
            Values::Int16(values) => values.len(),
            Values::Int32(values) => values.len(),
            Values::Int64(values) => values.len(),
            Values::Float64(values) => values.len(),
            Values::Decimal(values) => values.len(),
        }
    }
}

/// The number of a cell that has one.
fn integer(cell: Cell) -> Option<i64> {
    match cell {
        Cell::Integer(value) => Some(value),
        _ => None,
    }
}

/// Appends what `value_of` finds in each cell; null where it finds nothing.
fn push_all<'c, T: Default>(
    cells: impl Iterator<Item = &'c Cell>,
    validity: &mut NullBufferBuilder,
    values: &mut Vec<T>,
    value_of: impl Fn(Cell) -> Option<T>,
) {
    for cell in cells {
        let value = value_of(*cell);
        validity.append(value.is_some());
        values.push(value.unwrap_or_default());
    }
}

/// The values as an Arrow buffer; the vector is empty afterwards, with the same capacity.
fn taken<T: arrow_buffer::ArrowNativeType>(values: &mut Vec<T>) -> ScalarBuffer<T> {
    let room = values.len();
    ScalarBuffer::from(std::mem::replace(values, Vec::with_capacity(room)))
}

#[cfg(test)]
mod tests;
