//! Why a search does not count as complete.

use std::fmt;

/// The contradiction on its pages. The text is the reason in `extract_status`, without PHI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncompleteReason {
    /// The end was found, but the pages are not of one set, or something came twice.
    Moved,
    /// The `next` of the last page leads to an empty page, and the last row was still there when
    /// requested again.
    EmptyTail,
    /// The server refuses the beginning of the search.
    NoFirstPage,
    /// Rows that were there are no longer.
    Contradiction,
    /// Rows in the middle came empty, though pages before and behind them have some.
    Hole,
    /// The server counts more than it serves.
    CountsMore { total: u64, found: u64 },
    /// A `next` leads to an offset where there is nothing.
    LeadsNowhere,
    /// The server ignores the offset: the first page comes again.
    SamePage,
    /// Page after page has a `next`, but nothing new.
    NothingNew { pages: u32 },
    /// More pages than any patient has.
    NoEnd { pages: u64 },
    /// Entries that name a match and lack its resource.
    Blank { entries: u64 },
}

impl IncompleteReason {
    /// Whether two readings in a row that found the same resources settle it: then nothing moved.
    pub(crate) fn is_settled_by_a_second_reading(self) -> bool {
        matches!(self, IncompleteReason::Moved | IncompleteReason::EmptyTail)
    }
}

impl fmt::Display for IncompleteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IncompleteReason::Moved
            | IncompleteReason::EmptyTail
            | IncompleteReason::Contradiction => f.write_str("the pages kept disagreeing"),
            IncompleteReason::NoFirstPage => {
                f.write_str("the server refuses the first page as past the end")
            }
            IncompleteReason::Hole => f.write_str("pages between others came empty"),
            IncompleteReason::CountsMore { total, found } => {
                write!(f, "the server counts {total} and serves {found}")
            }
            IncompleteReason::LeadsNowhere => {
                f.write_str("the server says that there is more, and serves nothing more")
            }
            IncompleteReason::SamePage => {
                f.write_str("the server sends its first page whatever it is asked for")
            }
            IncompleteReason::NothingNew { pages } => write!(
                f,
                "the server's paging does not end: {pages} pages in a row led on and brought nothing new"
            ),
            IncompleteReason::NoEnd { pages } => {
                write!(
                    f,
                    "the server's paging does not end: stopped after {pages} pages"
                )
            }
            IncompleteReason::Blank { entries: 1 } => {
                f.write_str("1 entry came without its resource")
            }
            IncompleteReason::Blank { entries } => {
                write!(f, "{entries} entries came without their resource")
            }
        }
    }
}
