//! Ranges of rows in buffered batches: which rows are next, before any of them is copied.

use std::collections::HashMap;
use std::rc::Rc;

use arrow_array::{Array, ArrayRef};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use crate::sort::buffered::{BufferedBatch, BufferedColumn, TextPool};
use crate::sort::dictionary_keys::DictionaryKeys;

/// A piece: rows `start .. start + len` of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    /// Where the rows are.
    pub batch: &'a BufferedBatch,
    /// No other batch of the pieces has this number.
    pub number: u64,
    /// The first row.
    pub start: usize,
    /// How many rows.
    pub len: usize,
}

/// Pieces in order, neighbours of one batch joined.
#[derive(Debug, Default)]
pub struct Ranges<'a> {
    /// Each batch once.
    pub batches: Vec<&'a BufferedBatch>,
    /// The position of a batch, the first row and one after the last.
    pub ranges: Vec<(usize, usize, usize)>,
    /// All rows of the ranges.
    pub rows: usize,
}

impl<'a> Ranges<'a> {
    /// The ranges of pieces in their order; neighbours are joined.
    #[must_use]
    pub fn of(pieces: impl Iterator<Item = Piece<'a>>) -> Self {
        let mut joined = Self::default();
        let mut position_of: HashMap<u64, usize, foldhash::fast::RandomState> = HashMap::default();
        for piece in pieces {
            let position = *position_of.entry(piece.number).or_insert_with(|| {
                joined.batches.push(piece.batch);
                joined.batches.len() - 1
            });
            joined.rows += piece.len;
            match joined.ranges.last_mut() {
                Some((last, _, end)) if *last == position && *end == piece.start => {
                    *end += piece.len;
                }
                _ => {
                    let end = piece.start + piece.len;
                    joined.ranges.push((position, piece.start, end));
                }
            }
        }
        joined
    }

    /// `len` of the rows, from row `start` on.
    pub fn slice(&self, start: usize, len: usize) -> Self {
        let mut ranges = Vec::new();
        let (mut skip, mut left) = (start, len);
        for (batch, from, to) in &self.ranges {
            let skipped = skip.min(to - from);
            skip -= skipped;
            let from = from + skipped;
            let taken = left.min(to - from);
            left -= taken;
            if taken > 0 {
                ranges.push((*batch, from, from + taken));
            }
        }
        Self {
            batches: self.batches.clone(),
            ranges,
            rows: len - left,
        }
    }

    /// The numbers of a column of text and their pools; none for batches where no row has a text.
    pub(crate) fn texts(
        &self,
        column: usize,
    ) -> Vec<Option<(&'a DictionaryKeys, &'a Rc<TextPool>)>> {
        let texts = self
            .batches
            .iter()
            .map(|batch| match batch.columns.get(column) {
                Some(BufferedColumn::Text { numbers, pool }) => Some((numbers, pool)),
                _ => None,
            });
        texts.collect()
    }

    /// The arrays of a column that is none of text; none for batches where no row has a value.
    pub fn arrays(&self, column: usize) -> Vec<Option<&'a ArrayRef>> {
        let arrays = self
            .batches
            .iter()
            .map(|batch| match batch.columns.get(column) {
                Some(BufferedColumn::Other(array)) => Some(array),
                _ => None,
            });
        arrays.collect()
    }
}

/// Which rows have a value, given the arrays of [`Ranges::arrays`]; `None` if all have one.
pub fn nulls_of(arrays: &[Option<&ArrayRef>], ranges: &Ranges<'_>) -> Option<NullBuffer> {
    let nulls: Vec<Option<Option<&NullBuffer>>> = arrays
        .iter()
        .map(|array| array.map(|array| array.nulls()))
        .collect();
    if nulls.iter().all(|nulls| matches!(nulls, Some(None))) {
        return None;
    }
    let mut present = BooleanBufferBuilder::new(ranges.rows);
    for (source, start, end) in &ranges.ranges {
        match nulls[*source] {
            None => present.append_n(end - start, false),
            Some(None) => present.append_n(end - start, true),
            Some(Some(nulls)) => {
                let first = nulls.offset();
                present.append_packed_range(first + start..first + end, nulls.validity());
            }
        }
    }
    Some(NullBuffer::new(present.finish())).filter(|nulls| nulls.null_count() > 0)
}
