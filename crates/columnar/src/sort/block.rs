//! The format of blocks of sorted rows in spilled runs: the spans with their keys, then column by
//! column. Each distinct text is stored once per block, and numbers as offsets from the smallest
//! one.
//!
//! A block is read only by the process that wrote it: partitions are numbers of its
//! [`SpanMaker`](crate::sort::span_maker::SpanMaker), and the columns are those of its table. So
//! the format needs no version. It is read defensively all the same, since a damaged disk must give
//! an error and not other rows.

use arrow_array::Array;
use arrow_schema::{ArrowError, DataType, Schema};

use crate::error::{ColumnarError, Result};
use crate::sort::block_bytes::{BlockBytes, push_number};
use crate::sort::buffered::{BatchInterner, BufferedBatch, BufferedColumn, buffered_type};
use crate::sort::dictionary_keys::{DictionaryKeys, NULL};
use crate::sort::gathered_columns::gather_column;
use crate::sort::packed_values::{push_values, read_values};
use crate::sort::row_ranges::Ranges;
use crate::sort::sort_keys::SortKeys;
use crate::sort::spans::{OwnedRows, Span, SpanRef};
use crate::sort::text_column::TextColumn;
use crate::sort::text_limit::list_text_bytes;

/// The largest number of rows in a block.
pub(crate) const MOST_ROWS: usize = 16_384;

/// Tag of a column: no row has a value.
const NOTHING: u8 = 0;
/// Tag of a column that is not text.
const VALUES: u8 = 1;
/// Tag of a text column: all rows have the same text.
const TEXT_SAME: u8 = 2;
/// Tag of a text column: one byte per row, 0 for null, else the number of the text plus 1.
const TEXT_BYTES: u8 = 3;
/// The same with two bytes per row.
const TEXT_SHORTS: u8 = 4;
/// The same with four bytes per row.
const TEXT_WORDS: u8 = 5;

/// Writes blocks, one after the other, in the same memory.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    texts: TextColumn,
    numbers: Vec<u32>,
}

/// Whether rows fit in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All of them.
    Whole,
    /// Not all: what was appended is not a block.
    TooLarge,
}

impl BlockWriter {
    pub(crate) fn new() -> Self {
        Self {
            texts: TextColumn::new(u32::MAX),
            numbers: Vec::new(),
        }
    }

    /// Appends a block of pieces of spans, in their order: the first row of each and how many.
    /// `schema` has text as dictionaries. A block larger than `most_bytes` is given up.
    pub(crate) fn push(
        &mut self,
        schema: &Schema,
        pieces: &[(SpanRef, usize, usize)],
        most_bytes: u32,
        out: &mut Vec<u8>,
    ) -> Result<Fit> {
        let start = out.len();
        push_spans(pieces, out);
        let ranges = Ranges::of(
            pieces
                .iter()
                .map(|(span, from, len)| span.piece(*from, *len)),
        );
        for (column, field) in schema.fields().iter().enumerate() {
            let fit = match field.data_type() {
                DataType::Dictionary(..) => self.push_texts(&ranges, column, most_bytes, out),
                // Arrow counts the text of lists with 31 bits.
                _ if list_text_bytes(&ranges, column) > most_bytes as usize => Fit::TooLarge,
                other => {
                    push_column(&ranges, column, &buffered_type(other), out)?;
                    Fit::Whole
                }
            };
            if fit == Fit::TooLarge || out.len() - start > most_bytes as usize {
                return Ok(Fit::TooLarge);
            }
        }
        Ok(Fit::Whole)
    }

    /// Appends a text column: tag, number of texts, their lengths, their bytes, then a number for
    /// each row.
    fn push_texts(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        most_bytes: u32,
        out: &mut Vec<u8>,
    ) -> Fit {
        self.texts.clear_with_limit(most_bytes);
        self.numbers.clear();
        if self.texts.append(ranges, column, &mut self.numbers) < ranges.rows {
            return Fit::TooLarge;
        }
        let (tag, numbers) = match DictionaryKeys::of(&self.numbers) {
            DictionaryKeys::Same(NULL) => {
                out.push(NOTHING);
                return Fit::Whole;
            }
            DictionaryKeys::Same(_) => (TEXT_SAME, Vec::new()),
            DictionaryKeys::Bytes(kept) => (TEXT_BYTES, kept),
            DictionaryKeys::Shorts(kept) => {
                let kept = kept.iter().flat_map(|kept| kept.to_le_bytes());
                (TEXT_SHORTS, kept.collect())
            }
            DictionaryKeys::Words(kept) => {
                let kept = kept.iter().flat_map(|kept| kept.to_le_bytes());
                (TEXT_WORDS, kept.collect())
            }
        };
        out.push(tag);
        let texts = self.texts.texts();
        push_number(texts.len(), out);
        for text in texts.iter() {
            push_number(text.len(), out);
        }
        for text in texts.iter() {
            out.extend_from_slice(text.as_bytes());
        }
        out.extend_from_slice(&numbers);
        Fit::Whole
    }
}

/// Appends the number of rows and the spans. Adjacent spans with the same key become one; of each
/// key, only the part that differs from the key before is stored.
fn push_spans(pieces: &[(SpanRef, usize, usize)], out: &mut Vec<u8>) {
    let mut spans: Vec<(&SpanRef, usize)> = Vec::with_capacity(pieces.len());
    for (span, _, len) in pieces {
        match spans.last_mut() {
            Some((last, rows)) if last.key() == span.key() => *rows += len,
            _ => spans.push((span, *len)),
        }
    }
    push_number(spans.iter().map(|(_, len)| len).sum(), out);
    push_number(spans.len(), out);
    let mut before: &[u8] = &[];
    for (span, rows) in spans {
        let key = span.key();
        let shared = before
            .iter()
            .zip(key)
            .take_while(|(left, right)| left == right);
        let shared = shared.count();
        push_number(rows, out);
        push_number(span.span().partition as usize, out);
        push_number(shared, out);
        push_number(key.len() - shared, out);
        out.extend_from_slice(&key[shared..]);
        before = key;
    }
}

/// Appends a column that is not text.
fn push_column(
    ranges: &Ranges<'_>,
    column: usize,
    data_type: &DataType,
    out: &mut Vec<u8>,
) -> Result<()> {
    if ranges.arrays(column).iter().all(Option::is_none) {
        out.push(NOTHING);
        return Ok(());
    }
    let values = gather_column(ranges, column, data_type)?;
    if values.null_count() == values.len() {
        out.push(NOTHING);
        return Ok(());
    }
    out.push(VALUES);
    push_values(&values, out).map_err(ColumnarError::arrow("spilling sorted rows"))
}

/// A block that was read.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) batch: BufferedBatch,
    pub(crate) spans: Vec<Span>,
    pub(crate) keys: SortKeys,
}

/// Reads a block.
///
/// # Errors
///
/// The bytes are not what [`BlockWriter`] writes.
pub(crate) fn read(
    schema: &Schema,
    interner: &mut BatchInterner,
    bytes: &[u8],
) -> std::result::Result<Block, ArrowError> {
    let damaged = || ArrowError::ParseError("what was spilled is damaged".to_owned());
    read_parts(schema, interner, &mut BlockBytes::new(bytes)).ok_or_else(damaged)
}

/// Reads a block; `None` if it is damaged.
fn read_parts(
    schema: &Schema,
    interner: &mut BatchInterner,
    bytes: &mut BlockBytes<'_>,
) -> Option<Block> {
    let rows = bytes.number().filter(|rows| *rows <= MOST_ROWS)?;
    let (spans, keys) = read_spans(rows, bytes)?;
    let mut columns = Vec::with_capacity(schema.fields().len());
    let mut text_bytes = 0;
    for (column, field) in schema.fields().iter().enumerate() {
        columns.push(match bytes.byte()? {
            NOTHING => BufferedColumn::Nothing,
            VALUES => {
                let buffered_type = buffered_type(field.data_type());
                BufferedColumn::Other(read_values(&buffered_type, rows, bytes)?)
            }
            tag => {
                let (buffered, grown) = read_texts(tag, rows, column, interner, bytes)?;
                text_bytes += grown;
                buffered
            }
        });
    }
    Some(Block {
        batch: BufferedBatch::new(columns, rows, text_bytes),
        spans,
        keys,
    })
}

/// Reads the spans and their keys; their rows must add up to `rows`.
fn read_spans(rows: usize, bytes: &mut BlockBytes<'_>) -> Option<(Vec<Span>, SortKeys)> {
    let count = bytes.number()?;
    // A span has a row at the least.
    if count > rows {
        return None;
    }
    let mut spans = Vec::with_capacity(count);
    let mut keys = SortKeys::default();
    let mut start = 0;
    for _ in 0..count {
        let len = bytes.number()?;
        let partition = u32::try_from(bytes.number()?).ok()?;
        let (shared, rest) = (bytes.number()?, bytes.number()?);
        let resource = keys.push_after(shared, bytes.bytes(rest)?)?;
        let rows = OwnedRows {
            start,
            len,
            resource,
        };
        spans.push(Span { rows, partition });
        start = start.checked_add(len)?;
    }
    keys.shrink();
    (start == rows).then_some((spans, keys))
}

/// Reads a text column; also returns the bytes by which the pool of texts grew.
fn read_texts(
    tag: u8,
    rows: usize,
    column: usize,
    interner: &mut BatchInterner,
    bytes: &mut BlockBytes<'_>,
) -> Option<(BufferedColumn, usize)> {
    let count = bytes.number()?;
    let mut lens = Vec::new();
    for _ in 0..count {
        lens.push(bytes.number()?);
    }
    let mut all_bytes = 0_usize;
    for len in &lens {
        all_bytes = all_bytes.checked_add(*len)?;
    }
    let mut texts = std::str::from_utf8(bytes.bytes(all_bytes)?).ok()?;
    let texts = lens.into_iter().map(|len| {
        let (text, rest) = texts.split_at_checked(len)?;
        texts = rest;
        Some(text)
    });
    match tag {
        TEXT_SAME => interner.buffer_texts(column, texts, std::iter::repeat_n(1, rows)),
        TEXT_BYTES => {
            let kept = bytes.bytes(rows)?.iter();
            interner.buffer_texts(column, texts, kept.map(|kept| u32::from(*kept)))
        }
        TEXT_SHORTS => {
            let kept = bytes.bytes(rows.checked_mul(2)?)?.as_chunks().0.iter();
            let kept = kept.map(|kept| u32::from(u16::from_le_bytes(*kept)));
            interner.buffer_texts(column, texts, kept)
        }
        TEXT_WORDS => {
            let kept = bytes.bytes(rows.checked_mul(4)?)?.as_chunks().0.iter();
            interner.buffer_texts(column, texts, kept.map(|kept| u32::from_le_bytes(*kept)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

    use super::*;
    use crate::group_key::GroupKey;
    use crate::sort::buffered::with_dictionaries;
    use crate::sort::span_maker::SpanMaker;
    use crate::sort::table_shape::TableShape;

    /// A block of ten rows of three resources, and who made it.
    fn block() -> (SpanMaker, Vec<u8>) {
        let texts =
            StringArray::from_iter((0..10).map(|row| (row != 4).then(|| format!("{}", row / 2))));
        let columns: [(&str, ArrayRef); 4] = [
            ("text", Arc::new(texts)),
            ("number", Arc::new(Int64Array::from_iter_values(0..10))),
            ("nothing", Arc::new(Int64Array::from(vec![None; 10]))),
            ("same", Arc::new(StringArray::from(vec!["same"; 10]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let shape = TableShape::new("table", &batch.schema(), Vec::new(), vec![3]);
        let batch = with_dictionaries(&batch, &shape.dictionaries).unwrap();
        let owned = [(0, 3), (3, 6), (9, 1)].map(|(start, len)| OwnedRows {
            start,
            len,
            resource: GroupKey::new("v2", "Claim", &start.to_string()),
        });
        let mut maker = SpanMaker::new(shape.clone()).unwrap();
        let batch = Rc::new(maker.make(batch, &owned).unwrap());
        // The second span in two pieces.
        let pieces = [(0, 0, 3), (1, 0, 2), (1, 2, 4), (2, 0, 1)];
        let pieces = pieces.map(|(span, from, len)| (SpanRef::new(batch.clone(), span), from, len));
        let mut block = Vec::new();
        let fit = BlockWriter::new()
            .push(&shape.dictionaries, &pieces, u32::MAX, &mut block)
            .unwrap();
        assert_eq!(fit, Fit::Whole);
        (maker, block)
    }

    #[test]
    fn pieces_of_a_span_are_one_again_and_keep_its_key() {
        let (mut maker, block) = block();
        let read = maker.read(&block).unwrap();
        let spans: Vec<_> = read
            .spans
            .iter()
            .map(|span| (span.rows.start, span.rows.len))
            .collect();
        assert_eq!(spans, [(0, 3), (3, 6), (9, 1)]);
        for (index, (start, _)) in spans.into_iter().enumerate() {
            let resource = GroupKey::new("v2", "Claim", &start.to_string());
            assert_eq!(read.spans[index].rows.resource, resource);
            assert!(read.keys.get(index).ends_with(&resource.to_bytes()));
        }
        assert!(matches!(read.batch.columns[2], BufferedColumn::Nothing));
        assert!(matches!(
            &read.batch.columns[3],
            BufferedColumn::Text {
                numbers: DictionaryKeys::Same(_),
                ..
            }
        ));
    }

    #[test]
    fn a_damaged_block_is_an_error() {
        let (mut maker, block) = block();
        for len in 0..block.len() {
            assert!(maker.read(&block[..len]).is_err(), "cut to {len}");
        }
        // Whatever a byte becomes, nothing panics.
        for at in 0..block.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = block.clone();
                damaged[at] = byte;
                let _ = maker.read(&damaged);
            }
        }
    }
}
