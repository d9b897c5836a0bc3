//! Which rows of a search its pages cover, from the first on.

use std::collections::BTreeMap;

use crate::fhir::page::{Id, Paging, SeenPage};

/// The rows that are connected from the first page on: each page begins within the rows of those
/// before it, or where the `next` of one of them points, once the rows in between were requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coverage {
    /// The row behind the last one.
    pub(super) reached: u64,
    /// The same, but counting entries that a page repeats: a total may count them.
    pub(super) entries_end: u64,
    /// The offset of the last page that has rows; of the first where none has.
    pub(super) last: u64,
    /// The offset of the page that following `next` from the last one ended at.
    pub(super) links_end: u64,
    /// The offset that the `next` of that page points to, if it was not requested yet.
    pub(super) open_link: Option<u64>,
    /// Whether a `next` passes over rows that came empty.
    pub(super) has_hole: bool,
    /// Whether each page overlaps those before it, with the same resources in the same rows.
    pub(super) is_joined: bool,
    /// Whether every page is as long as requested.
    pub(super) is_regular: bool,
    /// Whether the last row was requested again, with what follows, and was returned.
    pub(super) is_end_asked: bool,
}

impl Coverage {
    /// The coverage of pages by their offsets; there is a page at 0.
    pub(super) fn of(pages: &BTreeMap<u64, SeenPage>, paging: Paging) -> Self {
        let mut covered = CoverageBuilder {
            pages,
            paging,
            next_offset: 0,
            ids: Vec::new(),
            furthest: 0,
            found: Coverage {
                reached: 0,
                entries_end: 0,
                last: 0,
                links_end: 0,
                open_link: None,
                has_hole: false,
                is_joined: true,
                is_regular: true,
                is_end_asked: false,
            },
        };
        covered.walk();
        let end = covered.found.end_offset(paging);
        let end_page = pages.get(&end).filter(|page| !covered.is_repeat(end, page));
        let mut found = covered.found;
        found.is_end_asked = end_page.is_some_and(|page| match end < found.reached {
            true => page.rows() > 0,
            false => true,
        });
        found
    }

    /// The offset of the next request: that of the last row, so that the pages overlap.
    pub(super) fn end_offset(&self, paging: Paging) -> u64 {
        self.reached.saturating_sub(paging.overlap())
    }
}

struct CoverageBuilder<'a> {
    pages: &'a BTreeMap<u64, SeenPage>,
    paging: Paging,
    /// Pages before this offset are covered.
    next_offset: u64,
    /// The id of the resource of each row.
    ids: Vec<Option<Id>>,
    /// The offset of the last page covered, with rows or without.
    furthest: u64,
    found: Coverage,
}

impl CoverageBuilder<'_> {
    fn walk(&mut self) {
        loop {
            self.cover_what_joins();
            if !self.follow_links() {
                return;
            }
        }
    }

    /// Covers the pages that begin within what is covered already.
    fn cover_what_joins(&mut self) {
        let pages = self.pages;
        while let Some((offset, page)) = pages.range(self.next_offset..).next()
            && *offset <= self.found.reached
        {
            self.next_offset = offset + 1;
            if !self.is_repeat(*offset, page) {
                self.cover(*offset, page);
            }
        }
    }

    fn cover(&mut self, offset: u64, page: &SeenPage) {
        let (rows, found) = (page.rows(), &mut self.found);
        let overlaps = offset < found.reached || offset == 0 || self.paging.overlap() == 0;
        found.is_joined &= rows == 0 || overlaps;
        found.is_regular &= rows == self.paging.page_size;
        if found.is_joined {
            found.is_joined &= same_rows(&mut self.ids, offset, &page.ids);
        }
        found.reached = found.reached.max(offset + rows);
        let entries_end = offset + rows + page.repeated;
        found.entries_end = found.entries_end.max(entries_end);
        if rows > 0 {
            found.last = offset;
        }
        self.furthest = offset;
    }

    /// Follows `next` from the last page on. Whether it led to rows that are to be covered.
    fn follow_links(&mut self) -> bool {
        let of_covered = self.pages.range(self.found.last..=self.furthest);
        let links =
            of_covered.filter_map(|(offset, page)| Some((page.leads_to(*offset)?, *offset)));
        let Some((mut link, mut at)) = links.max() else {
            self.found.links_end = self.furthest;
            return false;
        };
        loop {
            let Some(page) = self.pages.get(&link) else {
                (self.found.links_end, self.found.open_link) = (at, Some(link));
                return false;
            };
            at = link;
            if link > self.found.reached && page.rows() > 0 && !self.is_repeat(link, page) {
                return self.pass_over(link);
            }
            match page.leads_to(link) {
                Some(next) => link = next,
                None => {
                    self.found.links_end = at;
                    return false;
                }
            }
        }
    }

    /// Continues at a page that a link points to, beyond the last row: requests found nothing in
    /// between.
    fn pass_over(&mut self, offset: u64) -> bool {
        let end = self.found.end_offset(self.paging);
        if !self.pages.contains_key(&end) {
            return false;
        }
        (self.found.is_joined, self.found.has_hole) = (false, true);
        self.found.reached = offset;
        self.next_offset = offset;
        true
    }

    /// Whether a later page is the first one again.
    fn is_repeat(&self, offset: u64, page: &SeenPage) -> bool {
        let first = self.pages.get(&0);
        offset > 0 && first.is_some_and(|first| !first.ids.is_empty() && page.ids == first.ids)
    }
}

/// Whether the rows of a page that are known already are the same; the others become known.
fn same_rows(known: &mut Vec<Option<Id>>, offset: u64, ids: &[Id]) -> bool {
    let Ok(offset) = usize::try_from(offset) else {
        return false;
    };
    if known.len() < offset {
        known.resize(offset, None);
    }
    let (overlap, new) = ids.split_at(ids.len().min(known.len() - offset));
    let same = known[offset..]
        .iter()
        .zip(overlap)
        .all(|(known, id)| *known == Some(*id));
    known.extend(new.iter().copied().map(Some));
    same
}
