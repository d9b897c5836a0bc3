//! Rows of a table in a partition, in their order: so many of one resource, so many of the next.

use crate::error::Result;
use claimlake_columnar::GroupKey as ResourceKey;

/// A resource and how many rows it has, one after the other.
pub(crate) type Run = (ResourceKey, u32);

/// The rows of a table in a partition, whatever files they are in.
pub(crate) type Runs<'a> = Box<dyn Iterator<Item = Result<Run>> + 'a>;

/// Runs in which no resource follows itself, and none is without rows.
pub(crate) struct Joined<I> {
    inner: I,
    pending: Option<Run>,
}

impl<I: Iterator<Item = Result<Run>>> Joined<I> {
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
