//! The owners of consecutive rows as runs: this many rows of one resource, then this many of the
//! next.

use crate::error::Result;
use claimlake_columnar::GroupKey as ResourceKey;

/// A resource and the number of its consecutive rows.
pub(crate) type Run = (ResourceKey, u32);

/// The rows of a table in a partition, across its files.
pub(crate) type Runs<'a> = Box<dyn Iterator<Item = Result<Run>> + 'a>;

/// Joins consecutive runs of the same resource, and leaves out runs without rows.
pub(crate) struct Joined<I> {
    inner: I,
    pending: Option<Run>,
}

impl<I: Iterator<Item = Result<Run>>> Joined<I> {
    /// Wraps any sequence of runs; the first error ends nothing, it is passed on.
    pub(crate) fn new(inner: I) -> Self {
        Self {
            inner,
            pending: None,
        }
    }
}

impl<I: Iterator<Item = Result<Run>>> Iterator for Joined<I> {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (resource, rows) = match self.inner.next() {
                Some(Ok((_, 0))) => continue,
                Some(Ok(run)) => run,
                Some(Err(error)) => return Some(Err(error)),
                None => return self.pending.take().map(Ok),
            };
            match &mut self.pending {
                Some((last, count)) if *last == resource => *count = count.saturating_add(rows),
                pending => {
                    if let Some(run) = pending.replace((resource, rows)) {
                        return Some(Ok(run));
                    }
                }
            }
        }
    }
}
