//! One column chunk of text: its pages, their sizes, bounds and indexes (Parquet format, "Data Pages",
//! "Page Index" and "Column Chunks").

use std::cell::RefCell;
use std::io::Write as _;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, EncodingMask, PageType};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use zstd::zstd_safe::CParameter;

use crate::encode::bounds::{Bounds, lower_bound, statistics, upper_bound, widened};
use crate::encode::buffered_rows::nulls;
use crate::encode::chunk_pages::{ChunkBytes, ChunkPages};
use crate::encode::properties::ZSTD_LEVEL;
use crate::encode::rle;
use crate::encode::scratch::PageScratch;
use crate::sort::dictionary_keys::NULL;

/// The rows of a page, ready to be written.
pub(crate) struct DataPage<'p> {
    /// For each row a number; [`NULL`] for a row without a value.
    pub(crate) rows: &'p [u32],
    /// The encoded values of the rows that have one.
    pub(crate) values: &'p [u8],
    pub(crate) encoding: Encoding,
    /// The smallest and the greatest value; `None` if no row has a value.
    pub(crate) bounds: Bounds,
    /// The bytes of all texts before encoding, for the size statistics.
    pub(crate) text_bytes: i64,
}

/// Encodes the pages of a nullable column of text, as its properties say: chunk by chunk, in
/// the same memory.
pub(crate) struct ChunkEncoder {
    leaf: ColumnDescPtr,
    properties: WriterPropertiesPtr,
    pages: ChunkPages,
    totals: ChunkTotals,
}

/// Totals of the pages of a chunk, for its metadata and its indexes.
struct ChunkTotals {
    places: Vec<Place>,
    index: ColumnIndexBuilder,
    /// The bounds of the previous page, as written to the column index.
    last: Option<(Vec<u8>, Vec<u8>)>,
    /// The bounds of the chunk.
    all: Bounds,
    /// Whether the bounds of the pages so far ascend, so that readers can search them.
    ascends: bool,
    /// Whether they descend.
    descends: bool,
    uncompressed: u64,
    rows: u64,
    nulls: u64,
    text_bytes: i64,
    data_pages: Vec<(Encoding, i32)>,
    bloom: Option<Sbbf>,
}

/// Where a data page is, relative to the end of the dictionary page.
struct Place {
    offset: usize,
    bytes: usize,
    rows: usize,
    text_bytes: i64,
}

impl ChunkTotals {
    fn new(leaf: &ColumnDescPtr) -> Self {
        Self {
            places: Vec::new(),
            index: ColumnIndexBuilder::new(leaf.physical_type()),
            last: None,
            all: None,
            ascends: true,
            descends: true,
            uncompressed: 0,
            rows: 0,
            nulls: 0,
            text_bytes: 0,
            data_pages: Vec::new(),
            bloom: None,
        }
    }
}

impl ChunkEncoder {
    pub(crate) fn new(leaf: ColumnDescPtr, properties: WriterPropertiesPtr) -> Result<Self> {
        // Definition and repetition levels are written for a nullable, flat column only.
        if (leaf.max_def_level(), leaf.max_rep_level()) != (1, 0) {
            let reason = format!("column '{}' is not nullable", leaf.path());
            return Err(ParquetError::General(reason));
        }
        Ok(Self {
            totals: ChunkTotals::new(&leaf),
            pages: ChunkPages::default(),
            leaf,
            properties,
        })
    }

    /// Adds a value to the Bloom filter, if the column has one.
    pub(crate) fn note_distinct(&mut self, value: &str) -> Result<()> {
        self.expect_distinct(usize::MAX)?;
        if let Some(bloom) = &mut self.totals.bloom {
            bloom.insert(value);
        }
        Ok(())
    }

    /// Creates the Bloom filter, if the column is to have one and has none yet, for at most
    /// `values` distinct values. It is created as late as possible, because it is large until it is
    /// complete.
    pub(crate) fn expect_distinct(&mut self, values: usize) -> Result<()> {
        let wanted = self.properties.bloom_filter_properties(self.leaf.path());
        if let (Some(wanted), None) = (wanted, &self.totals.bloom) {
            let values = (values.max(1) as u64).min(wanted.ndv());
            self.totals.bloom = Some(Sbbf::new_with_ndv_fpp(values, wanted.fpp())?);
        }
        Ok(())
    }

    /// Whether no page is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.totals.rows == 0
    }

    /// Bytes that a plain page ends at.
    pub(crate) fn page_bytes(&self) -> usize {
        let path = self.leaf.path();
        self.properties.column_data_page_size_limit(path)
    }

    /// The most bytes of a dictionary.
    pub(crate) fn dictionary_bytes(&self) -> usize {
        let path = self.leaf.path();
        self.properties.column_dictionary_page_size_limit(path)
    }

    /// The encodings of dictionary pages and of pages that refer to it.
    pub(crate) fn dictionary_data_encoding(&self) -> Encoding {
        self.properties.dictionary_data_page_encoding()
    }

    /// Whether pages refer to a dictionary.
    pub(crate) fn needs_dictionary(&self) -> bool {
        let encoding = self.dictionary_data_encoding();
        self.totals
            .data_pages
            .iter()
            .any(|(page, _)| *page == encoding)
    }

    /// Makes the page of distinct values, plainly encoded; it comes before all others.
    pub(crate) fn dictionary_page(
        &mut self,
        plain: &[u8],
        values: usize,
        scratch: &mut PageScratch,
    ) -> Result<()> {
        let page = Page::DictionaryPage {
            buf: compress(plain, &mut scratch.compressed)?,
            num_values: length(values)?,
            encoding: self.properties.dictionary_page_encoding(),
            is_sorted: false,
        };
        let page = CompressedPage::new(page, plain.len());
        self.totals.uncompressed += write(page, &mut scratch.sink)?;
        self.pages.set_dictionary(scratch.sink.inner());
        Ok(())
    }

    /// Writes a page of rows.
    pub(crate) fn data_page(
        &mut self,
        page: DataPage<'_>,
        scratch: &mut PageScratch,
    ) -> Result<()> {
        let nulls = nulls(page.rows);
        let buffer = &mut scratch.page;
        buffer.clear();
        // The length of the levels comes before them.
        buffer.extend_from_slice(&[0; 4]);
        if nulls > 0 && nulls < page.rows.len() {
            let levels = page.rows.iter().map(|row| u32::from(*row != NULL));
            scratch.levels.clear();
            scratch.levels.extend(levels);
            rle::encode(&scratch.levels, 1, buffer);
        } else {
            rle::encode_run(u32::from(nulls == 0), page.rows.len(), 1, buffer);
        }
        let levels = length(buffer.len() - 4)?;
        buffer[..4].copy_from_slice(&levels.to_le_bytes());
        buffer.extend_from_slice(page.values);
        let uncompressed = buffer.len();
        let data_page = Page::DataPage {
            buf: compress(buffer, &mut scratch.compressed)?,
            num_values: length(page.rows.len())?,
            encoding: page.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let data_page = CompressedPage::new(data_page, uncompressed);
        let totals = &mut self.totals;
        totals.uncompressed += write(data_page, &mut scratch.sink)?;
        let written = scratch.sink.inner();
        totals.places.push(Place {
            offset: self.pages.data_bytes(),
            bytes: written.len(),
            rows: page.rows.len(),
            text_bytes: page.text_bytes,
        });
        self.pages.push(written, &mut scratch.spool)?;
        match totals.data_pages.last_mut() {
            Some((encoding, count)) if *encoding == page.encoding => *count += 1,
            _ => totals.data_pages.push((page.encoding, 1)),
        }
        totals.rows += page.rows.len() as u64;
        totals.nulls += nulls as u64;
        totals.text_bytes += page.text_bytes;
        self.note_bounds(page.bounds, nulls as i64);
        let histogram = histogram(nulls as u64, page.rows.len() as u64);
        self.totals.index.append_histograms(&None, &Some(histogram));
        Ok(())
    }

    /// Adds the bounds of a page to the column index.
    fn note_bounds(&mut self, bounds: Bounds, nulls: i64) {
        let totals = &mut self.totals;
        let Some((least, most)) = bounds else {
            totals
                .index
                .append(true, Vec::new(), Vec::new(), nulls, None);
            return;
        };
        let cut = self.properties.column_index_truncate_length();
        let cut = cut.unwrap_or(usize::MAX);
        let (lower, upper) = (
            lower_bound(&least, cut).0.to_vec(),
            upper_bound(&most, cut).0,
        );
        totals
            .index
            .append(false, lower.clone(), upper.clone(), nulls, None);
        if let Some((last_lower, last_upper)) = &totals.last {
            totals.ascends &= *last_lower <= lower && *last_upper <= upper;
            totals.descends &= *last_lower >= lower && *last_upper >= upper;
        }
        totals.last = Some((lower, upper));
        totals.all = widened(totals.all.take(), (least, most));
    }

    /// Ends the chunk: its metadata and its bytes. The next one begins with
    /// [`ChunkEncoder::clear`].
    pub(crate) fn close<'c>(
        &'c mut self,
        scratch: &'c PageScratch,
    ) -> Result<(ColumnCloseResult, ChunkBytes<'c>)> {
        // A filter without values, where no row has one.
        self.expect_distinct(0)?;
        let mut totals = std::mem::replace(&mut self.totals, ChunkTotals::new(&self.leaf));
        let page_stats = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let mut encodings = vec![Encoding::RLE];
        let mut stats = Vec::new();
        let data_offset = self.pages.dictionary_bytes();
        if data_offset > 0 {
            let encoding = self.properties.dictionary_page_encoding();
            encodings.push(encoding);
            stats.push(page_stats(PageType::DICTIONARY_PAGE, encoding, 1));
        }
        for (encoding, count) in &totals.data_pages {
            encodings.push(*encoding);
            stats.push(page_stats(PageType::DATA_PAGE, *encoding, *count));
        }
        let compressed = data_offset + self.pages.data_bytes();
        let cut = self.properties.statistics_truncate_length();
        let statistics = statistics(&totals.all, cut.unwrap_or(usize::MAX), totals.nulls);
        let metadata = ColumnChunkMetaData::builder(self.leaf.clone())
            .set_compression(self.properties.compression(self.leaf.path()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(stats)
            .set_total_compressed_size(compressed as i64)
            .set_total_uncompressed_size(totals.uncompressed as i64)
            .set_num_values(totals.rows as i64)
            .set_data_page_offset(data_offset as i64)
            .set_dictionary_page_offset((data_offset > 0).then_some(0))
            .set_statistics(statistics)
            .set_unencoded_byte_array_data_bytes(Some(totals.text_bytes))
            .set_definition_level_histogram(Some(histogram(totals.nulls, totals.rows)))
            .build()?;
        let order = match (totals.ascends, totals.descends) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        };
        totals.index.set_boundary_order(order);
        let mut offsets = OffsetIndexBuilder::new();
        for place in &totals.places {
            offsets.append_row_count(place.rows as i64);
            offsets.append_unencoded_byte_array_data_bytes(Some(place.text_bytes));
            let offset = data_offset + place.offset;
            offsets.append_offset_and_size(offset as i64, page_size(place.bytes)?);
        }
        let wanted = self.properties.bloom_filter_properties(self.leaf.path());
        if let (Some(bloom), Some(wanted)) = (&mut totals.bloom, wanted) {
            bloom.fold_to_target_fpp(wanted.fpp());
        }
        let close = ColumnCloseResult {
            bytes_written: compressed as u64,
            rows_written: totals.rows,
            metadata,
            bloom_filter: totals.bloom,
            column_index: Some(totals.index.build()?),
            offset_index: Some(offsets.build()),
        };
        Ok((close, self.pages.bytes(&scratch.spool)))
    }

    /// Forgets the pages of the chunk before.
    pub(crate) fn clear(&mut self) {
        self.pages.clear();
    }
}

/// Writes a page with its header into `sink`, which is emptied first, and returns its uncompressed
/// size.
fn write(page: CompressedPage, sink: &mut TrackedWrite<Vec<u8>>) -> Result<u64> {
    sink.inner_mut().clear();
    let written = SerializedPageWriter::new(sink).write_page(page)?;
    sink.flush()?;
    Ok(written.uncompressed_size as u64)
}

thread_local! {
    // Making a compressor costs more than compressing a small page.
    static ZSTD: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses a page with this thread's compressor.
fn compressor() -> std::io::Result<zstd::bulk::Compressor<'static>> {
    let mut compressor = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
    compressor.set_parameter(CParameter::WindowLog(15))?;
    compressor.set_parameter(CParameter::HashLog(14))?;
    compressor.set_parameter(CParameter::ChainLog(13))?;
    Ok(compressor)
}

fn compress(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<Bytes> {
    ZSTD.with_borrow_mut(|zstd| {
        let zstd = match zstd {
            Some(zstd) => zstd,
            none => none.insert(compressor()?),
        };
        scratch.clear();
        scratch.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
        zstd.compress_to_buffer(bytes, scratch)?;
        Ok(Bytes::copy_from_slice(scratch))
    })
}

/// The definition level histogram of a nullable flat column: how many rows are null, and how many
/// are not.
fn histogram(nulls: u64, rows: u64) -> LevelHistogram {
    LevelHistogram::from(vec![nulls as i64, (rows - nulls) as i64])
}

/// The size of a page with its header, as the offset index has it.
fn page_size(bytes: usize) -> Result<i32> {
    i32::try_from(bytes)
        .map_err(|_| ParquetError::General("a page is larger than 2 GiB".to_owned()))
}

/// A length as Parquet writes it.
pub(crate) fn length(length: usize) -> Result<u32> {
    u32::try_from(length)
        .map_err(|_| ParquetError::General("a page is larger than 4 GiB".to_owned()))
}
