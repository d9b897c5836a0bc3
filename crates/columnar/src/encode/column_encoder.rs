//! What the encoders of all kinds of columns do.

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;

use crate::encode::chunk_pages::ChunkBytes;
use crate::encode::scratch::Scratch;
use crate::sort::gather::Ranges;

/// What ends with rows that are appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Nothing,
    /// The first rows of a row group, by which an encoder may judge what comes.
    Sample,
    Page,
}

/// So many of the first rows must have a value for a judgement of the whole row group.
pub(crate) const LEAST_JUDGED: usize = 64;

/// Whether a dictionary would say nearly all values once, and their numbers on top.
pub(crate) fn is_mostly_distinct(distinct: usize, values: usize) -> bool {
    4 * distinct > 3 * values
}

/// One column of a table, chunk by chunk. It holds a page that is not full yet, packed, what is
/// distinct in the chunk, and its pages as the file will have them.
pub(crate) trait ColumnEncoder {
    /// Appends rows from a column of buffered batches, no more than the page has room for.
    fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        ends: Ends,
        scratch: &mut Scratch,
    ) -> Result<()>;

    /// Ends the page, if there is one, and the chunk: what the file tells of it, and its bytes.
    fn close<'c>(
        &'c mut self,
        scratch: &'c mut Scratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)>;

    /// Begins the next chunk, once the bytes of the one before are written.
    fn clear(&mut self);
}
