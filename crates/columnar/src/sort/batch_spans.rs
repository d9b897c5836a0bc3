//! The spans of sorted batches, one batch after the other.

use std::rc::Rc;

use crate::error::Result;
use crate::sort::spans::{SpanBatch, SpanRef, SpanSource};

/// A source of batches whose spans are in the order of their keys.
pub trait BatchSource {
    /// The next batch; none at the end.
    ///
    /// # Errors
    ///
    /// What the source says; a source outside this crate wraps its own errors.
    fn next_batch(&mut self) -> Result<Option<SpanBatch>>;
}

/// The spans of a source of batches; it holds one batch.
pub struct BatchSpans<B> {
    source: B,
    batch: Option<Rc<SpanBatch>>,
    next: usize,
}

impl<B: BatchSource> BatchSpans<B> {
    /// Reads `source` batch by batch.
    #[must_use]
    pub fn new(source: B) -> Self {
        Self {
            source,
            batch: None,
            next: 0,
        }
    }
}

impl<B: BatchSource> SpanSource for BatchSpans<B> {
    fn next_span(&mut self) -> Result<Option<SpanRef>> {
        loop {
            if let Some(batch) = &self.batch
                && self.next < batch.spans.len()
            {
                self.next += 1;
                return Ok(Some(SpanRef::new(batch.clone(), self.next - 1)));
            }
            let Some(batch) = self.source.next_batch()? else {
                return Ok(None);
            };
            self.batch = Some(Rc::new(batch));
            self.next = 0;
        }
    }
}
