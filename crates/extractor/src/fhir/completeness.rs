//! Whether all resources of a search have been read, decided by its pages alone.
//!
//! No number of the server decides by itself. `total` can show that a search is incomplete, never
//! that it is complete; a page whose `next` leads to a later offset is never the last; an end
//! counts only if a second observation confirms it. The rules as a table: `docs/completeness.md`.

mod coverage;
mod incomplete_reason;

use std::collections::{BTreeMap, HashSet};

use claimlake_contract::ApiVersion;

use super::page::{Id, MOST_RESOURCES, Paging, SeenPage};
use coverage::Coverage;
pub(crate) use incomplete_reason::IncompleteReason;

/// One reading may ask for this many pages more than the largest possible number of resources
/// fills.
const SPARE_PAGES: u64 = 100;
/// A reading ends after this many pages in a row that have nothing new, but a `next` link to a
/// further page.
const MOST_IDLE_PAGES: u32 = 20;
/// v3: at most this many pages are requested at once.
const WIDEST_WINDOW: u64 = 8;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Request the pages at these offsets; none of them was requested before.
    Ask(Vec<u64>),
    /// Everything is here.
    Complete {
        /// The server's total, where it is what was found.
        total: Option<u64>,
    },
    /// Something contradicts: the search is to be read once more from its beginning.
    Again(IncompleteReason),
    /// Reading again would not help.
    Stop(IncompleteReason),
}

/// What was seen of one search in one reading.
#[derive(Debug)]
pub(crate) struct Seen {
    paging: Paging,
    /// By the offset at which they were requested.
    pages: BTreeMap<u64, SeenPage>,
    ids: HashSet<Id>,
    blank: u64,
    suspicious: u64,
    /// The greatest total of any page.
    total: Option<u64>,
    /// Whether every page has the same total.
    totals_agree: bool,
    /// Pages with a further `next` since the last page that had something new.
    idle: u32,
}

impl Seen {
    pub(crate) fn new(paging: Paging) -> Self {
        Self {
            paging,
            pages: BTreeMap::new(),
            ids: HashSet::new(),
            blank: 0,
            suspicious: 0,
            total: None,
            totals_agree: true,
            idle: 0,
        }
    }

    /// Takes note of the page at an offset.
    pub(crate) fn note(&mut self, offset: u64, mut page: SeenPage) {
        let (entries, mut on_page) = (page.ids.len(), HashSet::new());
        page.ids.retain(|id| on_page.insert(*id));
        page.repeated = (entries - page.ids.len()) as u64;
        self.totals_agree &= self.pages.is_empty() || page.total == self.total;
        self.total = self.total.max(page.total);
        self.blank += page.blank;
        self.suspicious += page.suspicious;
        let known = self.ids.len();
        self.ids.extend(page.ids.iter().copied());
        if self.ids.len() > known {
            self.idle = 0;
        } else if page.leads_on(offset) {
            self.idle += 1;
        }
        self.pages.insert(offset, page);
    }

    /// Distinct resources.
    pub(crate) fn distinct(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether something may be in the place of a resource: then what was not found may be there.
    pub(crate) fn is_suspicious(&self) -> bool {
        let reached = Coverage::of(&self.pages, self.paging).reached;
        let repeated = self.pages.values().any(|page| page.repeated > 0);
        let is_v2 = self.paging.api == ApiVersion::V2;
        let counts_another = is_v2 && self.total.is_some_and(|total| total != self.distinct());
        self.blank > 0
            || self.suspicious > 0
            || repeated
            || counts_another
            || reached != self.distinct()
    }

    /// A number that two readings share which found the same resources, in whatever order.
    pub(crate) fn fingerprint(&self) -> u128 {
        let ids = self.ids.iter().map(|id| u128::from_be_bytes(*id));
        ids.fold(0, u128::wrapping_add)
    }

    /// What to do, after what was seen so far.
    pub(crate) fn next_step(&self) -> Step {
        let Some(first) = self.pages.get(&0) else {
            return Step::Ask(vec![0]);
        };
        if first.is_past_end {
            return Step::Again(IncompleteReason::NoFirstPage);
        }
        let coverage = Coverage::of(&self.pages, self.paging);
        let is_open = self.leads_on_at(coverage.last) || self.leads_on_at(coverage.links_end);
        let counted_more = self.counted_more(&coverage);
        if !is_open && counted_more.is_none() && self.is_end_confirmed(first, &coverage) {
            return self.at_the_end(&coverage);
        }
        if self.repeats_first(first) {
            return Step::Again(counted_more.unwrap_or(IncompleteReason::SamePage));
        }
        let asked = self.pages.len() as u64;
        let room = most_pages(self.paging).saturating_sub(asked);
        if room == 0 || self.distinct() >= MOST_RESOURCES {
            return Step::Stop(IncompleteReason::NoEnd { pages: asked });
        }
        if self.idle >= MOST_IDLE_PAGES {
            return Step::Again(IncompleteReason::NothingNew { pages: self.idle });
        }
        let mut offsets = self.offsets_to_ask(first, &coverage);
        offsets.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        match offsets.is_empty() {
            false => Step::Ask(offsets),
            true => Step::Again(self.doubt(&coverage)),
        }
    }

    fn leads_on_at(&self, offset: u64) -> bool {
        let page = self.pages.get(&offset);
        page.is_some_and(|page| page.leads_on(offset))
    }

    /// The total, if it is larger than both the number of resources and the number of rows found.
    /// Rows count only if pages overlap with the same resources in the same rows, or if each page
    /// is as long as requested: otherwise a page may lack a row that later offsets count.
    fn counted_more(&self, coverage: &Coverage) -> Option<IncompleteReason> {
        let found = self.distinct();
        let repeated: u64 = self.pages.values().map(|page| page.repeated).sum();
        let seen = match coverage.is_joined || coverage.has_hole || self.are_pages_full(coverage) {
            true => found.max(coverage.entries_end),
            false => found + repeated + self.blank,
        };
        let total = self.total.filter(|total| *total > seen)?;
        Some(IncompleteReason::CountsMore { total, found })
    }

    /// Whether every page with entries is as long as requested, except those that reach the end.
    fn are_pages_full(&self, coverage: &Coverage) -> bool {
        self.pages.iter().all(|(offset, page)| {
            let entries = page.rows() + page.repeated + page.blank;
            entries == 0 || entries >= self.paging.page_size || offset + entries >= coverage.reached
        })
    }

    /// Whether a second sign says that the last page is the last.
    fn is_end_confirmed(&self, first: &SeenPage, coverage: &Coverage) -> bool {
        let is_one_page = self.pages.len() == 1;
        let is_short = first.rows() < self.paging.page_size;
        let sends_everything = first.rows() > self.paging.page_size && self.repeats_first(first);
        !self.paging.is_paged
            || self.total_is_found(coverage)
            || (is_one_page && is_short)
            || sends_everything
            || coverage.is_end_asked
    }

    /// v2: whether every page counts what was found, and no row came twice.
    fn total_is_found(&self, coverage: &Coverage) -> bool {
        self.paging.api == ApiVersion::V2
            && self.counts_what_is_found()
            && self.distinct() == coverage.reached
    }

    fn counts_what_is_found(&self) -> bool {
        self.totals_agree && self.total == Some(self.distinct())
    }

    /// The end is confirmed: whether all pages are of one set.
    fn at_the_end(&self, coverage: &Coverage) -> Step {
        // If every page's total is the number of resources found, an entry without a resource is
        // not one of them.
        if self.blank > 0 && !self.counts_what_is_found() {
            return Step::Again(IncompleteReason::Blank {
                entries: self.blank,
            });
        }
        if coverage.has_hole {
            return Step::Again(IncompleteReason::Hole);
        }
        let is_one_set = coverage.is_joined && self.distinct() == coverage.reached;
        match is_one_set || self.total_is_found(coverage) {
            true => Step::Complete {
                total: self
                    .total
                    .filter(|total| self.paging.api == ApiVersion::V2 && *total == self.distinct()),
            },
            false => Step::Again(IncompleteReason::Moved),
        }
    }

    /// Whether a later page is the first one again: the server ignores the offset.
    fn repeats_first(&self, first: &SeenPage) -> bool {
        let mut later = self.pages.range(1..);
        !first.ids.is_empty() && later.any(|(_, page)| page.ids == first.ids)
    }

    fn offsets_to_ask(&self, first: &SeenPage, coverage: &Coverage) -> Vec<u64> {
        let page_size = self.paging.page_size;
        let is_first_alone = self.pages.len() == 1 && first.rows() == page_size;
        if let (ApiVersion::V2, true, Some(total)) = (self.paging.api, is_first_alone, self.total)
            && total > page_size
            && total <= MOST_RESOURCES
        {
            let offsets = (1..).map(|page| page * page_size);
            return offsets.take_while(|offset| *offset < total).collect();
        }
        let is_new = |offset: &u64| !self.pages.contains_key(offset);
        let end = coverage.end_offset(self.paging);
        if is_new(&end) {
            let looks_ahead = self.paging.api == ApiVersion::V3
                && coverage.is_regular
                && self.leads_on_at(coverage.last);
            let window = match looks_ahead {
                true => (self.pages.len() as u64 + 1).min(WIDEST_WINDOW),
                false => 1,
            };
            let step = page_size - self.paging.overlap();
            let offsets = (0..window).map(|page| end + page * step);
            return offsets.filter(is_new).collect();
        }
        let by_total = self.counted_more(coverage).map(|_| coverage.reached);
        let mut further = coverage.open_link.into_iter().chain(by_total);
        further.find(is_new).into_iter().collect()
    }

    /// Why there is nothing left to ask for, and still no end.
    fn doubt(&self, coverage: &Coverage) -> IncompleteReason {
        if let Some(counted_more) = self.counted_more(coverage) {
            return counted_more;
        }
        if coverage.has_hole {
            return IncompleteReason::Hole;
        }
        let ends_empty = coverage.links_end > coverage.last
            && !self.leads_on_at(coverage.links_end)
            && self
                .pages
                .get(&coverage.links_end)
                .is_some_and(|page| page.rows() == 0);
        let blank = match self.counts_what_is_found() {
            true => 0,
            false => self.blank,
        };
        match (coverage.is_end_asked && ends_empty, blank) {
            (true, 0) => IncompleteReason::EmptyTail,
            (_, entries) if entries > 0 => IncompleteReason::Blank { entries },
            _ if self.leads_on_at(coverage.last) || self.leads_on_at(coverage.links_end) => {
                IncompleteReason::LeadsNowhere
            }
            _ => IncompleteReason::Contradiction,
        }
    }
}

/// Pages that one reading may ask for.
fn most_pages(paging: Paging) -> u64 {
    let step = paging.page_size.saturating_sub(paging.overlap()).max(1);
    SPARE_PAGES + MOST_RESOURCES.div_ceil(step)
}

#[cfg(test)]
mod tests;
