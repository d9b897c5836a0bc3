//! A made-up server for tests of paging: right, but for the fields that a test changes.

use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use claimlake_contract::ApiVersion;

use super::page::{Id, NextLink, Paging, SeenPage};
use super::pages::Pages;
use crate::http::fetch::FetchError;

/// What pages have beside their rows.
#[derive(Clone, Copy)]
pub(super) enum Extra {
    /// Their first resource again, at the end.
    Repeated,
    /// Two entries without a resource.
    Blank,
}

/// What happens to the set at a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Insert(u64),
    Delete(u64),
}

/// Where `next` leads: nowhere, somewhere unreadable, an offset.
type Next = fn(u64, u64) -> Option<Option<u64>>;

/// The id of an inserted row.
const INSERTED: u64 = u64::MAX - 1;

pub(super) struct Server {
    pub(super) api: ApiVersion,
    /// `_count`.
    pub(super) page_size: u64,
    rows: u64,
    /// Rows of a page, where they are not `page_size`.
    pub(super) served: Option<u64>,
    /// `total`, by the entries of the page and all there are.
    pub(super) total: Option<fn(u64, u64) -> Option<u64>>,
    pub(super) total_on_first: bool,
    /// `next`, by the page's offset and all there are.
    pub(super) next: Option<Next>,
    /// Whether there is a `next`, by the entries of the page and `page_size`.
    pub(super) next_while: Option<fn(u64, u64) -> bool>,
    pub(super) ignores_offset: bool,
    /// Every resource takes two rows.
    pub(super) twice: bool,
    /// Rows of which the second has the resource of the first.
    pub(super) same: Option<(u64, u64)>,
    /// After so many rows the resources come again.
    pub(super) circle: Option<u64>,
    /// A row without its resource.
    pub(super) blank: Option<u64>,
    /// Rows that are on no page.
    pub(super) left_out: &'static [u64],
    pub(super) extra: Option<Extra>,
    /// Pages at these offsets are empty.
    pub(super) empty: Option<RangeInclusive<u64>>,
    pub(super) past_end: Option<u64>,
    /// The first page behind an offset of 0 is empty, once.
    pub(super) empty_once: bool,
    /// From the request of this number on, the set is another.
    pub(super) change: Option<(usize, Change)>,
    /// Of pages asked for together, the last answers first.
    pub(super) last_first: bool,
    asked: Mutex<Vec<u64>>,
    served_ids: Mutex<HashSet<Id>>,
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
            twice: false,
            same: None,
            circle: None,
            blank: None,
            left_out: &[],
            extra: None,
            empty: None,
            past_end: None,
            empty_once: false,
            change: None,
            last_first: false,
            asked: Mutex::default(),
            served_ids: Mutex::default(),
        }
    }

    pub(super) fn paging(&self) -> Paging {
        Paging {
            api: self.api,
            page_size: self.page_size,
            is_paged: true,
        }
    }

    /// Offsets in the order in which they were asked for.
    pub(super) fn asked(&self) -> Vec<u64> {
        self.asked.lock().unwrap().clone()
    }

    /// Distinct resources that it has.
    pub(super) fn distinct(&self) -> u64 {
        let rows = if self.twice { self.rows / 2 } else { self.rows };
        rows - u64::from(self.same.is_some()) - u64::from(self.blank.is_some())
    }

    /// Whether all resources of the set that the last request met were served.
    pub(super) fn served_all(&self) -> bool {
        let last = self.asked().len() - 1;
        let served = self.served_ids.lock().unwrap();
        (0..self.rows_at(last)).all(|row| served.contains(&self.id(row, last)))
    }

    fn change_at(&self, request: usize) -> Option<Change> {
        let (first, change) = self.change?;
        (request >= first).then_some(change)
    }

    fn rows_at(&self, request: usize) -> u64 {
        match self.change_at(request) {
            Some(Change::Insert(_)) => self.rows + 1,
            Some(Change::Delete(_)) => self.rows - 1,
            None => self.rows,
        }
    }

    fn id(&self, row: u64, request: usize) -> Id {
        let row = match (self.change_at(request), self.same) {
            (Some(Change::Insert(at)), _) if row == at => INSERTED,
            (Some(Change::Insert(at)), _) if row > at => row - 1,
            (Some(Change::Delete(at)), _) if row >= at => row + 1,
            (_, Some((one, other))) if row == other => one,
            _ => row,
        };
        let row = self.circle.map_or(row, |length| row % length);
        let resource = if self.twice { row / 2 } else { row };
        u128::from(resource + 1).to_be_bytes()
    }

    fn answer(&self, asked: u64) -> SeenPage {
        let mut log = self.asked.lock().unwrap();
        let is_empty_once = self.empty_once && asked > 0 && log.iter().all(|offset| *offset == 0);
        let request = log.len();
        log.push(asked);
        let all = self.rows_at(request);
        let offset = if self.ignores_offset { 0 } else { asked };
        let is_past_end = self.api == ApiVersion::V2 && offset >= all && all > 0;
        if is_past_end && self.next.is_none() || self.past_end == Some(asked) {
            return SeenPage {
                is_past_end: true,
                ..SeenPage::default()
            };
        }
        let served = self.served.unwrap_or(self.page_size);
        let end = offset.saturating_add(served).min(all);
        let rows = || offset.min(end)..end;
        let mut ids: Vec<Id> = rows()
            .filter(|row| self.blank != Some(*row) && !self.left_out.contains(row))
            .map(|row| self.id(row, request))
            .collect();
        let mut blank = rows().filter(|row| self.blank == Some(*row)).count() as u64;
        let empty = self.empty.as_ref();
        let is_empty = is_empty_once || empty.is_some_and(|empty| empty.contains(&asked));
        if is_empty {
            ids.clear();
        }
        self.served_ids.lock().unwrap().extend(ids.iter().copied());
        let entries = ids.len() as u64 + blank;
        let has_next = end < all;
        let next = match (self.next, self.next_while) {
            (Some(next), _) => next(offset, all),
            (_, Some(goes_on)) => {
                goes_on(entries, self.page_size).then_some(Some(offset + self.page_size))
            }
            // An empty page ends v3's search, as after a failure.
            _ if is_empty && asked > 0 => None,
            _ => has_next.then_some(Some(end)),
        };
        let total = match (self.total, self.api) {
            (Some(total), _) => total(entries, all),
            (None, ApiVersion::V2) => Some(all),
            (None, ApiVersion::V3) if self.empty == Some(0..=u64::MAX) => Some(all),
            (None, ApiVersion::V3 | ApiVersion::Carin) => {
                (!has_next && entries > 0).then_some(entries)
            }
        };
        if let (Some(extra), Some(first)) = (self.extra, ids.first().copied()) {
            match extra {
                Extra::Repeated => ids.push(first),
                Extra::Blank => blank += 2,
            }
        }
        SeenPage {
            ids,
            blank,
            total: total.filter(|_| !self.total_on_first || asked == 0),
            next: next.map(|offset| NextLink { offset }),
            ..SeenPage::default()
        }
    }
}

impl Pages for Server {
    async fn page(&self, offset: u64) -> Result<SeenPage, FetchError> {
        if self.last_first {
            for _ in offset..200 {
                tokio::task::yield_now().await;
            }
        }
        Ok(self.answer(offset))
    }
}
