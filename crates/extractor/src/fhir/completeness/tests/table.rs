//! The rows: `docs/completeness.md` says the same in words.

use super::Expect::{self, Complete, Incomplete};
use super::servers::Server;

const COUNTS_MORE: Expect = Incomplete("counts");
const LEADS_NOWHERE: Expect = Incomplete("says that there is more");
const NO_END: Expect = Incomplete("does not end: stopped");
const NOTHING_NEW: Expect = Incomplete("brought nothing new");
const SAME_PAGE: Expect = Incomplete("first page whatever");
const BLANK: Expect = Incomplete("without");
const HOLE: Expect = Incomplete("between others");
const DISAGREE: Expect = Incomplete("kept disagreeing");
const NO_FIRST_PAGE: Expect = Incomplete("refuses the first page");

/// What the server does, how many resources it has, and what v2 and v3 come to.
type Row = (&'static str, fn(Server) -> Server, u64, Expect, Expect);

pub(super) const TABLE: &[Row] = &[
    ("all is right", |s| s, 120, Complete, Complete),
    ("there is nothing", |s| s, 0, Complete, Complete),
    ("one page, and room on it", |s| s, 20, Complete, Complete),
    ("one page, full", |s| s, 50, Complete, Complete),
    ("two pages, full", |s| s, 100, Complete, Complete),
    // total
    (
        "no total",
        |s| s.total(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "no total, one full page",
        |s| s.total(|_, _| None),
        50,
        Complete,
        Complete,
    ),
    (
        "total too small",
        |s| s.total(|_, _| Some(3)),
        120,
        Complete,
        Complete,
    ),
    (
        "total of 0",
        |s| s.total(|_, _| Some(0)),
        120,
        Complete,
        Complete,
    ),
    (
        "total of a page",
        |s| s.total(|page, _| Some(page)),
        120,
        Complete,
        Complete,
    ),
    (
        "total too large",
        |s| s.total(|_, all| Some(all + 10)),
        120,
        COUNTS_MORE,
        COUNTS_MORE,
    ),
    (
        "total too large, one page",
        |s| s.total(|_, all| Some(all + 1)),
        20,
        COUNTS_MORE,
        COUNTS_MORE,
    ),
    (
        "total beyond reason",
        |s| s.total(|_, _| Some(u64::MAX)),
        120,
        COUNTS_MORE,
        COUNTS_MORE,
    ),
    (
        "total on the first page only",
        |s| s.total_on_first(),
        120,
        Complete,
        Complete,
    ),
    (
        "total, and no entries",
        |s| s.empty_from(0),
        120,
        COUNTS_MORE,
        COUNTS_MORE,
    ),
    (
        "v3 with a right total",
        |s| s.total(|_, all| Some(all)),
        120,
        Complete,
        Complete,
    ),
    // next
    (
        "no next at all",
        |s| s.next(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "no next, no total",
        |s| s.next(|_, _| None).total(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "next on every page that has entries",
        |s| s.next_while_entries(),
        120,
        Complete,
        Complete,
    ),
    (
        "next on every page that is full",
        |s| s.next_while_full(),
        100,
        Complete,
        Complete,
    ),
    (
        "next on every page, also on empty ones",
        |s| s.next(|at, _| Some(Some(at + 50))),
        120,
        NOTHING_NEW,
        NOTHING_NEW,
    ),
    (
        "next to the page itself",
        |s| s.next(|at, _| Some(Some(at))),
        120,
        Complete,
        Complete,
    ),
    (
        "next to the page itself, one page",
        |s| s.next(|at, _| Some(Some(at))),
        20,
        Complete,
        Complete,
    ),
    (
        "next backwards",
        |s| s.next(|_, _| Some(Some(0))),
        120,
        Complete,
        Complete,
    ),
    (
        "next always to the second page",
        |s| s.next(|_, _| Some(Some(50))),
        120,
        Complete,
        Complete,
    ),
    (
        "next skips a page",
        |s| s.next(|at, all| (at + 50 < all).then_some(Some(at + 100))),
        120,
        Complete,
        Complete,
    ),
    (
        "next cannot be read",
        |s| s.next(|at, all| (at + 50 < all).then_some(None)),
        120,
        Complete,
        Complete,
    ),
    (
        "next cannot be read, on the last page too",
        |s| s.next(|_, _| Some(None)),
        120,
        LEADS_NOWHERE,
        LEADS_NOWHERE,
    ),
    (
        "next leads on, total says all is here",
        |s| {
            s.next(|at, _| Some(Some(at + 50)))
                .total(|page, _| Some(page))
        },
        50,
        NOTHING_NEW,
        NOTHING_NEW,
    ),
    // page sizes
    (
        "pages of 10 where 50 are asked for",
        |s| s.pages_of(10),
        120,
        Complete,
        Complete,
    ),
    (
        "pages of 1 where 50 are asked for",
        |s| s.pages_of(1),
        120,
        Complete,
        Complete,
    ),
    (
        "pages of 10, and no total",
        |s| s.pages_of(10).total(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "pages of 70 where 50 are asked for",
        |s| s.pages_of(70),
        160,
        Complete,
        Complete,
    ),
    (
        "all at once",
        |s| s.pages_of(u64::MAX),
        120,
        Complete,
        Complete,
    ),
    (
        "all at once, and no total",
        |s| s.pages_of(u64::MAX).total(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "all at once, and a next",
        |s| {
            s.pages_of(u64::MAX)
                .next(|at, _| (at < 50).then_some(Some(at + 50)))
        },
        120,
        Complete,
        Complete,
    ),
    (
        "all at once, whatever the offset",
        |s| s.pages_of(u64::MAX).heedless(),
        120,
        Complete,
        Complete,
    ),
    (
        "all at once, whatever the offset, and no total",
        |s| s.pages_of(u64::MAX).heedless().total(|_, _| None),
        120,
        Complete,
        Complete,
    ),
    (
        "the first page whatever the offset",
        |s| s.heedless().next(|_, _| Some(Some(50))),
        120,
        COUNTS_MORE,
        SAME_PAGE,
    ),
    (
        "the first page whatever the offset, no next, no total",
        |s| s.heedless().next(|_, _| None).total(|_, _| None),
        120,
        SAME_PAGE,
        SAME_PAGE,
    ),
    // resources
    (
        "every resource twice in a row",
        |s| s.twice(),
        60,
        Complete,
        Complete,
    ),
    (
        "one resource on two pages",
        |s| s.same(20, 90),
        120,
        Complete,
        Complete,
    ),
    (
        "one resource twice on one page",
        |s| s.same(2, 9),
        20,
        Complete,
        Complete,
    ),
    (
        "an entry without its resource",
        |s| s.blank(70),
        120,
        BLANK,
        BLANK,
    ),
    (
        "an entry without a resource, beside all that total counts",
        |s| s.blank(70).total(|_, all| Some(all - 1)),
        120,
        Complete,
        BLANK,
    ),
    (
        "an entry without its resource, one page",
        |s| s.blank(7),
        20,
        BLANK,
        BLANK,
    ),
    // pages that are not there
    (
        "later pages are empty",
        |s| s.empty_from(1),
        120,
        COUNTS_MORE,
        LEADS_NOWHERE,
    ),
    (
        "later pages are empty and lead on",
        |s| s.empty_from(1).next(|at, _| Some(Some(at + 50))),
        120,
        NOTHING_NEW,
        NOTHING_NEW,
    ),
    (
        "the first page is empty and leads on",
        |s| s.empty_at(0, 0),
        120,
        COUNTS_MORE,
        HOLE,
    ),
    (
        "the first page is past the end",
        |s| s.past_end_at(0),
        120,
        NO_FIRST_PAGE,
        NO_FIRST_PAGE,
    ),
    (
        "the last row is gone when asked again",
        |s| s.empty_at(119, 119).total(|_, _| None),
        120,
        DISAGREE,
        DISAGREE,
    ),
    (
        "a later page is empty once",
        |s| s.empty_once(),
        120,
        Complete,
        Complete,
    ),
    // no end
    (
        "new resources for ever",
        |s| s,
        u64::MAX / 2,
        NO_END,
        NO_END,
    ),
    (
        "new resources for ever, one a page",
        |s| s.pages_of(1),
        u64::MAX / 2,
        NO_END,
        NO_END,
    ),
    (
        "the same resources for ever",
        |s| s.circle(83),
        u64::MAX / 2,
        NOTHING_NEW,
        NOTHING_NEW,
    ),
    (
        "the first page for ever",
        |s| s.heedless(),
        u64::MAX / 2,
        COUNTS_MORE,
        SAME_PAGE,
    ),
];
