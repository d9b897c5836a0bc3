//! Batches of rows that belong to no resource, sorted on disk where memory does not suffice.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::error::{ColumnarError, Result};
use crate::group_key::GroupKey;
use crate::sort::buffered::{plain_batch, with_dictionaries};
use crate::sort::gathered_columns::gather_batch;
use crate::sort::merge::Merge;
use crate::sort::row_ranges::Ranges;
use crate::sort::sorter::Sorter;
use crate::sort::span_maker::SpanMaker;
use crate::sort::spans::{OwnedRows, SpanSource};
use crate::sort::table_shape::TableShape;

/// Rows of a sorted batch.
const BATCH_ROWS: usize = 1_024;

/// About the most bytes of text in a batch of several rows; Arrow's offsets end at 2 GiB.
const BATCH_TEXT: usize = 64 << 20;

/// Sorts batches by some of their columns, nulls first, spilling beyond a budget of bytes.
pub struct BatchSorter {
    shape: TableShape,
    sorter: Sorter,
}

impl BatchSorter {
    /// `sort` are the columns to sort by, the most important first; `spill` is a path
    /// that nothing else is at, for a file that goes with the sorter.
    ///
    /// # Errors
    ///
    /// Columns of a type that has no order.
    pub fn new(
        name: &str,
        schema: &SchemaRef,
        sort: Vec<usize>,
        budget: usize,
        spill: PathBuf,
    ) -> Result<Self> {
        let shape = TableShape::new(name, schema, Vec::new(), sort);
        let maker = Rc::new(RefCell::new(SpanMaker::new(shape.clone())?));
        Ok(Self {
            shape,
            sorter: Sorter::new(maker, budget, spill),
        })
    }

    /// Takes the next batch; its columns are those of the sorter.
    ///
    /// # Errors
    ///
    /// What Arrow or the operating system refuses.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let numbered = with_dictionaries(batch, &self.shape.dictionaries)
            .map_err(ColumnarError::arrow(format!("sorting {}", self.shape.name)))?;
        let all = OwnedRows {
            start: 0,
            len: batch.num_rows(),
            resource: GroupKey::default(),
        };
        self.sorter.push(numbered, &[all])
    }

    /// The rows in order; those that are equal in all columns sorted by, as they were pushed.
    ///
    /// # Errors
    ///
    /// What Arrow or the operating system refuses.
    pub fn finish(self) -> Result<SortedBatches> {
        Ok(SortedBatches {
            merged: Merge::new(self.sorter.finish()?)?,
            shape: self.shape,
        })
    }
}

/// Sorted rows, some at a time.
pub struct SortedBatches {
    merged: Merge<'static>,
    shape: TableShape,
}

impl SortedBatches {
    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let mut spans = Vec::new();
        let (mut rows, mut text) = (0, 0);
        while rows < BATCH_ROWS && text < BATCH_TEXT {
            let Some(span) = self.merged.next_span()? else {
                break;
            };
            let len = span.span().rows.len;
            rows += len;
            text += span.text_bytes_of(len);
            spans.push(span);
        }
        if spans.is_empty() {
            return Ok(None);
        }
        let pieces = spans.iter();
        let pieces = pieces.map(|span| span.piece(0, span.span().rows.len));
        let batch = gather_batch(&self.shape.dictionaries, &Ranges::of(pieces))?;
        plain_batch(&batch)
            .map(Some)
            .map_err(ColumnarError::arrow(format!("sorting {}", self.shape.name)))
    }
}

impl Iterator for SortedBatches {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_batch().transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;
    use arrow_array::{ArrayRef, FixedSizeBinaryArray, StringArray, UInt64Array};

    use super::*;

    fn batch(numbers: &[u64]) -> RecordBatch {
        let keys = numbers.iter().map(|number| (number / 10).to_be_bytes());
        let keys: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(keys).unwrap());
        let texts = numbers
            .iter()
            .map(|number| (number % 3 > 0).then(|| format!("text {number}")));
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(UInt64Array::from(numbers.to_vec()));
        RecordBatch::try_from_iter_with_nullable([
            ("text", texts, true),
            ("key", keys, false),
            ("number", numbers, false),
        ])
        .unwrap()
    }

    #[test]
    fn rows_come_in_order_however_often_they_are_spilled() {
        // Each number once, all over the place.
        let numbers: Vec<u64> = (0..5_000).map(|row| row * 3_571 % 5_000).collect();
        for budget in [0, 10_000, 1 << 30] {
            let folder = tempfile::tempdir().unwrap();
            let spill = folder.path().join("spill");
            let schema = batch(&[0]).schema();
            let mut sorter =
                BatchSorter::new("numbers", &schema, vec![1, 2], budget, spill.join("rows"))
                    .unwrap();
            for numbers in numbers.chunks(70) {
                sorter.push(&batch(numbers)).unwrap();
            }
            assert_eq!(spill.is_dir(), budget < 1 << 30);
            // What is spilled has no name.
            assert!(
                std::fs::read_dir(&spill).is_ok_and(|mut all| all.next().is_none())
                    || budget == 1 << 30
            );
            let mut next = 0;
            for sorted in sorter.finish().unwrap() {
                let sorted = sorted.unwrap();
                assert_eq!(sorted.schema(), schema);
                let numbers = sorted.column(2).as_primitive::<UInt64Type>().values();
                for (row, number) in numbers.iter().enumerate() {
                    assert_eq!(*number, next);
                    let text = sorted.column(0).as_string::<i32>();
                    let text = (!arrow_array::Array::is_null(text, row)).then(|| text.value(row));
                    let expected = format!("text {next}");
                    assert_eq!(text, (next % 3 > 0).then_some(expected.as_str()));
                    next += 1;
                }
            }
            assert_eq!(next, 5_000);
        }
    }
}
