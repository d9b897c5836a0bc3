//! Files of random rows, read back by Parquet's reader: rows, statistics, page index and filters.

mod borders;
mod cells;
mod changing;
mod footer;
mod long_texts;
mod pages;

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use arrow_array::RecordBatch;
use claimlake_contract::BloomColumns;
use claimlake_contract::splitmix64::SplitMix64 as Random;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

use self::cells::{Cell, array, cells, schema};
use self::footer::checked;
use crate::encode::parquet_file::ParquetFile;
use crate::encode::parquet_writer::{FileColumns, ParquetWriter};
use crate::encode::partitioned::{FilePlan, PartitionedWriter};
use crate::encode::properties::properties;
use crate::file_access::FileAccess;
use crate::group_key::GroupKey;
use crate::sort::buffered::dictionary_schema;
use crate::sort::merge::Merge;
use crate::sort::sorter::Sorter;
use crate::sort::span_maker::SpanMaker;
use crate::sort::spans::{OwnedRows, SpanSource};
use crate::sort::table_shape::TableShape;
use crate::sort::text_limit::MOST_TEXT;

/// Where files, row groups, pages and dictionaries end.
#[derive(Debug, Clone)]
struct Limits {
    file_rows: u64,
    group_rows: usize,
    page_rows: usize,
    page_bytes: usize,
    dictionary_bytes: usize,
    /// Text that is held at once.
    most_text: u32,
}

impl Limits {
    fn properties(&self) -> WriterProperties {
        let bloom = [
            "text",
            "small",
            "int",
            "long",
            "amount_9",
            "amount_18",
            "date",
        ];
        let bloom = BloomColumns(bloom.map(str::to_owned).to_vec());
        properties(&schema(), &["sorted".to_owned()], &bloom, self.group_rows)
            .unwrap()
            .into_builder()
            .set_data_page_row_count_limit(self.page_rows)
            .set_data_page_size_limit(self.page_bytes)
            .set_dictionary_page_size_limit(self.dictionary_bytes)
            .build()
    }
}

/// Rows, column by column; neighbours with one sort key are one resource's.
fn columns(rows: usize, seed: u64) -> Vec<Vec<Cell>> {
    let mut random = Random::new(seed);
    let mut columns: Vec<Vec<Cell>> = schema()
        .fields()
        .iter()
        .map(|field| cells(field.data_type(), rows, &mut random))
        .collect();
    let (mut key, mut left) = (0, 0);
    for cell in &mut columns[0] {
        if left == 0 {
            // Odd, so that no two are equal.
            key = (random.next_u64() | 1) as i64;
            left = 1 + random.below(5);
        }
        left -= 1;
        *cell = Cell::Number(key.into());
    }
    columns
}

/// The rows in batches that end at `borders`.
fn batches(columns: &[Vec<Cell>], borders: &[usize], numbered: bool) -> Vec<RecordBatch> {
    let schema = schema();
    let rows = columns[0].len();
    let mut borders: Vec<usize> = borders.iter().map(|border| border % (rows + 1)).collect();
    borders.extend([0, rows]);
    borders.sort_unstable();
    let batch = |border: &[usize]| {
        let fields = schema.fields().iter().zip(columns);
        let arrays = fields.map(|(field, cells)| {
            let cells = &cells[border[0]..border[1]];
            array(field.data_type(), cells, numbered)
        });
        let schema = match numbered {
            true => dictionary_schema(&schema),
            false => schema.clone(),
        };
        RecordBatch::try_new(schema, arrays.collect()).unwrap()
    };
    borders.windows(2).map(batch).collect()
}

/// Writes the batches as they are to one file.
fn plain_file(folder: &Path, batches: &[RecordBatch], limits: &Limits) -> PathBuf {
    let access = FileAccess::owner_only();
    let columns =
        FileColumns::with_most_text(&schema(), limits.properties(), limits.most_text).unwrap();
    let mut file = ParquetFile::with_columns(folder, columns, &access).unwrap();
    for batch in batches {
        file.write(batch).unwrap();
    }
    folder.join(file.finish().unwrap().name)
}

/// Sorts the batches within `budget` bytes and writes them.
fn sorted_files(
    folder: &Path,
    batches: Vec<RecordBatch>,
    limits: &Limits,
    budget: usize,
) -> Vec<PathBuf> {
    let shape = TableShape::new("table", &schema(), Vec::new(), vec![0]);
    let maker = Rc::new(RefCell::new(SpanMaker::new(shape.clone()).unwrap()));
    let mut sorter = Sorter::new(maker, budget, folder.join("spill"));
    for batch in batches {
        let keys = cells::read(batch.column(0));
        let mut owned: Vec<OwnedRows> = Vec::new();
        for (row, key) in keys.iter().enumerate() {
            let resource = GroupKey::new("v2", "Claim", &format!("{key:?}"));
            match owned.last_mut() {
                Some(last) if last.resource == resource => last.len += 1,
                _ => owned.push(OwnedRows {
                    start: row,
                    len: 1,
                    resource,
                }),
            }
        }
        sorter.push(batch, &owned).unwrap();
    }
    let plan = FilePlan {
        snapshot: folder.to_path_buf(),
        properties: limits.properties(),
        file_rows: limits.file_rows,
        access: FileAccess::owner_only(),
    };
    let mut writer = PartitionedWriter::with_most_text(shape, plan, limits.most_text);
    let mut merge = Merge::new(sorter.finish().unwrap()).unwrap();
    while let Some(span) = merge.next_span().unwrap() {
        writer.push(span, "").unwrap();
    }
    let files = writer.finish().unwrap();
    files.iter().map(|file| folder.join(&file.path)).collect()
}

fn contents(files: &[PathBuf]) -> Vec<Vec<u8>> {
    files
        .iter()
        .map(|file| std::fs::read(file).unwrap())
        .collect()
}

fn sorted(columns: &[Vec<Cell>]) -> Vec<Vec<Cell>> {
    let key = |row: &usize| match columns[0][*row] {
        Cell::Number(key) => key,
        _ => 0,
    };
    let mut order: Vec<usize> = (0..columns[0].len()).collect();
    order.sort_by_key(key);
    let in_order = |cells: &Vec<Cell>| order.iter().map(|row| cells[*row].clone()).collect();
    columns.iter().map(in_order).collect()
}

/// Both writers, in several ways.
fn round_trip(rows: usize, seed: u64, limits: &Limits, cuts: &[usize], budget: usize) {
    let columns = columns(rows, seed);
    let folder = tempfile::tempdir().unwrap();
    let plain = plain_file(folder.path(), &batches(&columns, cuts, false), limits);
    assert!(checked(&plain, limits.page_rows) == columns, "other rows");

    let in_one = batches(&columns, &[], false);
    let in_one = sorted_files(&folder.path().join("1"), in_one, limits, usize::MAX);
    let mut read: Vec<Vec<Cell>> = vec![Vec::new(); columns.len()];
    for file in &in_one {
        let file = checked(file, limits.page_rows);
        assert!(file[0].len() as u64 <= limits.file_rows);
        for (all, cells) in read.iter_mut().zip(file) {
            all.extend(cells);
        }
    }
    assert!(read == sorted(&columns), "other sorted rows");

    let in_many = batches(&columns, cuts, true);
    let in_many = sorted_files(&folder.path().join("2"), in_many, limits, budget);
    let is_same = contents(&in_one) == contents(&in_many);
    assert!(is_same, "other batches made other files");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        rng_seed: proptest::test_runner::RngSeed::Fixed(61),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_was_written_is_read_again_and_what_is_said_of_it_is_true(
        rows in 1_usize..400,
        seed in any::<u64>(),
        group_rows in 1_usize..500,
        groups in 1_u64..4,
        page_rows in 1_usize..200,
        page_bytes in prop::sample::select(vec![1, 100, 4_000, 1 << 20]),
        dictionary_bytes in prop::sample::select(vec![0, 300, 3_000, 1 << 20]),
        most_text in prop::sample::select(vec![MOST_TEXT, 4_000, 200]),
        cuts in prop::collection::vec(any::<usize>(), 0..12),
        budget in prop::sample::select(vec![0, 20_000, usize::MAX]),
    ) {
        let limits = Limits {
            file_rows: groups * group_rows as u64,
            group_rows,
            page_rows,
            page_bytes,
            dictionary_bytes,
            most_text,
        };
        round_trip(rows, seed, &limits, &cuts, budget);
    }
}

#[test]
fn row_groups_of_several_whole_pages_are_read_again() {
    let limits = Limits {
        file_rows: 100_000,
        group_rows: 42_000,
        page_rows: 20_000,
        page_bytes: 1 << 20,
        dictionary_bytes: 1 << 20,
        most_text: MOST_TEXT,
    };
    // Columns differ by seed: few and many texts, with and without nulls.
    for seed in 0..2 {
        round_trip(45_000, seed, &limits, &[1, 9_000, 33_333, 41_001], 1 << 20);
    }
}

#[test]
fn pages_whose_cut_bounds_fall_are_not_called_ascending() {
    let limits = Limits {
        file_rows: 2,
        group_rows: 2,
        page_rows: 1,
        page_bytes: 1 << 20,
        dictionary_bytes: 1 << 20,
        most_text: MOST_TEXT,
    };
    // Of 64 bytes two hold the one character and none holds the other.
    let texts =
        ["é", "€"].map(|end| Cell::Text(format!("{}{end}{}", "a".repeat(62), "z".repeat(9))));
    let mut columns = columns(2, 0);
    columns[1] = texts.to_vec();
    let folder = tempfile::tempdir().unwrap();
    let file = plain_file(folder.path(), &batches(&columns, &[], false), &limits);
    assert!(checked(&file, 1) == columns);
}

#[test]
fn pages_that_wait_in_memory_or_in_a_file_make_the_same_bytes() {
    let limits = Limits {
        file_rows: 1 << 40,
        group_rows: 15_000,
        page_rows: 1_000,
        page_bytes: 4_000,
        dictionary_bytes: 9_000,
        most_text: MOST_TEXT,
    };
    let mut columns = columns(20_000, 3);
    // 64 bits each do not compress, so these pages exceed what a chunk keeps in memory.
    let mut random = Random::new(5);
    let texts = (0..20_000).map(|_| Cell::Text(format!("{:016x}", random.next_u64())));
    columns[1] = texts.collect();
    let batches = batches(&columns, &[7_001], false);
    let mut bytes = Vec::new();
    let mut writer = ParquetWriter::new(&mut bytes, &schema(), limits.properties()).unwrap();
    batches
        .iter()
        .for_each(|batch| writer.write(batch).unwrap());
    assert_eq!(writer.rows(), 20_000);
    writer.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = plain_file(folder.path(), &batches, &limits);
    assert!(checked(&file, limits.page_rows) == columns);
    assert!(bytes.len() > 8 * 20_000, "{} bytes", bytes.len());
    assert!(std::fs::read(file).unwrap() == bytes);
}
