//! Memory that the columns of a table take turns in.

use parquet::file::writer::TrackedWrite;

use crate::encode::page_spool::PageSpool;

/// Buffers for encoding one page of a column; their content is not used afterwards.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Rows as numbers.
    pub(crate) rows: Vec<u32>,
    /// The rows of a page that have a number.
    pub(crate) present: Vec<u32>,
    /// Values as encoded.
    pub(crate) encoded: Vec<u8>,
    /// A bit for each number that the page has.
    pub(crate) seen: Vec<u64>,
    pub(crate) page: PageScratch,
}

/// What writing a page needs.
pub(crate) struct PageScratch {
    pub(crate) levels: Vec<u32>,
    pub(crate) page: Vec<u8>,
    pub(crate) compressed: Vec<u8>,
    pub(crate) sink: TrackedWrite<Vec<u8>>,
    /// The finished pages of all columns, but for the last ones of each.
    pub(crate) spool: PageSpool,
}

impl Default for PageScratch {
    fn default() -> Self {
        Self {
            levels: Vec::new(),
            page: Vec::new(),
            compressed: Vec::new(),
            sink: TrackedWrite::new(Vec::new()),
            spool: PageSpool::default(),
        }
    }
}
