//! Rows in memory while they are sorted. Text is held as numbers of a pool of distinct texts, and a
//! column without any value takes no memory.
//!
//! A pool is shared by the batches that came while it was being filled, and is freed with the last
//! of them. Numbers of two pools cannot be compared. Code that combines rows of several pools gives
//! each text a number of its own once, and records it in the pool's marks.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal64Type, Decimal128Type, UInt32Type};
use arrow_array::{Array, ArrayRef, PrimitiveArray, RecordBatch, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow_data::transform::{Capacities, MutableArrayData};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::take::take;

use crate::sort::dictionary_keys::{DictionaryKeys, NULL};
use crate::sort::string_interner::StringInterner;

/// A pool with more text is followed by another, so that rows that are gone take theirs along.
const FULL_POOL: usize = 32 << 10;

/// A text's end, its mark and its place in the table, which is full by half at the least.
const BYTES_OF_TEXT: usize = 4 + 8 + 8;

/// Distinct texts, numbered as they come.
#[derive(Debug)]
pub struct TextPool {
    texts: RefCell<StringInterner>,
    /// For each text: who last gave it a number of its own, and which.
    pub marks: RefCell<Vec<(u32, u32)>>,
}

impl Default for TextPool {
    fn default() -> Self {
        Self {
            texts: RefCell::new(StringInterner::new(u32::MAX)),
            marks: RefCell::default(),
        }
    }
}

impl TextPool {
    /// The number of a text; `None` if the pool has no room for it. A pool that is not full has room
    /// for the texts of a batch: Arrow's offsets count less than 2 GiB.
    fn intern(&self, text: &str) -> Option<u32> {
        let number = self.texts.borrow_mut().intern(text)?;
        let mut marks = self.marks.borrow_mut();
        if number as usize == marks.len() {
            marks.push((0, 0));
        }
        Some(number)
    }

    /// Bytes of all texts, and about what finding them takes.
    fn size(&self) -> usize {
        let texts = self.texts.borrow();
        texts.bytes() + BYTES_OF_TEXT * texts.len()
    }

    /// Gives back what only new texts need.
    fn seal(&self) {
        self.texts.borrow_mut().seal();
        self.marks.borrow_mut().shrink_to_fit();
    }

    /// Does something with a text.
    pub fn with_text<T>(&self, number: u32, work: impl FnOnce(&str) -> T) -> Option<T> {
        self.texts.borrow().get(number).map(work)
    }
}

/// A column of a batch.
#[derive(Debug)]
pub(crate) enum BufferedColumn {
    /// No row has a value.
    Nothing,
    /// The number of each row's text.
    Text {
        /// For each row, the number of its text.
        numbers: DictionaryKeys,
        /// Where the numbers' texts are.
        pool: Rc<TextPool>,
    },
    /// Values that are none of text, in their [`buffered_type`].
    Other(ArrayRef),
}

/// The columns of a batch.
#[derive(Debug)]
pub struct BufferedBatch {
    /// In the order of the schema.
    pub(crate) columns: Vec<BufferedColumn>,
    /// How many rows each has.
    pub rows: usize,
    /// Bytes that pools grew by for this batch.
    text_bytes: usize,
}

impl BufferedBatch {
    /// `text_bytes` is by how much the text pools grew for these columns.
    pub(crate) fn new(columns: Vec<BufferedColumn>, rows: usize, text_bytes: usize) -> Self {
        Self {
            columns,
            rows,
            text_bytes,
        }
    }

    /// Bytes of the rows and of the texts that came with them.
    pub fn size(&self) -> usize {
        let sizes = self.columns.iter().map(|column| match column {
            BufferedColumn::Nothing => 0,
            BufferedColumn::Text { numbers, .. } => numbers.size(),
            BufferedColumn::Other(array) => {
                let data = array.to_data();
                data.get_slice_memory_size().unwrap_or_default()
            }
        });
        sizes.sum::<usize>() + self.text_bytes
    }

    /// About the bytes of text that came with so many of the rows: their share of all.
    pub(crate) fn text_bytes_of(&self, rows: usize) -> usize {
        self.text_bytes.saturating_mul(rows) / self.rows.max(1)
    }
}

/// Buffers batches, with one pool per column for many of them.
#[derive(Debug, Default)]
pub struct BatchInterner {
    pools: Vec<Rc<TextPool>>,
    /// The numbers of a column before they are packed.
    numbers: Vec<u32>,
    /// The number that the pool has for each text of a dictionary.
    number_of: Vec<u32>,
}

impl BatchInterner {
    /// A buffered column of texts, and the bytes that its pool grew by. Of the rows, 0 have no
    /// text, and others that with the number one less. None where one of them is not there.
    pub(crate) fn buffer_texts<'t>(
        &mut self,
        column: usize,
        texts: impl Iterator<Item = Option<&'t str>>,
        rows: impl Iterator<Item = u32>,
    ) -> Option<(BufferedColumn, usize)> {
        if self.pools.len() <= column {
            self.pools.resize_with(column + 1, Rc::<TextPool>::default);
        }
        let pool = &mut self.pools[column];
        make_room(pool);
        let before = pool.size();
        let number_of = &mut self.number_of;
        number_of.clear();
        number_of.push(NULL);
        for text in texts {
            number_of.push(pool.intern(text?)?);
        }
        self.numbers.clear();
        for row in rows {
            self.numbers.push(*number_of.get(row as usize)?);
        }
        let buffered = BufferedColumn::Text {
            numbers: DictionaryKeys::of(&self.numbers),
            pool: pool.clone(),
        };
        Some((buffered, pool.size() - before))
    }

    /// Buffers a batch; its text comes as text or as dictionaries.
    pub fn buffer(&mut self, batch: &RecordBatch) -> Result<BufferedBatch, ArrowError> {
        self.pools
            .resize_with(batch.num_columns(), Rc::<TextPool>::default);
        let mut text_bytes = 0;
        let columns = batch.columns().iter().zip(&mut self.pools);
        let columns = columns.map(|(column, pool)| {
            if column.null_count() == column.len() {
                return Ok(BufferedColumn::Nothing);
            }
            let column = with_dictionary(column)?;
            let Some(texts) = column.as_dictionary_opt::<UInt32Type>() else {
                return copied(&column).map(BufferedColumn::Other);
            };
            make_room(pool);
            let before = pool.size();
            // Texts that no row has any more, as in a slice, are not worth a number.
            let number_of = &mut self.number_of;
            number_of.clear();
            number_of.resize(texts.values().len(), NULL);
            let values = texts.values().as_string::<i32>();
            let keys = texts.keys();
            self.numbers.clear();
            self.numbers.reserve(keys.len());
            for row in 0..keys.len() {
                if keys.is_null(row) {
                    self.numbers.push(NULL);
                    continue;
                }
                let key = keys.value(row) as usize;
                if number_of[key] == NULL {
                    let number = pool.intern(values.value(key));
                    number_of[key] = number.ok_or_else(|| {
                        ArrowError::OffsetOverflowError(values.value_data().len())
                    })?;
                }
                self.numbers.push(number_of[key]);
            }
            text_bytes += pool.size() - before;
            Ok(BufferedColumn::Text {
                numbers: DictionaryKeys::of(&self.numbers),
                pool: pool.clone(),
            })
        });
        Ok(BufferedBatch {
            columns: columns.collect::<Result<_, ArrowError>>()?,
            rows: batch.num_rows(),
            text_bytes,
        })
    }
}

/// Puts another pool in the place of a full one.
fn make_room(pool: &mut Rc<TextPool>) {
    if pool.texts.borrow().bytes() > FULL_POOL {
        std::mem::take(pool).seal();
    }
}

/// The most digits of amounts that fit 64 bits, as Parquet writes them.
const SHORT_DIGITS: u8 = 18;

/// The type in which values other than text are buffered.
pub fn buffered_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Decimal128(digits, scale) if *digits <= SHORT_DIGITS => {
            DataType::Decimal64(*digits, *scale)
        }
        other => other.clone(),
    }
}

/// The column in memory of its own: as it was read, it would keep all of its batch.
fn copied(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let DataType::Decimal128(digits, _) = column.data_type()
        && *digits <= SHORT_DIGITS
    {
        return short_amounts(column, *digits);
    }
    let data = column.to_data();
    let room = Capacities::Array(column.len());
    let mut copy = MutableArrayData::try_with_capacities(vec![&data], false, room)?;
    copy.try_extend(0, 0, column.len())?;
    Ok(make_array(copy.freeze()))
}

fn short_amounts(column: &ArrayRef, digits: u8) -> Result<ArrayRef, ArrowError> {
    let nulls = column.nulls().map(|nulls| {
        let bits = Buffer::from_slice_ref(nulls.inner().sliced().as_slice());
        NullBuffer::new(BooleanBuffer::new(bits, 0, column.len()))
    });
    let most = 10_u128.pow(u32::from(digits)) - 1;
    let amounts = column.as_primitive::<Decimal128Type>().values().iter();
    let mut short = Vec::with_capacity(column.len());
    for (row, amount) in amounts.enumerate() {
        short.push(match i64::try_from(*amount) {
            Ok(short) if amount.unsigned_abs() <= most => short,
            // The value there has no meaning.
            _ if column.is_null(row) => 0,
            _ => {
                let reason = format!("an amount has more than {digits} digits");
                return Err(ArrowError::InvalidArgumentError(reason));
            }
        });
    }
    let short = PrimitiveArray::<Decimal64Type>::try_new(short.into(), nulls)?;
    Ok(Arc::new(
        short.with_data_type(buffered_type(column.data_type())),
    ))
}

/// The type in which values come to be sorted: text as dictionaries.
pub fn dictionary_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => {
            DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
        }
        other => other.clone(),
    }
}

/// The columns of batches that come to be sorted, see [`dictionary_type`].
pub fn dictionary_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let dictionary = dictionary_type(field.data_type());
        field.as_ref().clone().with_data_type(dictionary)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A column of text as a dictionary; any other as it is.
pub fn with_dictionary(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(texts) = column.as_string_opt::<i32>() else {
        return Ok(Arc::clone(column));
    };
    let mut dictionary = StringDictionaryBuilder::<UInt32Type>::new();
    for text in texts {
        dictionary.append_option(text);
    }
    Ok(Arc::new(dictionary.finish()))
}

/// A batch with text as dictionaries, as `schema` says, see [`dictionary_schema`].
///
/// [`plain_batch`] is the way back:
///
/// ```
/// use std::sync::Arc;
///
/// use arrow_array::{ArrayRef, RecordBatch, StringArray};
/// use claimlake_columnar::sort::buffered::{dictionary_schema, plain_batch, with_dictionaries};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let codes: ArrayRef = Arc::new(StringArray::from(vec![Some("J44"), None, Some("J44")]));
/// let batch = RecordBatch::try_from_iter_with_nullable([("code", codes, true)])?;
/// let numbered = with_dictionaries(&batch, &dictionary_schema(&batch.schema()))?;
/// assert_eq!(plain_batch(&numbered)?, batch);
/// # Ok(())
/// # }
/// ```
pub fn with_dictionaries(
    batch: &RecordBatch,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(with_dictionary);
    RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?)
}

/// A column with text as text.
pub fn plain_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.as_any_dictionary_opt() {
        Some(texts) => take(texts.values(), texts.keys(), None),
        None => Ok(Arc::clone(column)),
    }
}

/// A batch with text as text.
pub fn plain_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(plain_column);
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
        let plain = column.data_type().clone();
        field.as_ref().clone().with_data_type(plain)
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}

#[cfg(test)]
mod tests {
    use arrow_array::StringArray;

    use super::*;

    #[test]
    fn text_counts_with_the_batch_it_comes_with() {
        let batch = |texts: &[String]| {
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
            RecordBatch::try_from_iter([("text", texts)]).unwrap()
        };
        let long: Vec<String> = (0..250).map(|number| format!("{number:0100}")).collect();
        let mut interner = BatchInterner::default();
        let first = interner.buffer(&batch(&long)).unwrap().size();
        assert!((26_000..35_000).contains(&first), "{first}");
        // The pool has them already.
        assert_eq!(interner.buffer(&batch(&long)).unwrap().size(), 250);
        let other: Vec<String> = long.iter().map(|text| format!("{text}{text}")).collect();
        let other = interner.buffer(&batch(&other)).unwrap().size();
        assert!((51_000..60_000).contains(&other), "{other}");
        // It is full: there is a new one, with texts of its own.
        assert_eq!(interner.buffer(&batch(&long)).unwrap().size(), first);
    }
}
