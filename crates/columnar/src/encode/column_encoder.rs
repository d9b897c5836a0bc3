//! What the encoders of all kinds of columns do.

use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;

use crate::encode::chunk_pages::ChunkBytes;
use crate::encode::scratch::Scratch;
use crate::sort::row_ranges::Ranges;

/// What ends with rows that are appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Nothing,
    /// The first rows of a row group, by which an encoder chooses between dictionary and PLAIN.
    Sample,
    Page,
}

/// The first rows decide the encoding of a row group if at least this many have a value.
pub(crate) const MIN_SAMPLE: usize = 64;

/// Whether most values occur once, so that a dictionary would only add its keys.
pub(crate) fn is_mostly_distinct(distinct: usize, values: usize) -> bool {
    4 * distinct > 3 * values
}

/// One column of a table, chunk by chunk. It holds a page that is not full yet, packed, the
/// distinct values of the chunk, and its encoded pages.
pub(crate) trait ColumnEncoder {
    /// Appends rows from a column of buffered batches, no more than the page has room for.
    fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        ends: Ends,
        scratch: &mut Scratch,
    ) -> Result<()>;

    /// Ends the page, if there is one, and the chunk: its metadata and its bytes.
    fn close<'c>(
        &'c mut self,
        scratch: &'c mut Scratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)>;

    /// Begins the next chunk, once the bytes of the one before are written.
    fn clear(&mut self);
}
