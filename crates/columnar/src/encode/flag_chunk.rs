//! Column chunks of booleans (Parquet format, "Plain", BOOLEAN: bit packed, LSB first).

use arrow_schema::DataType;
use parquet::basic::Encoding;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::properties::WriterPropertiesPtr;
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::widened;
use crate::encode::buffered_rows::{BufferedRows, present};
use crate::encode::chunk::{ChunkEncoder, DataPage};
use crate::encode::chunk_pages::ChunkBytes;
use crate::encode::column_encoder::{ColumnEncoder, Ends};
use crate::encode::number_rows::{Present, gather};
use crate::encode::scratch::Scratch;
use crate::sort::dictionary_keys::NULL;
use crate::sort::row_ranges::Ranges;

/// Encodes booleans, a bit each.
pub(crate) struct FlagEncoder {
    chunk: ChunkEncoder<bool>,
    page: BufferedRows,
}

impl FlagEncoder {
    pub(crate) fn new(leaf: ColumnDescPtr, properties: WriterPropertiesPtr) -> Result<Self> {
        Ok(Self {
            chunk: ChunkEncoder::new(leaf, properties)?,
            page: BufferedRows::default(),
        })
    }

    fn end_page(&mut self, scratch: &mut Scratch) -> Result<()> {
        scratch.rows.clear();
        self.page.take_into(&mut scratch.rows);
        if scratch.rows.is_empty() {
            return Ok(());
        }
        let flags = present(&scratch.rows, &mut scratch.present);
        let packed = &mut scratch.encoded;
        packed.clear();
        packed.resize(flags.len().div_ceil(8), 0);
        let mut bounds = None;
        for (at, flag) in flags.iter().enumerate() {
            packed[at / 8] |= (*flag as u8) << (at % 8);
            bounds = widened(bounds, *flag != 0);
        }
        let page = DataPage {
            rows: &scratch.rows,
            values: packed,
            encoding: Encoding::PLAIN,
            bounds,
            text_bytes: None,
        };
        self.chunk.data_page(page, &mut scratch.page)
    }
}

impl ColumnEncoder for FlagEncoder {
    fn append(
        &mut self,
        ranges: &Ranges<'_>,
        column: usize,
        ends: Ends,
        scratch: &mut Scratch,
    ) -> Result<()> {
        let rows = &mut scratch.rows;
        rows.clear();
        match gather(ranges, column, &DataType::Boolean, &mut scratch.values)? {
            Present::Nobody => rows.resize(ranges.rows, NULL),
            Present::Everybody => rows.extend(scratch.values.iter().map(|flag| *flag as u32)),
            Present::Some(nulls) => {
                let flags = scratch.values.iter().zip(nulls.iter());
                rows.extend(flags.map(|(flag, is_there)| match is_there {
                    true => *flag as u32,
                    false => NULL,
                }));
            }
        }
        self.page.push(rows);
        if ends == Ends::Page {
            self.end_page(scratch)?;
        }
        Ok(())
    }

    fn close<'c>(
        &'c mut self,
        scratch: &'c mut Scratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)> {
        self.end_page(scratch)?;
        self.chunk.close(&scratch.page)
    }

    fn clear(&mut self) {
        self.chunk.clear();
    }
}
