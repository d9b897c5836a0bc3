//! The Parquet options of a table's files. Nothing here depends on the run, the clock or memory.

use arrow_schema::{DataType, Schema};
use claimlake_contract::BloomColumns;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::error::{ColumnarError, Result};

/// Rows written at once.
pub const CHUNK_ROWS: usize = 8_192;

/// The most rows of a data page: what a reader of the page index reads at the least. With half of
/// it, files would be larger by 6 %; with much more, the rows of unfinished pages take the memory.
/// Whole chunks, so that the last one of a page need not be cut.
const PAGE_ROWS: usize = 2 * CHUNK_ROWS;

/// The bytes a plain page ends at.
const PAGE_BYTES: usize = 64 << 10;

/// A column with more bytes of distinct text is written without a dictionary, because readers keep
/// the whole dictionary in memory.
const LARGEST_DICTIONARY: usize = 256 << 10;

/// If numbers repeat so rarely that their dictionary is larger than this, they take fewer bytes in
/// PLAIN: with 256 KiB, amounts would take 17 % more.
const NUMBER_DICTIONARY: usize = 16 << 10;

/// The level of all compression.
pub const ZSTD_LEVEL: i32 = 3;

/// The share of values that a filter says may be there and are not (Parquet format, "Bloom Filter",
/// split blocks); a filter of 122,880 values takes about 150 KB with it.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// The options for files with the columns of `schema` (partition columns left out): sorted by `sort_by`,
/// with bloom filters on the columns of `bloom`, and row groups of `row_group_rows` rows.
///
/// Statistics are written for each page (`ColumnIndex`, `OffsetIndex`), pages have version 1, and all of
/// them are compressed by zstd. Columns of `bloom` that `schema` lacks, lists and booleans get no filter.
///
/// # Errors
///
/// None in practice: a compression level out of bounds.
pub fn properties(
    schema: &Schema,
    sort_by: &[String],
    bloom: &BloomColumns,
    row_group_rows: usize,
) -> Result<WriterProperties> {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).map_err(ColumnarError::parquet("setting zstd"))?;
    let sorting_columns: Vec<SortingColumn> = sort_by
        .iter()
        // A partition column is the same in all rows of a file.
        .filter_map(|name| schema.index_of(name).ok())
        .map(|column| SortingColumn {
            column_idx: column as i32,
            descending: false,
            nulls_first: true,
        })
        .collect();
    let mut properties = WriterProperties::builder()
        .set_created_by("claimlake".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(LARGEST_DICTIONARY)
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_max_row_group_bytes(None)
        .set_sorting_columns((!sorting_columns.is_empty()).then_some(sorting_columns));
    for field in schema.fields() {
        if !matches!(field.data_type(), DataType::Utf8 | DataType::List(_)) {
            let column = ColumnPath::from(field.name().as_str());
            properties =
                properties.set_column_dictionary_page_size_limit(column, NUMBER_DICTIONARY);
        }
    }
    for name in &bloom.0 {
        let Ok(field) = schema.field_with_name(name) else {
            continue;
        };
        if matches!(field.data_type(), DataType::Boolean | DataType::List(_)) {
            continue;
        }
        // Only the setters of a column: those of the file switch filters on everywhere.
        let column = ColumnPath::from(name.as_str());
        properties = properties
            .set_column_bloom_filter_enabled(column.clone(), true)
            .set_column_bloom_filter_fpp(column.clone(), BLOOM_FALSE_POSITIVES)
            .set_column_bloom_filter_max_ndv(column, row_group_rows as u64);
    }
    Ok(properties.build())
}

/// The rows a file ends at so that it has about `target_mb` MiB: by the columns alone, since the
/// same rows must always be cut at the same places. It is a whole number of row groups, one at the least.
///
/// ```
/// use arrow_schema::{DataType, Field, Schema};
/// use claimlake_columnar::encode::properties::rows_for;
///
/// // About four bytes for each text: 262,144 rows, of which whole groups are taken.
/// let schema = Schema::new(vec![Field::new("code", DataType::Utf8, true)]);
/// assert_eq!(rows_for(&schema, 1, 100_000), 200_000);
/// ```
#[must_use]
pub fn rows_for(schema: &Schema, target_mb: u64, row_group_rows: usize) -> u64 {
    let row_bytes: u64 = schema
        .fields()
        .iter()
        .map(|field| encoded_bytes(field.data_type()))
        .sum();
    let groups = (target_mb << 20) / row_bytes.max(1) / row_group_rows.max(1) as u64;
    groups.max(1) * row_group_rows as u64
}

/// About what a value takes in a file once dictionary and zstd have done their work.
fn encoded_bytes(data_type: &DataType) -> u64 {
    match data_type {
        DataType::Boolean => 1,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::List(_) => 4,
        _ => 2,
    }
}
