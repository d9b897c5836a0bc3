//! Merging sorted sources into one.
//!
//! A heap has the next span of each source, so a merge costs a comparison of keys for each doubling of
//! the sources, and never one of rows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::error::Result;
use crate::sort::spans::{SpanRef, SpanSource};

/// Several sources as one; equal keys come in the order of the sources.
pub struct Merge<'a> {
    sources: Vec<Box<dyn SpanSource + 'a>>,
    heads: BinaryHeap<Head>,
}

impl<'a> Merge<'a> {
    /// Merges `sources`, each of which is sorted.
    ///
    /// # Errors
    ///
    /// What Arrow or the operating system refuses.
    pub fn new(mut sources: Vec<Box<dyn SpanSource + 'a>>) -> Result<Self> {
        let mut heads = BinaryHeap::with_capacity(sources.len());
        for (source, spans) in sources.iter_mut().enumerate() {
            if let Some(span) = spans.next_span()? {
                heads.push(Head { span, source });
            }
        }
        Ok(Self { sources, heads })
    }
}

impl SpanSource for Merge<'_> {
    fn next_span(&mut self) -> Result<Option<SpanRef>> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        match self.sources[head.source].next_span()? {
            Some(next) => Ok(Some(std::mem::replace(&mut head.span, next))),
            None => Ok(Some(std::collections::binary_heap::PeekMut::pop(head).span)),
        }
    }
}

/// The next span of a source; the heap's greatest is the one with the smallest key.
struct Head {
    span: SpanRef,
    source: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = other.span.key().cmp(self.span.key());
        by_key.then(other.source.cmp(&self.source))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}
