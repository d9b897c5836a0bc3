//! A page of a search as it came, and how a search is paged
//! ([FHIR R4, paging](https://hl7.org/fhir/R4/http.html#paging)).

use claimlake_contract::ApiVersion;

/// The hash that names a resource.
pub(crate) type Id = [u8; 16];

/// More resources of one type than any real patient has: with dialysis there are about 700 claims a
/// year, 10,000 since the oldest that the API serves.
pub(crate) const MOST_RESOURCES: u64 = 50_000;

/// What is known of a `next` link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NextLink {
    /// The offset in it; `None` if it has none that can be read: a server may page by another
    /// parameter.
    pub(crate) offset: Option<u64>,
}

/// What is searched for, as far as paging depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Paging {
    pub(crate) api: ApiVersion,
    /// `_count`.
    pub(crate) page_size: u64,
    /// Whether the server pages these searches at all: v3 does so for claims only.
    pub(crate) is_paged: bool,
}

/// A page as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SeenPage {
    /// The ids of its resources, in their order.
    pub(crate) ids: Vec<Id>,
    /// Entries of a resource that is on the page already, and not in `ids` again.
    pub(crate) repeated: u64,
    /// Entries that name a match and lack its resource.
    pub(crate) blank: u64,
    /// Resources without a usable id, and notes that something went wrong.
    pub(crate) suspicious: u64,
    pub(crate) total: Option<u64>,
    pub(crate) next: Option<NextLink>,
    /// Whether the server refused the offset: it lies behind the end.
    pub(crate) is_past_end: bool,
}

impl SeenPage {
    /// Rows that it surely takes: asking on behind fewer only overlaps, behind more would pass over
    /// some.
    pub(super) fn rows(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Whether the page indicates a further one: its `next` leads beyond its own beginning, or to a
    /// position that cannot be read. A link to the page itself or backwards indicates nothing.
    pub(super) fn leads_on(&self, offset: u64) -> bool {
        let next = self.next.map(|next| next.offset);
        next.is_some_and(|next| next.is_none_or(|next| next > offset))
    }

    /// Where its `next` leads, if that is readable and beyond where the page begins.
    pub(super) fn leads_to(&self, offset: u64) -> Option<u64> {
        let next = self.next.and_then(|next| next.offset);
        next.filter(|next| *next > offset)
    }
}

impl Paging {
    /// By how many rows a page overlaps the previous one, so that a change of the result set
    /// between two pages is noticed.
    pub(super) fn overlap(self) -> u64 {
        u64::from(self.page_size > 1)
    }
}
