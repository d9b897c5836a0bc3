//! Opens Parquet files to read their rows in batches: fewer rows at once where their texts are long,
//! because Arrow's offsets end at 2 GiB and a batch is in memory.

use std::fs::File;

use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use parquet::errors::Result;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};

use crate::sort::text_limit::MOST_TEXT;

/// Opens a file to be read in batches of at most `most_rows` rows, and about 64 MiB of text in each
/// column as far as the file says how much it has.
///
/// # Errors
///
/// The file is not Parquet, or cannot be read.
pub fn parquet_reader(
    file: File,
    most_rows: usize,
) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    with_most_text(file, most_rows, u64::from(MOST_TEXT))
}

/// The same, with batches of at most so many bytes of text in each column.
fn with_most_text(
    file: File,
    most_rows: usize,
    most_text: u64,
) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let rows = rows_with(&file, metadata.metadata(), most_rows, most_text)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    Ok(builder.with_batch_size(rows))
}

/// How many rows of a file to read at once: at most `most_rows`, and about 64 MiB of text in each
/// column, as [`parquet_reader`] does. For readers that choose types or columns themselves.
///
/// # Errors
///
/// The index of the file's pages cannot be read.
pub fn parquet_batch_rows(
    file: &File,
    metadata: &ParquetMetaData,
    most_rows: usize,
) -> Result<usize> {
    rows_with(file, metadata, most_rows, u64::from(MOST_TEXT))
}

fn rows_with(
    file: &File,
    metadata: &ParquetMetaData,
    most_rows: usize,
    most_text: u64,
) -> Result<usize> {
    let mut rows = most_rows;
    if has_long_texts(metadata, most_text) {
        let options = ArrowReaderOptions::new().with_offset_index_policy(PageIndexPolicy::Optional);
        let with_index = ArrowReaderMetadata::load(file, options)?;
        let pages = text_pages(with_index.metadata());
        while rows > 1 && pages.iter().any(|pages| !fits(pages, rows, most_text)) {
            rows /= 2;
        }
    }
    Ok(rows)
}

/// Whether a row group has a column with more text than a batch may have; a batch can have rows of
/// two row groups.
fn has_long_texts(metadata: &ParquetMetaData, most_text: u64) -> bool {
    let chunks = metadata.row_groups().iter();
    let mut chunks = chunks.flat_map(|group| group.columns());
    chunks.any(|chunk| {
        let said = chunk.unencoded_byte_array_data_bytes();
        // Less than the text where it is in a dictionary, but some writers say nothing else.
        let bytes = said.unwrap_or_else(|| chunk.uncompressed_size());
        chunk.column_type() == Type::BYTE_ARRAY && bytes.unsigned_abs() > most_text / 2
    })
}

/// Rows of a column that lie together, and their bytes of text.
struct TextPage {
    first_row: u64,
    bytes: u64,
}

/// The pages of each column of text, row group after row group; a chunk counts as one page where
/// the file does not say more.
fn text_pages(metadata: &ParquetMetaData) -> Vec<Vec<TextPage>> {
    let columns = metadata.file_metadata().schema_descr().columns().iter();
    let texts = columns
        .enumerate()
        .filter(|(_, leaf)| leaf.physical_type() == Type::BYTE_ARRAY);
    let pages = texts.map(|(column, _)| {
        let mut pages = Vec::new();
        let mut first_row = 0;
        for (number, group) in metadata.row_groups().iter().enumerate() {
            let chunk = group.column(column);
            let of_group = metadata.page_index_for_row_group(number);
            let index = of_group.offset_index(column);
            let sizes = index.and_then(|index| index.unencoded_byte_array_data_bytes());
            match index.zip(sizes) {
                Some((index, sizes)) => {
                    let places = index.page_locations().iter().zip(sizes);
                    pages.extend(places.map(|(place, bytes)| TextPage {
                        first_row: first_row + place.first_row_index.unsigned_abs(),
                        bytes: bytes.unsigned_abs(),
                    }));
                }
                None => {
                    let said = chunk.unencoded_byte_array_data_bytes();
                    let bytes = said.unwrap_or_else(|| chunk.uncompressed_size());
                    pages.push(TextPage {
                        first_row,
                        bytes: bytes.unsigned_abs(),
                    });
                }
            }
            first_row += group.num_rows().unsigned_abs();
        }
        pages
    });
    pages.collect()
}

/// Whether the pages that any `rows` rows lie in, counted from the file's first row, have no more
/// text than `most_text`.
fn fits(pages: &[TextPage], rows: usize, most_text: u64) -> bool {
    let batch_of = |row: u64| row / rows as u64;
    let mut sums: (u64, u64) = (0, 0);
    for (place, page) in pages.iter().enumerate() {
        let first = batch_of(page.first_row);
        let next = pages.get(place + 1);
        let last = next.map_or(first, |next| batch_of(next.first_row.saturating_sub(1)));
        if first != sums.0 {
            sums = (first, 0);
        }
        if sums.1 + page.bytes > most_text {
            return false;
        }
        sums = match last == first {
            true => (first, sums.1 + page.bytes),
            false => (last, page.bytes),
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::{ArrayRef, RecordBatch, StringArray};
    use claimlake_contract::BloomColumns;

    use super::*;
    use crate::encode::properties::properties;
    use crate::{FileAccess, ParquetFile};

    /// The texts of a file with row groups of 300 rows and pages of 100, by batch.
    fn batches(texts: &[String], most_rows: usize, most_text: u64) -> Vec<Vec<String>> {
        let column: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
        let batch = RecordBatch::try_from_iter_with_nullable([("text", column, true)]).unwrap();
        let properties = properties(&batch.schema(), &[], &BloomColumns::default(), 300);
        let properties = properties.unwrap().into_builder();
        let properties = properties.set_data_page_row_count_limit(100).build();
        let folder = tempfile::tempdir().unwrap();
        let access = FileAccess::owner_only();
        let mut file =
            ParquetFile::create(folder.path(), &batch.schema(), properties, &access).unwrap();
        file.write(&batch).unwrap();
        let path = folder.path().join(file.finish().unwrap().name);
        let reader = with_most_text(File::open(path).unwrap(), most_rows, most_text);
        let texts = reader.unwrap().build().unwrap().map(|batch| {
            let batch = batch.unwrap();
            let texts = batch.column(0).as_string::<i32>().iter();
            texts.map(|text| text.unwrap().to_owned()).collect()
        });
        texts.collect()
    }

    /// 1,000 texts of 10 bytes, but for some in the middle.
    fn texts(long: std::ops::Range<usize>, bytes: usize) -> Vec<String> {
        let text = |row| match long.contains(&row) {
            true => format!("{row:0bytes$}"),
            false => format!("{:010}", row % 7),
        };
        (0..1_000).map(text).collect()
    }

    fn lengths(batches: &[Vec<String>]) -> Vec<usize> {
        batches.iter().map(Vec::len).collect()
    }

    #[test]
    fn short_texts_are_read_as_many_rows_at_once_as_asked_for() {
        let texts = texts(0..0, 0);
        let read = batches(&texts, 400, 10_000);
        assert_eq!(lengths(&read), [400, 400, 200]);
        assert_eq!(read.concat(), texts);
    }

    #[test]
    fn long_texts_are_read_in_batches_of_fewer_rows_and_no_batch_has_too_much() {
        let texts = texts(420..700, 1_000);
        // A page has up to 100 long texts, and how they lie in it is not known.
        for (most_text, rows) in [(300_000, 400), (200_000, 200), (110_000, 100), (70_000, 1)] {
            let read = batches(&texts, 400, most_text);
            assert_eq!(read[0].len(), rows, "{most_text}");
            assert_eq!(read.concat(), texts);
            let bytes = |batch: &Vec<String>| batch.iter().map(String::len).sum::<usize>() as u64;
            assert!(read.iter().map(bytes).all(|bytes| bytes <= most_text));
        }
    }

    #[test]
    fn a_text_that_is_longer_than_a_batch_may_be_is_read_alone() {
        let texts = texts(500..501, 50_000);
        let read = batches(&texts, 8, 10_000);
        assert_eq!(lengths(&read), [1; 1_000]);
        assert_eq!(read.concat(), texts);
    }
}
