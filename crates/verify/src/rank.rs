//! Which body of a resource counts: the newest, or the first of its neighbours with the same content.

use std::num::NonZeroU64;

/// A hash of what bodies are compared by; `None` if equal content means equal text.
pub(crate) type Content = Option<NonZeroU64>;

/// The rank of a body among the bodies of its resource: the greatest is the newest.
/// `meta.lastUpdated` comes first, then the place in landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    last_updated: Option<i64>,
    pub(crate) order: u64,
}

impl Rank {
    pub(crate) fn new(last_updated: Option<i64>, order: u64) -> Self {
        Self {
            last_updated,
            order,
        }
    }

    /// The rank of a period of the body, by its landing order.
    pub(crate) fn at(self, order: u64) -> Self {
        Self { order, ..self }
    }

    /// Whether the body is newer, whatever else is found. Of bodies of one time with different content
    /// that is decided once all are known.
    pub(crate) fn is_after(self, other: Rank, content: Content) -> bool {
        match content {
            None => self > other,
            Some(_) => self.last_updated > other.last_updated,
        }
    }

    /// `meta.lastUpdated` in microseconds since the epoch.
    pub(crate) fn last_updated(self) -> Option<i64> {
        self.last_updated
    }

    /// Whether both have the same `meta.lastUpdated`.
    pub(crate) fn is_of_the_time_of(self, other: Rank) -> bool {
        self.last_updated == other.last_updated
    }
}

/// Which of a resource's newest bodies counts, given all of one time as they landed: the newest, or
/// the first of the neighbours before it that say the same. It is in the tables already when the
/// others come.
pub(crate) fn first_of_the_last<B, C: PartialEq>(bodies: &[B], content: impl Fn(&B) -> C) -> usize {
    let newest = bodies.last().map(&content);
    let before = bodies.iter().rev();
    let alike = before.take_while(|body| newest.as_ref() == Some(&content(body)));
    bodies.len() - alike.count()
}
