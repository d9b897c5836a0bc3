//! Servers that say what is right, and what is not.

use std::sync::atomic::{AtomicU64, Ordering};

use claimlake_contract::ApiVersion;

use crate::fhir::page::{Id, NextLink, SeenPage};

type Total = fn(u64, u64) -> Option<u64>;
type Next = fn(u64, u64) -> Option<Option<u64>>;

/// What pages have beside their rows.
#[derive(Clone, Copy)]
pub(super) enum Extra {
    /// Their first resource again, at the end.
    Repeated,
    /// Two entries without a resource.
    Blank,
}

/// A server of so many rows, and what is wrong with it.
pub(super) struct Server {
    pub(super) api: ApiVersion,
    /// What is asked for.
    pub(super) page_size: u64,
    rows: u64,
    served: Option<u64>,
    total: Option<Total>,
    total_on_first: bool,
    next: Option<Next>,
    next_while: Option<fn(u64, u64) -> bool>,
    ignores_offset: bool,
    row_of: fn(u64) -> u64,
    /// Rows of which the second has the resource of the first.
    same: Option<(u64, u64)>,
    circle: Option<u64>,
    blank: Option<u64>,
    left_out: &'static [u64],
    extra: Option<Extra>,
    empty: Option<(u64, u64)>,
    past_end: Option<u64>,
    /// How often a later page may still come empty.
    empty_once: AtomicU64,
}

impl Server {
    pub(super) fn new(api: ApiVersion, rows: u64, page_size: u64) -> Self {
        Self {
            api,
            page_size,
            rows,
            served: None,
            total: None,
            total_on_first: false,
            next: None,
            next_while: None,
            ignores_offset: false,
            row_of: |row| row,
            same: None,
            circle: None,
            blank: None,
            left_out: &[],
            extra: None,
            empty: None,
            past_end: None,
            empty_once: AtomicU64::new(0),
        }
    }

    /// `total`, of the entries of the page and all there are.
    pub(super) fn total(mut self, total: Total) -> Self {
        self.total = Some(total);
        self
    }

    pub(super) fn total_on_first(mut self) -> Self {
        self.total_on_first = true;
        self
    }

    /// Where `next` leads, of the page's offset and all there are: nowhere, somewhere unreadable, an
    /// offset.
    pub(super) fn next(mut self, next: Next) -> Self {
        self.next = Some(next);
        self
    }

    pub(super) fn next_while_entries(mut self) -> Self {
        self.next_while = Some(|entries, _| entries > 0);
        self
    }

    pub(super) fn next_while_full(mut self) -> Self {
        self.next_while = Some(|entries, page_size| entries == page_size);
        self
    }

    pub(super) fn pages_of(mut self, served: u64) -> Self {
        self.served = Some(served);
        self
    }

    /// The offset is not heeded.
    pub(super) fn ignoring_offset(mut self) -> Self {
        self.ignores_offset = true;
        self
    }

    pub(super) fn twice(mut self) -> Self {
        self.rows *= 2;
        self.row_of = |row| row / 2;
        self
    }

    pub(super) fn same(mut self, one: u64, other: u64) -> Self {
        self.same = Some((one, other));
        self
    }

    pub(super) fn circle(mut self, length: u64) -> Self {
        self.circle = Some(length);
        self
    }

    pub(super) fn blank(mut self, row: u64) -> Self {
        self.blank = Some(row);
        self
    }

    /// These rows are on no page, and `total` counts them on every one.
    pub(super) fn left_out(mut self, rows: &'static [u64]) -> Self {
        self.left_out = rows;
        self.total(|_, all| Some(all))
    }

    /// Pages that have entries have more than their rows.
    pub(super) fn extra(mut self, extra: Extra) -> Self {
        self.extra = Some(extra);
        self
    }

    /// Pages from this offset on are empty; their links are as ever.
    pub(super) fn empty_from(self, offset: u64) -> Self {
        self.empty_at(offset, u64::MAX)
    }

    pub(super) fn empty_at(mut self, first: u64, last: u64) -> Self {
        self.empty = Some((first, last));
        self
    }

    pub(super) fn past_end_at(mut self, offset: u64) -> Self {
        self.past_end = Some(offset);
        self
    }

    pub(super) fn empty_once(self) -> Self {
        self.empty_once.store(1, Ordering::Relaxed);
        self
    }

    /// Distinct resources that it has.
    pub(super) fn distinct(&self) -> u64 {
        let doubled = (self.row_of)(1) == 0;
        let rows = if doubled { self.rows / 2 } else { self.rows };
        rows - u64::from(self.same.is_some()) - u64::from(self.blank.is_some())
    }

    fn id(&self, row: u64) -> Id {
        let row = match self.same {
            Some((one, other)) if row == other => one,
            _ => row,
        };
        let row = self.circle.map_or(row, |length| row % length);
        u128::from((self.row_of)(row) + 1).to_be_bytes()
    }

    pub(super) fn page(&self, asked: u64) -> SeenPage {
        let offset = if self.ignores_offset { 0 } else { asked };
        let is_past_end = self.api == ApiVersion::V2 && offset >= self.rows && self.rows > 0;
        if is_past_end && self.next.is_none() || self.past_end == Some(asked) {
            return SeenPage {
                is_past_end: true,
                ..SeenPage::default()
            };
        }
        let served = self.served.unwrap_or(self.page_size);
        let end = offset.saturating_add(served).min(self.rows);
        let rows = || offset.min(end)..end;
        let mut ids: Vec<Id> = rows()
            .filter(|row| self.blank != Some(*row) && !self.left_out.contains(row))
            .map(|row| self.id(row))
            .collect();
        let mut blank = rows().filter(|row| self.blank == Some(*row)).count() as u64;
        let is_empty = self
            .empty
            .is_some_and(|(first, last)| (first..=last).contains(&asked));
        let is_empty_once = asked > 0
            && self
                .empty_once
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        if is_empty || is_empty_once {
            ids.clear();
        }
        let entries = ids.len() as u64 + blank;
        let has_next = end < self.rows;
        let next = match (self.next, self.next_while) {
            (Some(next), _) => next(offset, self.rows),
            (_, Some(goes_on)) => {
                goes_on(entries, self.page_size).then_some(Some(offset + self.page_size))
            }
            // An empty page ends v3's search, as after a failure.
            _ if is_empty && asked > 0 || is_empty_once => None,
            _ => has_next.then_some(Some(end)),
        };
        let total = match (self.total, self.api) {
            (Some(total), _) => total(entries, self.rows),
            (None, ApiVersion::V2) => Some(self.rows),
            (None, ApiVersion::V3) if self.empty == Some((0, u64::MAX)) => Some(self.rows),
            (None, ApiVersion::V3) => (!has_next && entries > 0).then_some(entries),
        };
        if let (Some(extra), Some(first)) = (self.extra, ids.first().copied()) {
            match extra {
                Extra::Repeated => ids.push(first),
                Extra::Blank => blank += 2,
            }
        }
        SeenPage {
            ids,
            repeated: 0,
            blank,
            suspicious: 0,
            total: total.filter(|_| !self.total_on_first || asked == 0),
            next: next.map(|offset| NextLink { offset }),
            is_past_end: false,
        }
    }
}
