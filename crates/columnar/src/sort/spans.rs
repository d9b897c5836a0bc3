//! Spans of rows: neighbours with one sort key.

use std::rc::Rc;

use crate::error::Result;
use crate::group_key::GroupKey;
use crate::sort::buffered::BufferedBatch;
use crate::sort::row_ranges::Piece;
use crate::sort::sort_keys::SortKeys;

/// Rows that belong to one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnedRows {
    /// The first row.
    pub start: usize,
    /// How many rows.
    pub len: usize,
    /// The group that the rows belong to.
    pub resource: GroupKey,
}

/// Neighbouring rows of one group with one sort key.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The rows in their batch.
    pub rows: OwnedRows,
    /// The number of the partition, see [`SpanMaker::path`](crate::sort::span_maker::SpanMaker::path).
    pub partition: u32,
}

/// A batch cut into spans.
#[derive(Debug)]
pub struct SpanBatch {
    /// The rows.
    pub batch: BufferedBatch,
    /// No other batch of the maker has this number.
    pub number: u64,
    /// In the order of the rows.
    pub spans: Vec<Span>,
    /// The sort key of each span: partition, sort columns, resource.
    pub(crate) keys: SortKeys,
}

/// One span of a shared batch.
#[derive(Debug, Clone)]
pub struct SpanRef {
    batch: Rc<SpanBatch>,
    index: usize,
}

impl SpanRef {
    /// The span of `batch` at `index`.
    #[must_use]
    pub fn new(batch: Rc<SpanBatch>, index: usize) -> Self {
        Self { batch, index }
    }

    /// Its rows and partition.
    #[must_use]
    pub fn span(&self) -> Span {
        self.batch.spans[self.index]
    }

    /// Its sort key.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        self.batch.keys.get(self.index)
    }

    /// About the bytes of text of so many of its rows.
    pub(crate) fn text_bytes_of(&self, rows: usize) -> usize {
        self.batch.batch.text_bytes_of(rows)
    }

    /// `len` rows from the span's row `from` on.
    pub fn piece(&self, from: usize, len: usize) -> Piece<'_> {
        Piece {
            batch: &self.batch.batch,
            number: self.batch.number,
            start: self.span().rows.start + from,
            len,
        }
    }
}

/// A source of spans in the order of their keys.
pub trait SpanSource {
    /// The next span in order; none at the end.
    ///
    /// # Errors
    ///
    /// What the source says; a source outside this crate wraps its own errors.
    fn next_span(&mut self) -> Result<Option<SpanRef>>;
}
