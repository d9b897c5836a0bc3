//! Combines text columns of buffered batches: the distinct texts of all pools, and a number for
//! each row.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arrow_array::builder::StringBuilder;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::ArrowError;

use crate::sort::buffered::TextPool;
use crate::sort::dictionary_keys::NULL;
use crate::sort::row_ranges::Ranges;
use crate::sort::string_interner::StringInterner;

/// Distinct texts in the order of the rows that first have them. The rows' numbers belong to the
/// caller.
#[derive(Debug)]
pub(crate) struct TextColumn {
    texts: StringInterner,
    /// Identifies this column in the marks of pools: a pool's text with this mark already has a
    /// number here.
    mark: u32,
}

/// A mark that no other column has. 0 is never used, because new pools have it.
fn next_mark() -> u32 {
    // Pools begin with marks of 0. Pools live far shorter than it takes to count once around.
    static MARKS: AtomicU32 = AtomicU32::new(1);
    MARKS.fetch_add(1, Ordering::Relaxed).max(1)
}

impl TextColumn {
    /// A column whose distinct texts have at most so many bytes together.
    pub(crate) fn new(most_bytes: u32) -> Self {
        Self {
            texts: StringInterner::new(most_bytes),
            mark: next_mark(),
        }
    }

    /// Appends the rows of `ranges` from a column of text to `numbers`, [`NULL`] where there is no
    /// text. It ends before the first row whose text has no room; returns how many rows it
    /// appended.
    #[must_use]
    pub(crate) fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        numbers: &mut Vec<u32>,
    ) -> usize {
        let sources = ranges.texts(column);
        // The rows lie all over memory. Fetching them first, without looking at them, lets the
        // fetches overlap.
        let start = numbers.len();
        numbers.reserve(ranges.rows);
        let mut parts: Vec<(Option<&Rc<TextPool>>, usize)> = Vec::new();
        for (source, from, to) in &ranges.ranges {
            let pool = match sources[*source] {
                Some((of_pool, pool)) => {
                    of_pool.append_to(numbers, *from, *to);
                    Some(pool)
                }
                None => {
                    numbers.resize(numbers.len() + to - from, NULL);
                    None
                }
            };
            match parts.last_mut() {
                Some((last, end)) if same_pool(*last, pool) => *end += to - from,
                _ => parts.push((
                    pool,
                    parts.last().map_or(start, |(_, end)| *end) + to - from,
                )),
            }
        }
        let mut from = start;
        for (pool, to) in parts {
            if let Some(pool) = pool {
                let done = from + self.renumber(pool, &mut numbers[from..to]);
                if done < to {
                    numbers.truncate(done);
                    return done - start;
                }
            }
            from = to;
        }
        ranges.rows
    }

    /// Replaces numbers of a pool by numbers of this column, up to the first text that has no room;
    /// returns how many it replaced.
    fn renumber(&mut self, pool: &TextPool, numbers: &mut [u32]) -> usize {
        let rows = numbers.len();
        let mut marks = pool.marks.borrow_mut();
        for (row, number) in numbers.iter_mut().enumerate() {
            if *number == NULL {
                continue;
            }
            let (mark, own) = &mut marks[*number as usize];
            if *mark != self.mark {
                let texts = &mut self.texts;
                let found = match pool.with_text(*number, |text| texts.intern(text)) {
                    Some(Some(found)) => found,
                    Some(None) => return row,
                    None => NULL,
                };
                (*mark, *own) = (self.mark, found);
            }
            *number = *own;
        }
        rows
    }

    /// The bytes of all distinct texts, each with its length as Parquet writes them.
    pub(crate) fn dictionary_bytes(&self) -> usize {
        self.texts.bytes() + 4 * self.texts.len()
    }

    /// The distinct texts, by number.
    pub(crate) fn texts(&self) -> &StringInterner {
        &self.texts
    }

    /// Forgets all texts; their memory is used again.
    pub(crate) fn clear(&mut self) {
        self.texts.clear();
        self.mark = next_mark();
    }

    /// Forgets all texts; the next ones have at most so many bytes together.
    pub(crate) fn clear_with_limit(&mut self, most_bytes: u32) {
        self.clear();
        self.texts.set_limit(most_bytes);
    }

    /// Rows with such numbers as a dictionary column.
    pub(crate) fn dictionary(&self, numbers: Vec<u32>) -> Result<ArrayRef, ArrowError> {
        if i32::try_from(self.texts.bytes()).is_err() {
            return Err(ArrowError::OffsetOverflowError(self.texts.bytes()));
        }
        let mut texts = StringBuilder::with_capacity(self.texts.len(), self.texts.bytes());
        for text in self.texts.iter() {
            texts.append_value(text);
        }
        let present = BooleanBuffer::collect_bool(numbers.len(), |row| numbers[row] != NULL);
        let nulls = NullBuffer::new(present);
        let nulls = (nulls.null_count() > 0).then_some(nulls);
        let keys = UInt32Array::new(numbers.into(), nulls);
        let texts = Arc::new(texts.finish());
        Ok(Arc::new(DictionaryArray::<UInt32Type>::try_new(
            keys, texts,
        )?))
    }
}

/// Whether both are the same pool, or neither is one.
fn same_pool(left: Option<&Rc<TextPool>>, right: Option<&Rc<TextPool>>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => Rc::ptr_eq(left, right),
        (None, None) => true,
        _ => false,
    }
}
