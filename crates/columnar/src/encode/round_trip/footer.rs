//! Whether what a file says of its rows is true of them.

use std::fs::File;
use std::path::Path;

use arrow_schema::DataType;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::BoundaryOrder;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

use super::cells::{Cell, read};
use crate::encode::arrow_column::BLOCK_ROWS;

/// A value as bounds compare it.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Bound {
    Text(Vec<u8>),
    Number(i128),
}

type Bounds = Option<(Bound, Bound)>;

/// Reads a file, compares what it says with its rows, and gives them, column by column.
pub(super) fn checked(path: &Path, page_rows: usize) -> Vec<Vec<Cell>> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let file = File::open(path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = builder.metadata().clone();
    let schema = builder.schema().clone();
    let mut blooms = Vec::new();
    for group in 0..metadata.num_row_groups() {
        let bloom = |column| builder.get_row_group_column_bloom_filter(group, column);
        let of_group = (0..schema.fields().len()).map(|column| bloom(column).unwrap());
        blooms.push(of_group.collect::<Vec<_>>());
    }
    let mut columns: Vec<Vec<Cell>> = vec![Vec::new(); schema.fields().len()];
    for batch in builder.build().unwrap() {
        for (cells, array) in columns.iter_mut().zip(batch.unwrap().columns()) {
            cells.extend(read(array));
        }
    }
    let mut start = 0;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let end = start + group.num_rows() as usize;
        let page_index = metadata.page_index_for_row_group(number);
        for (column, cells) in columns.iter().enumerate() {
            let data_type = schema.field(column).data_type();
            let cells = &cells[start..end];
            if let Some(bloom) = &blooms[number][column] {
                check_bloom(bloom, data_type, cells);
            }
            // The others are Parquet's own.
            if is_ours(data_type) {
                let index = page_index.column_index(column).unwrap();
                let offsets = page_index.offset_index(column).unwrap();
                check_chunk(group.column(column), cells);
                check_places(group.column(column), offsets);
                check_pages(index, offsets, cells, page_rows);
            }
        }
        start = end;
    }
    assert_eq!(start, columns[0].len());
    columns
}

fn is_ours(data_type: &DataType) -> bool {
    !matches!(
        data_type,
        DataType::Float64 | DataType::List(_) | DataType::Decimal128(38, _)
    )
}

fn check_bloom(bloom: &Sbbf, data_type: &DataType, cells: &[Cell]) {
    for cell in cells {
        let is_there = match (cell, data_type) {
            (Cell::Text(text), _) => bloom.check(text.as_str()),
            (Cell::Number(number), DataType::Int64 | DataType::Decimal128(18, _)) => {
                bloom.check(&(*number as i64))
            }
            (Cell::Number(number), _) => bloom.check(&(*number as i32)),
            _ => true,
        };
        assert!(is_there, "{cell:?}");
    }
    let strangers = (0..100).filter(|number| bloom.check(format!("stranger {number}").as_str()));
    assert!(strangers.count() < 20);
}

fn bounds_of(cells: &[Cell]) -> Bounds {
    let present: Vec<Bound> = cells.iter().filter_map(bound).collect();
    let order = |left: &&Bound, right: &&Bound| left.partial_cmp(right).unwrap();
    let least = present.iter().min_by(order)?;
    Some((least.clone(), present.iter().max_by(order)?.clone()))
}

fn bound(cell: &Cell) -> Option<Bound> {
    match cell {
        Cell::Text(text) => Some(Bound::Text(text.as_bytes().to_vec())),
        Cell::Flag(flag) => Some(Bound::Number((*flag).into())),
        Cell::Number(number) => Some(Bound::Number(*number)),
        _ => None,
    }
}

fn nulls(cells: &[Cell]) -> usize {
    cells.iter().filter(|cell| **cell == Cell::Null).count()
}

fn text_bytes(cells: &[Cell]) -> i64 {
    let bytes = cells.iter().map(|cell| match cell {
        Cell::Text(text) => text.len() as i64,
        _ => 0,
    });
    bytes.sum()
}

fn check_chunk(chunk: &ColumnChunkMetaData, cells: &[Cell]) {
    let name = chunk.column_path().string();
    assert_eq!(chunk.num_values(), cells.len() as i64, "{name}");
    let nulls = nulls(cells);
    let levels = chunk.definition_level_histogram().unwrap().values();
    let expected = [nulls as i64, (cells.len() - nulls) as i64];
    assert_eq!(levels, expected, "{name}");
    if let Some(bytes) = chunk.unencoded_byte_array_data_bytes() {
        assert_eq!(bytes, text_bytes(cells), "{name}");
    }
    let statistics = chunk.statistics().unwrap();
    assert_eq!(statistics.null_count_opt(), Some(nulls as u64), "{name}");
    let stated = |bytes: &[u8]| match (cells.iter().find_map(bound), bytes.len()) {
        (Some(Bound::Text(_)), _) => Bound::Text(bytes.to_vec()),
        (_, 1) => Bound::Number(bytes[0].into()),
        (_, 4) => Bound::Number(i32::from_le_bytes(bytes.try_into().unwrap()).into()),
        _ => Bound::Number(i64::from_le_bytes(bytes.try_into().unwrap()).into()),
    };
    let least = statistics.min_bytes_opt().map(stated);
    let most = statistics.max_bytes_opt().map(stated);
    let bounds = least.zip(most);
    hold(&name, &bounds, &bounds_of(cells));
    let exact = (statistics.min_is_exact(), statistics.max_is_exact());
    if let (Some(stated), Some(real)) = (bounds, bounds_of(cells)) {
        assert_eq!(exact, (stated.0 == real.0, stated.1 == real.1), "{name}");
    }
}

/// Bounds are those of the values, or text cut to 64 bytes that still bounds them.
fn hold(name: &str, stated: &Bounds, real: &Bounds) {
    let (Some((low, high)), Some((least, most))) = (stated, real) else {
        assert_eq!(stated, real, "{name}");
        return;
    };
    assert!(low <= least && most <= high, "{name}: {stated:?} {real:?}");
    let is_short = |bound: &Bound| match bound {
        Bound::Text(text) => text.len() <= 64,
        Bound::Number(_) => true,
    };
    assert!(is_short(low), "{name}: {low:?}");
    assert!(
        !is_short(least) || low == least,
        "{name}: {stated:?} {real:?}"
    );
    assert!(
        !is_short(most) || high == most,
        "{name}: {stated:?} {real:?}"
    );
}

/// The pages lie one behind the other, behind the dictionary, and fill the chunk.
fn check_places(chunk: &ColumnChunkMetaData, offsets: &OffsetIndexMetaData) {
    let (start, length) = chunk.byte_range();
    let mut end = chunk.data_page_offset();
    let dictionary = chunk.dictionary_page_offset();
    assert_eq!(dictionary.unwrap_or(end), start as i64);
    assert!(dictionary.is_none_or(|dictionary| dictionary < end));
    for page in offsets.page_locations() {
        assert_eq!(page.offset, end);
        end += i64::from(page.compressed_page_size);
    }
    assert_eq!(end, (start + length) as i64);
}

fn check_pages(
    index: &ColumnIndexMetaData,
    offsets: &OffsetIndexMetaData,
    cells: &[Cell],
    page_rows: usize,
) {
    let most_rows = match index {
        ColumnIndexMetaData::BYTE_ARRAY(_) => page_rows,
        // Such a page is looked at after every block.
        _ => page_rows + BLOCK_ROWS.min(page_rows) - 1,
    };
    let stated = bounds_of_pages(index);
    let locations = offsets.page_locations();
    assert_eq!(stated.len(), locations.len());
    let starts: Vec<usize> = locations
        .iter()
        .map(|location| location.first_row_index as usize)
        .chain([cells.len()])
        .collect();
    for (page, rows) in starts.windows(2).enumerate() {
        assert!(
            rows[0] < rows[1] && rows[1] - rows[0] <= most_rows,
            "{starts:?}"
        );
        let cells = &cells[rows[0]..rows[1]];
        let nulls = nulls(cells);
        hold("a page", &stated[page], &bounds_of(cells));
        assert_eq!(index.null_count(page), Some(nulls as i64));
        assert_eq!(index.is_null_page(page), nulls == cells.len());
        let levels = index.definition_level_histogram(page).unwrap();
        assert_eq!(levels, [nulls as i64, (cells.len() - nulls) as i64]);
        if let Some(bytes) = offsets.unencoded_byte_array_data_bytes() {
            assert_eq!(bytes[page], text_bytes(cells));
        }
    }
    let stated: Vec<(Bound, Bound)> = stated.into_iter().flatten().collect();
    let goes = |is_right: fn(&Bound, &Bound) -> bool| {
        stated
            .windows(2)
            .all(|page| is_right(&page[0].0, &page[1].0) && is_right(&page[0].1, &page[1].1))
    };
    // As written: readers search the cut bounds.
    let expected = match (
        goes(|left, right| left <= right),
        goes(|left, right| left >= right),
    ) {
        (true, _) => BoundaryOrder::ASCENDING,
        (false, true) => BoundaryOrder::DESCENDING,
        (false, false) => BoundaryOrder::UNORDERED,
    };
    assert_eq!(index.get_boundary_order(), Some(expected), "{stated:?}");
}

fn bounds_of_pages(index: &ColumnIndexMetaData) -> Vec<Bounds> {
    macro_rules! numbers {
        ($index:expr) => {{
            let least = $index.min_values_iter();
            let pages = least.zip($index.max_values_iter());
            let number = |value| Bound::Number(i128::from(value));
            pages
                .map(|(least, most)| Some((number(*least?), number(*most?))))
                .collect()
        }};
    }
    match index {
        ColumnIndexMetaData::BOOLEAN(index) => numbers!(index),
        ColumnIndexMetaData::INT32(index) => numbers!(index),
        ColumnIndexMetaData::INT64(index) => numbers!(index),
        ColumnIndexMetaData::BYTE_ARRAY(index) => {
            let pages = index.min_values_iter().zip(index.max_values_iter());
            let text = |bytes: &[u8]| Bound::Text(bytes.to_vec());
            pages
                .map(|(least, most)| Some((text(least?), text(most?))))
                .collect()
        }
        other => panic!("no bounds of {other:?}"),
    }
}
