//! One column chunk: its pages, their sizes, bounds and indexes (Parquet format, "Data Pages",
//! "Page Index" and "Column Chunks").

use std::cell::RefCell;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Encoding, EncodingMask, PageType};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::AsBytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, LevelHistogram, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::properties::WriterPropertiesPtr;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::encode::bounds::{Bounds, Value, widened};
use crate::encode::properties::ZSTD_LEVEL;
use crate::encode::rle;

/// An encoded column chunk.
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    pub(crate) close: ColumnCloseResult,
}

/// The rows of a page.
pub(crate) struct DataPage<'p, V> {
    /// 1 for each row with a value and 0 for each without; none where all rows have one.
    pub(crate) levels: Option<&'p [u32]>,
    pub(crate) rows: usize,
    /// Values as encoded.
    pub(crate) values: &'p [u8],
    pub(crate) encoding: Encoding,
    /// The smallest and the greatest value; none where no row has one.
    pub(crate) bounds: Bounds<V>,
    /// Bytes of all values, for text.
    pub(crate) text_bytes: Option<i64>,
}

/// Encodes the pages of a nullable column of values `V`, as its properties say.
pub(crate) struct ChunkEncoder<V: Value> {
    leaf: ColumnDescPtr,
    properties: WriterPropertiesPtr,
    sink: TrackedWrite<Vec<u8>>,
    offsets: OffsetIndexBuilder,
    index: ColumnIndexBuilder,
    /// What the index says of the page before.
    last: Bounds<V::Bound>,
    all: Bounds<V>,
    ascends: bool,
    descends: bool,
    compressed: u64,
    uncompressed: u64,
    rows: u64,
    nulls: u64,
    text_bytes: Option<i64>,
    dictionary_offset: Option<u64>,
    data_offset: Option<u64>,
    data_pages: Vec<(Encoding, i32)>,
    bloom: Option<Sbbf>,
}

impl<V: Value> ChunkEncoder<V> {
    pub(crate) fn new(leaf: ColumnDescPtr, properties: WriterPropertiesPtr) -> Result<Self> {
        // What is written of levels is right for such columns only.
        if (leaf.max_def_level(), leaf.max_rep_level()) != (1, 0) {
            let reason = format!("column '{}' is not nullable", leaf.path());
            return Err(ParquetError::General(reason));
        }
        let bloom = properties
            .bloom_filter_properties(leaf.path())
            .map(|wanted| Sbbf::new_with_ndv_fpp(wanted.ndv(), wanted.fpp()))
            .transpose()?;
        Ok(Self {
            sink: TrackedWrite::new(Vec::new()),
            offsets: OffsetIndexBuilder::new(),
            index: ColumnIndexBuilder::new(leaf.physical_type()),
            last: None,
            all: None,
            ascends: true,
            descends: true,
            compressed: 0,
            uncompressed: 0,
            rows: 0,
            nulls: 0,
            text_bytes: None,
            dictionary_offset: None,
            data_offset: None,
            data_pages: Vec::new(),
            bloom,
            leaf,
            properties,
        })
    }

    /// Adds a value to the Bloom filter, where there is one.
    pub(crate) fn note_distinct<T: AsBytes + ?Sized>(&mut self, value: &T) {
        if let Some(bloom) = &mut self.bloom {
            bloom.insert(value);
        }
    }

    /// The most rows of a page.
    pub(crate) fn page_rows(&self) -> usize {
        let path = self.leaf.path();
        self.properties
            .column_data_page_row_count_limit(path)
            .max(1)
    }

    /// Bytes that a plain page ends at.
    pub(crate) fn page_bytes(&self) -> usize {
        let path = self.leaf.path();
        self.properties.column_data_page_size_limit(path)
    }

    pub(crate) fn has_bloom(&self) -> bool {
        self.bloom.is_some()
    }

    /// The encodings of dictionary pages and of pages that refer to it.
    pub(crate) fn dictionary_data_encoding(&self) -> Encoding {
        self.properties.dictionary_data_page_encoding()
    }

    /// Writes the page of distinct values, plainly encoded; it comes before all others.
    pub(crate) fn dictionary_page(&mut self, plain: &[u8], values: usize) -> Result<()> {
        let page = Page::DictionaryPage {
            buf: compress(plain)?,
            num_values: length(values)?,
            encoding: self.properties.dictionary_page_encoding(),
            is_sorted: false,
        };
        let written = self.write(page, plain.len())?;
        self.dictionary_offset = Some(written.offset);
        Ok(())
    }

    /// Writes a page of rows.
    pub(crate) fn data_page(&mut self, page: DataPage<'_, V>) -> Result<()> {
        let mut levels = Vec::new();
        let nulls = match page.levels {
            Some(present) => {
                rle::encode(present, 1, &mut levels);
                present.iter().filter(|level| **level == 0).count()
            }
            None => {
                rle::encode_run(1, page.rows, 1, &mut levels);
                0
            }
        };
        let mut buffer = Vec::with_capacity(4 + levels.len() + page.values.len());
        buffer.extend_from_slice(&length(levels.len())?.to_le_bytes());
        buffer.extend_from_slice(&levels);
        buffer.extend_from_slice(page.values);
        let data_page = Page::DataPage {
            buf: compress(&buffer)?,
            num_values: length(page.rows)?,
            encoding: page.encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = self.write(data_page, buffer.len())?;
        self.data_offset.get_or_insert(written.offset);
        match self.data_pages.last_mut() {
            Some((encoding, count)) if *encoding == page.encoding => *count += 1,
            _ => self.data_pages.push((page.encoding, 1)),
        }
        self.rows += page.rows as u64;
        self.nulls += nulls as u64;
        if let Some(bytes) = page.text_bytes {
            *self.text_bytes.get_or_insert(0) += bytes;
        }
        self.note_bounds(page.bounds, nulls as i64);
        let histogram = histogram(nulls as u64, page.rows as u64);
        self.index.append_histograms(&None, &Some(histogram));
        self.offsets.append_row_count(page.rows as i64);
        self.offsets
            .append_unencoded_byte_array_data_bytes(page.text_bytes);
        self.offsets
            .append_offset_and_size(written.offset as i64, written.compressed_size as i32);
        Ok(())
    }

    fn note_bounds(&mut self, bounds: Bounds<V>, nulls: i64) {
        let Some((least, most)) = bounds else {
            self.index.append(true, Vec::new(), Vec::new(), nulls, None);
            return;
        };
        let cut = self.properties.column_index_truncate_length();
        let cut = cut.unwrap_or(usize::MAX);
        let (lower, upper) = (least.lower(cut).0, most.upper(cut).0);
        self.index
            .append(false, V::bytes(&lower), V::bytes(&upper), nulls, None);
        if let Some((last_lower, last_upper)) = &self.last {
            self.ascends &= *last_lower <= lower && *last_upper <= upper;
            self.descends &= *last_lower >= lower && *last_upper >= upper;
        }
        self.last = Some((lower, upper));
        self.all = widened(widened(self.all.take(), least), most);
    }

    fn write(&mut self, page: Page, uncompressed: usize) -> Result<PageWriteSpec> {
        let page = CompressedPage::new(page, uncompressed);
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.compressed += written.compressed_size as u64;
        self.uncompressed += written.uncompressed_size as u64;
        Ok(written)
    }

    /// Ends the chunk.
    pub(crate) fn close(mut self) -> Result<Chunk> {
        let page_stats = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let mut encodings = vec![Encoding::RLE];
        let mut stats = Vec::new();
        if self.dictionary_offset.is_some() {
            let encoding = self.properties.dictionary_page_encoding();
            encodings.push(encoding);
            stats.push(page_stats(PageType::DICTIONARY_PAGE, encoding, 1));
        }
        for (encoding, count) in &self.data_pages {
            encodings.push(*encoding);
            stats.push(page_stats(PageType::DATA_PAGE, *encoding, *count));
        }
        let cut = self.properties.statistics_truncate_length();
        let statistics = V::statistics(self.all.as_ref(), cut.unwrap_or(usize::MAX), self.nulls);
        let metadata = ColumnChunkMetaData::builder(self.leaf.clone())
            .set_compression(self.properties.compression(self.leaf.path()))
            .set_encodings_mask(EncodingMask::new_from_encodings(encodings.iter()))
            .set_page_encoding_stats(stats)
            .set_total_compressed_size(self.compressed as i64)
            .set_total_uncompressed_size(self.uncompressed as i64)
            .set_num_values(self.rows as i64)
            .set_data_page_offset(self.data_offset.unwrap_or(0) as i64)
            .set_dictionary_page_offset(self.dictionary_offset.map(|offset| offset as i64))
            .set_statistics(statistics)
            .set_unencoded_byte_array_data_bytes(self.text_bytes)
            .set_definition_level_histogram(Some(histogram(self.nulls, self.rows)))
            .build()?;
        let order = match (self.ascends, self.descends) {
            (true, _) => BoundaryOrder::ASCENDING,
            (false, true) => BoundaryOrder::DESCENDING,
            (false, false) => BoundaryOrder::UNORDERED,
        };
        self.index.set_boundary_order(order);
        if let Some(bloom) = &mut self.bloom
            && let Some(wanted) = self.properties.bloom_filter_properties(self.leaf.path())
        {
            bloom.fold_to_target_fpp(wanted.fpp());
        }
        Ok(Chunk {
            close: ColumnCloseResult {
                bytes_written: self.compressed,
                rows_written: self.rows,
                metadata,
                bloom_filter: self.bloom,
                column_index: Some(self.index.build()?),
                offset_index: Some(self.offsets.build()),
            },
            bytes: self.sink.into_inner()?.into(),
        })
    }
}

thread_local! {
    // Making a compressor costs more than compressing a small page.
    static ZSTD: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
}

fn compress(bytes: &[u8]) -> Result<Bytes> {
    ZSTD.with_borrow_mut(|zstd| {
        let zstd = match zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Compressor::new(ZSTD_LEVEL)?),
        };
        Ok(zstd.compress(bytes)?.into())
    })
}

/// How many rows are null and how many are not.
fn histogram(nulls: u64, rows: u64) -> LevelHistogram {
    LevelHistogram::from(vec![nulls as i64, (rows - nulls) as i64])
}

/// A length as Parquet writes it.
pub(crate) fn length(length: usize) -> Result<u32> {
    u32::try_from(length)
        .map_err(|_| ParquetError::General("a page is larger than 4 GiB".to_owned()))
}
