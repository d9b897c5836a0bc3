//! Column chunks of numbers, dates, instants and amounts (Parquet format, "Dictionary Encoding").
//! A chunk switches to PLAIN where values repeat too rarely.

use arrow_buffer::NullBuffer;
use arrow_schema::DataType;
use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::AsBytes;
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::{Bounds, Value, widened};
use crate::encode::buffered_rows::{BufferedRows, present};
use crate::encode::chunk::{ChunkEncoder, DataPage};
use crate::encode::chunk_pages::ChunkBytes;
use crate::encode::column_encoder::{ColumnEncoder, Ends, MIN_SAMPLE, is_mostly_distinct};
use crate::encode::number_dictionary::NumberDictionary;
use crate::encode::number_rows::{Present, gather};
use crate::encode::rle;
use crate::encode::scratch::Scratch;
use crate::sort::dictionary_keys::NULL;
use crate::sort::row_ranges::Ranges;

/// A dictionary pays where values come at least so often.
const LEAST_REPETITION: usize = 3;

/// A number as Parquet writes it.
pub(crate) trait Number: Value + AsBytes + Copy {
    fn of(value: i64) -> Self;
    fn push(self, plain: &mut Vec<u8>);
}

impl Number for i32 {
    fn of(value: i64) -> Self {
        // Values of such columns come from 32 bits.
        value as i32
    }

    fn push(self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&self.to_le_bytes());
    }
}

impl Number for i64 {
    fn of(value: i64) -> Self {
        value
    }

    fn push(self, plain: &mut Vec<u8>) {
        plain.extend_from_slice(&self.to_le_bytes());
    }
}

/// Encodes numbers.
pub(crate) struct NumberEncoder<N: Number> {
    data_type: DataType,
    chunk: ChunkEncoder<N>,
    dictionary: NumberDictionary,
    /// The distinct values and all values of the pages that are written.
    written_distinct: usize,
    written_values: usize,
    /// The rows of the page; where values are plain, 0 for each that has one.
    page: BufferedRows,
    /// Where values repeat too little: those of the page.
    plain: Option<Vec<u8>>,
    /// What lies between all values of the page.
    bounds: Bounds<i64>,
}

impl<N: Number> NumberEncoder<N> {
    pub(crate) fn new(
        data_type: &DataType,
        leaf: ColumnDescPtr,
        properties: WriterPropertiesPtr,
    ) -> Result<Self> {
        Ok(Self {
            data_type: data_type.clone(),
            chunk: ChunkEncoder::new(leaf, properties)?,
            dictionary: NumberDictionary::default(),
            written_distinct: 0,
            written_values: 0,
            page: BufferedRows::default(),
            plain: None,
            bounds: None,
        })
    }

    /// Appends values to the page, whose rows are `rows`, and to `rows`.
    fn push(
        &mut self,
        values: &[i64],
        nulls: Option<&NullBuffer>,
        rows: &mut Vec<u32>,
        near: &mut Vec<u32>,
    ) -> Result<()> {
        let start = rows.len();
        match nulls {
            None => {
                let Some(bounds) = bounds_of(values.iter().copied()) else {
                    return Ok(());
                };
                self.note_bounds(bounds);
                match &mut self.plain {
                    None => {
                        let values = values.iter().copied();
                        let take = |number| rows.push(number);
                        self.dictionary.number_all(values, bounds, near, take);
                    }
                    Some(plain) => {
                        rows.resize(start + values.len(), 0);
                        plain.reserve(size_of_val(values));
                        for value in values {
                            N::of(*value).push(plain);
                        }
                    }
                }
            }
            Some(nulls) => {
                rows.resize(start + values.len(), NULL);
                let present = || nulls.valid_indices().map(|row| values[row]);
                let Some(bounds) = bounds_of(present()) else {
                    return Ok(());
                };
                self.note_bounds(bounds);
                let mut places = nulls.valid_indices();
                let mut put = |number| {
                    if let Some(row) = places.next() {
                        rows[start + row] = number;
                    }
                };
                match &mut self.plain {
                    None => self.dictionary.number_all(present(), bounds, near, put),
                    Some(plain) => {
                        for value in present() {
                            N::of(value).push(plain);
                            put(0);
                        }
                    }
                }
            }
        }
        if self.plain.is_some() && self.chunk.has_bloom() {
            for row in (0..values.len()).filter(|row| rows[start + row] != NULL) {
                self.chunk.note_distinct(&N::of(values[row]))?;
            }
        }
        Ok(())
    }

    fn note_bounds(&mut self, (least, most): (i64, i64)) {
        self.bounds = widened(widened(self.bounds, least), most);
    }

    /// Ends the page with these rows.
    fn end_page(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<()> {
        let bounds = self.bounds.take();
        let bounds = bounds.map(|(least, most)| (N::of(least), N::of(most)));
        let was_plain = self.plain.is_some();
        let encoding = match was_plain {
            true => Encoding::PLAIN,
            false => self.encode_numbers(rows, scratch)?,
        };
        let values = match &self.plain {
            Some(plain) if was_plain => plain,
            _ => &scratch.encoded,
        };
        let page = DataPage {
            rows,
            values,
            encoding,
            bounds,
            text_bytes: None,
        };
        self.chunk.data_page(page, &mut scratch.page)?;
        if let Some(plain) = &mut self.plain {
            plain.clear();
        }
        Ok(())
    }

    /// Switches to PLAIN where `rows`, the first rows of a row group, are mostly distinct.
    fn decide_encoding(&mut self, rows: &mut [u32], scratch: &mut Scratch) -> Result<()> {
        let filled = present(rows, &mut scratch.present).len();
        if filled < MIN_SAMPLE || !is_mostly_distinct(self.dictionary.distinct().len(), filled) {
            return Ok(());
        }
        let mut plain = Vec::new();
        for row in rows.iter_mut().filter(|row| **row != NULL) {
            let value = N::of(self.dictionary.distinct()[*row as usize]);
            value.push(&mut plain);
            self.chunk.note_distinct(&value)?;
            *row = 0;
        }
        self.dictionary = NumberDictionary::default();
        self.plain = Some(plain);
        Ok(())
    }

    /// Encodes the numbers of a page; plainly where the page would not pay its dictionary, which
    /// is that of the pages before then.
    fn encode_numbers(&mut self, rows: &[u32], scratch: &mut Scratch) -> Result<Encoding> {
        let numbers = present(rows, &mut scratch.present);
        let values = self.written_values + numbers.len();
        let distinct = self.dictionary.distinct().len();
        if distinct <= (values / LEAST_REPETITION).max(1) {
            let width = rle::width_of(distinct.saturating_sub(1));
            scratch.encoded.clear();
            scratch.encoded.push(width as u8);
            rle::encode(numbers, width, &mut scratch.encoded);
            (self.written_distinct, self.written_values) = (distinct, values);
            return Ok(self.chunk.dictionary_data_encoding());
        }
        self.write_dictionary(scratch)?;
        scratch.encoded.clear();
        for number in present(rows, &mut scratch.present) {
            let value = N::of(self.dictionary.distinct()[*number as usize]);
            value.push(&mut scratch.encoded);
            self.chunk.note_distinct(&value)?;
        }
        self.dictionary = NumberDictionary::default();
        self.plain = Some(Vec::new());
        Ok(Encoding::PLAIN)
    }

    /// Writes the distinct values of all pages so far, if any of them are numbered.
    fn write_dictionary(&mut self, scratch: &mut Scratch) -> Result<()> {
        if !self.chunk.needs_dictionary() {
            return Ok(());
        }
        let plain = &mut scratch.encoded;
        plain.clear();
        for value in &self.dictionary.distinct()[..self.written_distinct] {
            let value = N::of(*value);
            self.chunk.note_distinct(&value)?;
            value.push(plain);
        }
        self.chunk
            .dictionary_page(plain, self.written_distinct, &mut scratch.page)
    }
}

impl<N: Number> ColumnEncoder for NumberEncoder<N> {
    fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        ends: Ends,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let mut values = std::mem::take(&mut scratch.values);
        let mut rows = std::mem::take(&mut scratch.rows);
        rows.clear();
        if ends == Ends::Page {
            self.page.take_into(&mut rows);
        }
        match gather(ranges, column, &self.data_type, &mut values)? {
            Present::Nobody => rows.resize(rows.len() + ranges.rows, NULL),
            Present::Everybody => self.push(&values, None, &mut rows, &mut scratch.near)?,
            Present::Some(nulls) => {
                self.push(&values, Some(&nulls), &mut rows, &mut scratch.near)?;
            }
        }
        if ends == Ends::Page {
            self.end_page(&rows, scratch)?;
        } else {
            self.page.push(&rows);
            if ends == Ends::Sample && self.plain.is_none() {
                rows.clear();
                self.page.take_into(&mut rows);
                self.decide_encoding(&mut rows, scratch)?;
                self.page.push(&rows);
            }
        }
        (scratch.values, scratch.rows) = (values, rows);
        Ok(())
    }

    fn close<'c>(
        &'c mut self,
        scratch: &'c mut Scratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)> {
        let mut rows = std::mem::take(&mut scratch.rows);
        rows.clear();
        self.page.take_into(&mut rows);
        if !rows.is_empty() {
            if self.chunk.is_empty() {
                self.chunk.expect_distinct(rows.len())?;
            }
            self.end_page(&rows, scratch)?;
        }
        scratch.rows = rows;
        if self.plain.is_none() {
            self.chunk.expect_distinct(self.written_distinct)?;
            self.write_dictionary(scratch)?;
        }
        self.chunk.close(&scratch.page)
    }

    fn clear(&mut self) {
        self.chunk.clear();
        self.dictionary.clear();
        (self.written_distinct, self.written_values) = (0, 0);
        self.plain = None;
    }
}

fn bounds_of(values: impl Iterator<Item = i64>) -> Bounds<i64> {
    values.fold(None, |bounds, value| {
        let (least, most) = bounds.unwrap_or((value, value));
        Some((value.min(least), value.max(most)))
    })
}
