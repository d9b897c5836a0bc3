//! Column chunks of text (Parquet format, "Dictionary Encoding", RLE_DICTIONARY = 8). A chunk
//! switches to PLAIN where most texts are distinct, or where the dictionary becomes too large.
//!
//! It is not the `parquet` crate's own encoder because a sorted row's text is a number of a pool
//! already: each distinct text is looked at once per chunk, where that encoder would hash it for every row.
//! Measured with `bench_columnar`, that halves the CPU of text.

use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::Bounds;
use crate::encode::buffered_rows::{BufferedRows, present};
use crate::encode::chunk::{ChunkEncoder, DataPage, length};
use crate::encode::chunk_pages::ChunkBytes;
use crate::encode::rle;
use crate::encode::scratch::{PageScratch, Scratch};
use crate::sort::dictionary_keys::NULL;
use crate::sort::row_ranges::Ranges;
use crate::sort::string_interner::StringInterner;
use crate::sort::text_column::TextColumn;

/// What ends with rows that are appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ends {
    Nothing,
    /// The first rows of a row group, by which a chunk gets a dictionary or none.
    Sample,
    Page,
}

/// The sample decides the encoding only if at least this many of its rows have a text.
const MIN_SAMPLE: usize = 64;

/// Bytes of the length that comes before a plain text.
const LENGTH_BYTES: usize = 4;

/// Encodes a column of text, chunk by chunk. It holds a page that is not full yet, packed, the distinct
/// texts of the chunk, and its encoded pages. While texts have numbers, nothing is done value by value
/// but packing these.
pub(crate) struct TextEncoder {
    chunk: ChunkEncoder,
    texts: TextColumn,
    /// How many of the distinct texts are used by the pages written so far; only these are in the
    /// dictionary.
    written_texts: usize,
    /// The rows of the unfinished page; in a PLAIN page, 0 for each row that has a text.
    page: BufferedRows,
    /// The values of the unfinished page, once the chunk has switched to PLAIN.
    plain: Option<PlainPage>,
    /// The most bytes of distinct texts; with more, the chunk switches to PLAIN within the page.
    most_text: u32,
}

/// The values of a plain page.
#[derive(Default)]
struct PlainPage {
    values: Vec<u8>,
    bounds: Bounds,
    text_bytes: i64,
}

impl TextEncoder {
    /// An encoder that holds at most `most_text` bytes of distinct texts. Where that is no less
    /// than the largest dictionary, it changes nothing but when the chunk switches to PLAIN.
    pub(crate) fn new(
        leaf: ColumnDescPtr,
        properties: WriterPropertiesPtr,
        most_text: u32,
    ) -> Result<Self> {
        Ok(Self {
            chunk: ChunkEncoder::new(leaf, properties)?,
            texts: TextColumn::new(most_text),
            most_text,
            written_texts: 0,
            page: BufferedRows::default(),
            plain: None,
        })
    }

    /// Ends a page of dictionary-encoded texts, or switches to PLAIN if the dictionary has become
    /// too large.
    fn end_page(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        let texts = self.texts.texts();
        let present = present(rows, &mut scratch.present);
        let is_first = !self.chunk.needs_dictionary();
        if self.texts.dictionary_bytes() > self.chunk.dictionary_bytes()
            || (is_first && is_mostly_distinct(texts.len(), present.len()))
        {
            return self.end_page_as_plain(rows, scratch);
        }
        self.written_texts = texts.len();
        let (text_bytes, bounds) = page_statistics(present, texts, &mut scratch.seen);
        let width = rle::width_of(texts.len().saturating_sub(1));
        scratch.encoded.clear();
        scratch.encoded.push(width as u8);
        rle::encode(present, width, &mut scratch.encoded);
        let page = DataPage {
            rows,
            values: &scratch.encoded,
            encoding: self.chunk.dictionary_data_encoding(),
            bounds,
            text_bytes,
        };
        self.chunk.data_page(page, &mut scratch.page)
    }

    /// Decides by the first rows of a row group: if most of their texts are distinct, the chunk
    /// switches to PLAIN.
    fn decide_encoding(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        let filled = present(rows, &mut scratch.present).len();
        if filled >= MIN_SAMPLE && is_mostly_distinct(self.texts.texts().len(), filled) {
            self.switch_to_plain(rows, scratch)?;
            self.page.push(&scratch.present);
        } else {
            self.page.push(rows);
        }
        Ok(())
    }

    /// Ends the last page of numbered texts as a plain one, and the dictionary before it.
    fn end_page_as_plain(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        self.write_dictionary(scratch)?;
        self.switch_to_plain(rows, scratch)?;
        match &mut self.plain {
            Some(plain) => plain.end(&mut self.chunk, &mut scratch.present, &mut scratch.page),
            None => Ok(()),
        }
    }

    /// Switches to PLAIN within a page whose distinct texts are too large to be held: they would be
    /// too large for a dictionary when the page ends. `rows` are the last ones of the page, and
    /// there are none left.
    fn leave_numbers(&mut self, rows: &mut Vec<u32>, scratch: &mut Scratch) -> Result<()> {
        let last = std::mem::take(rows);
        self.page.take_into(rows);
        rows.extend(last);
        self.write_dictionary(scratch)?;
        self.switch_to_plain(rows, scratch)?;
        self.page.push(&scratch.present);
        rows.clear();
        Ok(())
    }

    /// Turns the numbered rows of the page into plain ones, which are in `scratch.present` then.
    fn switch_to_plain(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        let plain = self.plain.insert(PlainPage::default());
        scratch.present.clear();
        for number in rows {
            let text = self.texts.texts().get(*number);
            plain.push(
                text,
                &mut self.chunk,
                &mut scratch.present,
                &mut scratch.page,
            )?;
        }
        self.texts = TextColumn::new(self.most_text);
        Ok(())
    }

    /// Writes the texts of all pages so far, if any of them are numbered.
    fn write_dictionary(&mut self, scratch: &mut Scratch) -> Result<()> {
        if !self.chunk.needs_dictionary() {
            return Ok(());
        }
        let plain = &mut scratch.encoded;
        plain.clear();
        for text in self.texts.texts().iter().take(self.written_texts) {
            push_plain(text, plain)?;
            self.chunk.note_distinct(text)?;
        }
        self.chunk
            .dictionary_page(plain, self.written_texts, &mut scratch.page)
    }

    /// Appends rows from a column of buffered batches, no more than the page has room for.
    pub(crate) fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        ends: Ends,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let mut rows = std::mem::take(&mut scratch.rows);
        rows.clear();
        let rest;
        let mut in_plain = ranges;
        if self.plain.is_none() {
            if ends == Ends::Page {
                self.page.take_into(&mut rows);
            }
            let done = self.texts.append(ranges, column, &mut rows);
            if done < ranges.rows {
                self.leave_numbers(&mut rows, scratch)?;
                rest = ranges.slice(done, ranges.rows - done);
                in_plain = &rest;
            }
        }
        if let Some(plain) = &mut self.plain {
            self.page.take_into(&mut rows);
            plain.append(
                in_plain,
                column,
                &mut self.chunk,
                &mut rows,
                &mut scratch.page,
            )?;
            if ends == Ends::Page {
                plain.end(&mut self.chunk, &mut rows, &mut scratch.page)?;
            }
            self.page.push(&rows);
        } else if ends == Ends::Page {
            self.end_page(&rows, scratch)?;
        } else {
            self.page.push(&rows);
            if ends == Ends::Sample {
                rows.clear();
                self.page.take_into(&mut rows);
                self.decide_encoding(&rows, scratch)?;
            }
        }
        scratch.rows = rows;
        Ok(())
    }

    /// Ends the page, if there is one, and the chunk: its metadata and its bytes.
    pub(crate) fn close<'c>(
        &'c mut self,
        scratch: &'c mut Scratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)> {
        let mut rows = std::mem::take(&mut scratch.rows);
        rows.clear();
        self.page.take_into(&mut rows);
        match &mut self.plain {
            Some(plain) => plain.end(&mut self.chunk, &mut rows, &mut scratch.page)?,
            None if !rows.is_empty() => {
                if self.chunk.is_empty() {
                    self.chunk.expect_distinct(self.texts.texts().len())?;
                }
                self.end_page(&rows, scratch)?;
            }
            None => {}
        }
        scratch.rows = rows;
        if self.plain.is_none() {
            self.chunk.expect_distinct(self.written_texts)?;
            self.write_dictionary(scratch)?;
        }
        self.chunk.close(&scratch.page)
    }

    /// Begins the next chunk, once the bytes of the one before are written.
    pub(crate) fn clear(&mut self) {
        self.chunk.clear();
        self.texts.clear();
        self.written_texts = 0;
        self.plain = None;
    }
}

impl PlainPage {
    /// Appends rows; `rows` are those of the page.
    fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        chunk: &mut ChunkEncoder,
        rows: &mut Vec<u32>,
        scratch: &mut PageScratch,
    ) -> Result<()> {
        let sources = ranges.texts(column);
        for (source, from, to) in &ranges.ranges {
            for row in *from..*to {
                let pushed = sources[*source].and_then(|(numbers, pool)| {
                    pool.with_text(numbers.get(row), |text| {
                        self.push(Some(text), chunk, rows, scratch)
                    })
                });
                match pushed {
                    Some(pushed) => pushed?,
                    None => self.push(None, chunk, rows, scratch)?,
                }
            }
        }
        Ok(())
    }

    /// Adds one row; ends the page first if the text would make it too large.
    fn push(
        &mut self,
        text: Option<&str>,
        chunk: &mut ChunkEncoder,
        rows: &mut Vec<u32>,
        scratch: &mut PageScratch,
    ) -> Result<()> {
        let Some(text) = text else {
            rows.push(NULL);
            return Ok(());
        };
        if self.values.len() + LENGTH_BYTES + text.len() > chunk.page_bytes() {
            self.end(chunk, rows, scratch)?;
        }
        rows.push(0);
        push_plain(text, &mut self.values)?;
        self.text_bytes += text.len() as i64;
        chunk.note_distinct(text)?;
        match &mut self.bounds {
            None => self.bounds = Some((text.to_owned(), text.to_owned())),
            Some((least, _)) if text < least.as_str() => text.clone_into(least),
            Some((_, most)) if text > most.as_str() => text.clone_into(most),
            Some(_) => {}
        }
        Ok(())
    }

    /// Ends the page, if it has rows; there are none left.
    fn end(
        &mut self,
        chunk: &mut ChunkEncoder,
        rows: &mut Vec<u32>,
        scratch: &mut PageScratch,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let page = DataPage {
            rows,
            values: &self.values,
            encoding: Encoding::PLAIN,
            bounds: self.bounds.take(),
            text_bytes: self.text_bytes,
        };
        chunk.data_page(page, scratch)?;
        rows.clear();
        self.values.clear();
        self.text_bytes = 0;
        Ok(())
    }
}

/// The bytes of all texts with these numbers, and their bounds.
fn page_statistics(numbers: &[u32], texts: &StringInterner, seen: &mut Vec<u64>) -> (i64, Bounds) {
    seen.clear();
    seen.resize(texts.len().div_ceil(64), 0);
    let mut text_bytes = 0;
    let mut bounds: Option<(&str, &str)> = None;
    for number in numbers {
        let text = texts.get(*number).unwrap_or_default();
        text_bytes += text.len() as i64;
        let (word, bit) = (*number as usize / 64, 1 << (number % 64));
        if seen[word] & bit == 0 {
            seen[word] |= bit;
            bounds = Some(bounds.map_or((text, text), |(least, most)| {
                (least.min(text), most.max(text))
            }));
        }
    }
    let owned = |(least, most): (&str, &str)| (least.to_owned(), most.to_owned());
    (text_bytes, bounds.map(owned))
}

/// Appends a text in PLAIN encoding: its length as four bytes, then its bytes.
fn push_plain(text: &str, plain: &mut Vec<u8>) -> Result<()> {
    plain.extend_from_slice(&length(text.len())?.to_le_bytes());
    plain.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Whether most texts occur once, so that a dictionary would only add its keys.
fn is_mostly_distinct(distinct: usize, texts: usize) -> bool {
    4 * distinct > 3 * texts
}
