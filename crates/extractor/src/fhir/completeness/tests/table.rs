//! The rows: `docs/completeness.md` says the same in words.

use super::Expect::{self, Complete};
use super::{
    BLANK, COUNTS_MORE, DISAGREE, HOLE, LEADS_NOWHERE, NO_END, NO_FIRST_PAGE, NOTHING_NEW,
    SAME_PAGE,
};
use crate::fhir::test_server::{Extra, Server};

const ENDLESS: u64 = u64::MAX / 2;

pub(super) struct Row {
    /// What the server does.
    pub(super) name: &'static str,
    pub(super) change: fn(&mut Server),
    /// How many resources it has.
    pub(super) count: u64,
    /// What a search of v2 comes to, and one of v3.
    pub(super) v2: Expect,
    pub(super) v3: Expect,
}

macro_rules! rows {
    ($($name:literal, $count:expr, $change:expr => $v2:expr, $v3:expr;)*) => {
        &[$(Row { name: $name, change: $change, count: $count, v2: $v2, v3: $v3 },)*]
    };
}

pub(super) const TABLE: &[Row] = rows! {
    "all is right", 120, |_| () => Complete, Complete;
    "there is nothing", 0, |_| () => Complete, Complete;
    "two pages, full", 100, |_| () => Complete, Complete;
    // total
    "no total", 120, |s| s.total = Some(|_, _| None) => Complete, Complete;
    "no total, one full page", 50, |s| s.total = Some(|_, _| None) => Complete, Complete;
    "total too small", 120, |s| s.total = Some(|_, _| Some(3)) => Complete, Complete;
    "total of 0", 120, |s| s.total = Some(|_, _| Some(0)) => Complete, Complete;
    "total of a page", 120, |s| s.total = Some(|page, _| Some(page)) => Complete, Complete;
    "total too large", 120, |s| s.total = Some(|_, all| Some(all + 10)) => COUNTS_MORE, COUNTS_MORE;
    "total too large, one page", 20,
        |s| s.total = Some(|_, all| Some(all + 1)) => COUNTS_MORE, COUNTS_MORE;
    "total beyond reason", 120,
        |s| s.total = Some(|_, _| Some(u64::MAX)) => COUNTS_MORE, COUNTS_MORE;
    "total on the first page only", 120, |s| s.total_on_first = true => Complete, Complete;
    "total, and no entries", 120, |s| s.empty = Some(0..=u64::MAX) => COUNTS_MORE, COUNTS_MORE;
    "v3 with a right total", 120, |s| s.total = Some(|_, all| Some(all)) => Complete, Complete;
    // next
    "no next at all", 120, |s| s.next = Some(|_, _| None) => Complete, Complete;
    "no next, no total", 120,
        |s| { s.next = Some(|_, _| None); s.total = Some(|_, _| None) } => Complete, Complete;
    "next on every page that has entries", 120,
        |s| s.next_while = Some(|entries, _| entries > 0) => Complete, Complete;
    "next on every page that is full", 100,
        |s| s.next_while = Some(|entries, page_size| entries == page_size) => Complete, Complete;
    "next on every page, also on empty ones", 120,
        |s| s.next = Some(|at, _| Some(Some(at + 50))) => NOTHING_NEW, NOTHING_NEW;
    "next to the page itself", 120, |s| s.next = Some(|at, _| Some(Some(at))) => Complete, Complete;
    "next to the page itself, one page", 20,
        |s| s.next = Some(|at, _| Some(Some(at))) => Complete, Complete;
    "next backwards", 120, |s| s.next = Some(|_, _| Some(Some(0))) => Complete, Complete;
    "next always to the second page", 120,
        |s| s.next = Some(|_, _| Some(Some(50))) => Complete, Complete;
    "next skips a page", 120,
        |s| s.next = Some(|at, all| (at + 50 < all).then_some(Some(at + 100)))
            => Complete, Complete;
    "next cannot be read", 120,
        |s| s.next = Some(|at, all| (at + 50 < all).then_some(None)) => Complete, Complete;
    "next cannot be read, on the last page too", 120,
        |s| s.next = Some(|_, _| Some(None)) => LEADS_NOWHERE, LEADS_NOWHERE;
    "next leads on, total says all is here", 50,
        |s| { s.next = Some(|at, _| Some(Some(at + 50))); s.total = Some(|page, _| Some(page)) }
            => NOTHING_NEW, NOTHING_NEW;
    // page sizes
    "pages of 10 where 50 are asked for", 120, |s| s.served = Some(10) => Complete, Complete;
    "pages of 1 where 50 are asked for", 120, |s| s.served = Some(1) => Complete, Complete;
    "pages of 10, and no total", 120,
        |s| { s.served = Some(10); s.total = Some(|_, _| None) } => Complete, Complete;
    "pages of 70 where 50 are asked for", 160, |s| s.served = Some(70) => Complete, Complete;
    "all at once", 120, |s| s.served = Some(u64::MAX) => Complete, Complete;
    "all at once, and no total", 120,
        |s| { s.served = Some(u64::MAX); s.total = Some(|_, _| None) } => Complete, Complete;
    "all at once, and a next", 120,
        |s| { s.served = Some(u64::MAX); s.next = Some(|at, _| (at < 50).then_some(Some(at + 50))) }
            => Complete, Complete;
    "all at once, whatever the offset", 120,
        |s| { s.served = Some(u64::MAX); s.ignores_offset = true } => Complete, Complete;
    "all at once, whatever the offset, and no total", 120,
        |s| { s.served = Some(u64::MAX); s.ignores_offset = true; s.total = Some(|_, _| None) }
            => Complete, Complete;
    "the first page whatever the offset", 120,
        |s| { s.ignores_offset = true; s.next = Some(|_, _| Some(Some(50))) }
            => COUNTS_MORE, SAME_PAGE;
    "the first page whatever the offset, no next, no total", 120,
        |s| { s.ignores_offset = true; s.next = Some(|_, _| None); s.total = Some(|_, _| None) }
            => SAME_PAGE, SAME_PAGE;
    // resources
    "every resource twice in a row", 60, |s| s.twice = true => Complete, Complete;
    "one resource left out of the first page, and counted", 120,
        |s| { s.left_out = &[3]; s.total = Some(|_, all| Some(all)) } => COUNTS_MORE, COUNTS_MORE;
    "three resources left out of several pages, and counted", 120,
        |s| { s.left_out = &[3, 4, 60]; s.total = Some(|_, all| Some(all)) }
            => COUNTS_MORE, COUNTS_MORE;
    "the last resource of a page left out, and counted", 120,
        |s| { s.left_out = &[49]; s.total = Some(|_, all| Some(all)) } => COUNTS_MORE, COUNTS_MORE;
    "one resource of a single page left out, and counted", 40,
        |s| { s.left_out = &[3]; s.total = Some(|_, all| Some(all)) } => COUNTS_MORE, COUNTS_MORE;
    "one resource on two pages", 120, |s| s.same = Some((20, 90)) => Complete, Complete;
    "one resource twice on one page", 20, |s| s.same = Some((2, 9)) => Complete, Complete;
    "an entry without its resource", 120, |s| s.blank = Some(70) => BLANK, BLANK;
    "an entry without a resource, beside all that total counts", 120,
        |s| { s.blank = Some(70); s.total = Some(|_, all| Some(all - 1)) } => Complete, Complete;
    "every page repeats its first resource", 120,
        |s| s.extra = Some(Extra::Repeated) => Complete, Complete;
    "every page has entries without a resource beside its own", 120,
        |s| s.extra = Some(Extra::Blank) => Complete, BLANK;
    "an entry without its resource, one page", 20, |s| s.blank = Some(7) => BLANK, BLANK;
    // pages that are not there
    "later pages are empty", 120, |s| s.empty = Some(1..=u64::MAX) => COUNTS_MORE, LEADS_NOWHERE;
    "later pages are empty and lead on", 120,
        |s| { s.empty = Some(1..=u64::MAX); s.next = Some(|at, _| Some(Some(at + 50))) }
            => NOTHING_NEW, NOTHING_NEW;
    "the first page is empty and leads on", 120, |s| s.empty = Some(0..=0) => HOLE, HOLE;
    "the first page is past the end", 120, |s| s.past_end = Some(0) => NO_FIRST_PAGE, NO_FIRST_PAGE;
    "the last row is gone when asked again", 120,
        |s| { s.empty = Some(119..=119); s.total = Some(|_, _| None) } => DISAGREE, DISAGREE;
    "a later page is empty once", 120, |s| s.empty_once = true => Complete, Complete;
    // no end
    "new resources for ever", ENDLESS, |_| () => NO_END, NO_END;
    "new resources for ever, one a page", ENDLESS, |s| s.served = Some(1) => NO_END, NO_END;
    "the same resources for ever", ENDLESS, |s| s.circle = Some(83) => NOTHING_NEW, NOTHING_NEW;
    "the first page for ever", ENDLESS, |s| s.ignores_offset = true => COUNTS_MORE, SAME_PAGE;
};
