//! Column chunks of text: numbered, with one dictionary page; or plain, where texts are many.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::{Bounds, widened};
use crate::encode::chunk::{Chunk, ChunkEncoder, DataPage, length};
use crate::encode::rle;
use crate::sort::held::NULL;
use crate::sort::text_column::TextColumn;

/// Encodes numbered text: nothing is done value by value but packing the numbers.
pub(crate) fn encode(
    column: &TextColumn,
    leaf: ColumnDescPtr,
    properties: WriterPropertiesPtr,
) -> Result<Chunk> {
    let texts: Vec<&str> = column.texts().collect();
    let mut chunk = ChunkEncoder::new(leaf, properties)?;
    let mut plain = Vec::with_capacity(column.dictionary_bytes());
    for text in &texts {
        push_plain(text, &mut plain)?;
        chunk.note_distinct(*text);
    }
    chunk.dictionary_page(&plain, texts.len())?;
    let width = rle::width_of(texts.len().saturating_sub(1));
    // The last page each text was seen in.
    let mut seen = vec![0_u32; texts.len()];
    let (mut present, mut levels, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for (page, rows) in (1..).zip(column.numbers().chunks(chunk.page_rows())) {
        present.clear();
        present.extend(rows.iter().copied().filter(|row| *row != NULL));
        let mut text_bytes = 0;
        let mut bounds: Bounds<&str> = None;
        for number in &present {
            let number = *number as usize;
            text_bytes += texts[number].len() as i64;
            if seen[number] != page {
                seen[number] = page;
                bounds = widened(bounds, texts[number]);
            }
        }
        levels.clear();
        if present.len() < rows.len() {
            levels.extend(rows.iter().map(|row| u32::from(*row != NULL)));
        }
        values.clear();
        values.push(width as u8);
        rle::encode(&present, width, &mut values);
        chunk.data_page(DataPage {
            levels: (!levels.is_empty()).then_some(levels.as_slice()),
            rows: rows.len(),
            values: &values,
            encoding: chunk.dictionary_data_encoding(),
            bounds,
            text_bytes: Some(text_bytes),
        })?;
    }
    chunk.close()
}

/// Text with many distinct values, page by page.
pub(crate) struct PlainTexts {
    chunk: ChunkEncoder<String>,
    values: Vec<u8>,
    levels: Vec<u32>,
    nulls: usize,
    bounds: Bounds<String>,
    text_bytes: i64,
}

impl PlainTexts {
    pub(crate) fn new(leaf: ColumnDescPtr, properties: WriterPropertiesPtr) -> Result<Self> {
        Ok(Self {
            chunk: ChunkEncoder::new(leaf, properties)?,
            values: Vec::new(),
            levels: Vec::new(),
            nulls: 0,
            bounds: None,
            text_bytes: 0,
        })
    }

    /// Appends the rows of a column that is held.
    pub(crate) fn append(&mut self, held: &ArrayRef) -> Result<()> {
        let held = held
            .as_dictionary_opt::<UInt32Type>()
            .ok_or_else(|| ParquetError::General("a column of text is not held".to_owned()))?;
        let texts = held.values().as_string::<i32>();
        let (page_rows, page_bytes) = (self.chunk.page_rows(), self.chunk.page_bytes());
        for row in held.keys() {
            self.levels.push(u32::from(row.is_some()));
            match row {
                None => self.nulls += 1,
                Some(number) => self.push(texts.value(number as usize))?,
            }
            if self.levels.len() >= page_rows || self.values.len() >= page_bytes {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<()> {
        push_plain(text, &mut self.values)?;
        self.text_bytes += text.len() as i64;
        self.chunk.note_distinct(text);
        match &mut self.bounds {
            None => self.bounds = Some((text.to_owned(), text.to_owned())),
            Some((least, _)) if text < least.as_str() => text.clone_into(least),
            Some((_, most)) if text > most.as_str() => text.clone_into(most),
            Some(_) => {}
        }
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        self.chunk.data_page(DataPage {
            levels: (self.nulls > 0).then_some(self.levels.as_slice()),
            rows: self.levels.len(),
            values: &self.values,
            encoding: Encoding::PLAIN,
            bounds: self.bounds.take(),
            text_bytes: Some(self.text_bytes),
        })?;
        self.values.clear();
        self.levels.clear();
        (self.nulls, self.text_bytes) = (0, 0);
        Ok(())
    }

    pub(crate) fn close(mut self) -> Result<Chunk> {
        if !self.levels.is_empty() {
            self.end_page()?;
        }
        self.chunk.close()
    }
}

fn push_plain(text: &str, plain: &mut Vec<u8>) -> Result<()> {
    plain.extend_from_slice(&length(text.len())?.to_le_bytes());
    plain.extend_from_slice(text.as_bytes());
    Ok(())
}
