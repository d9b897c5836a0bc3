//! Reads a lake as its readers do: the files below `current/<table>`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// One row: column and value in words; nulls are left out.
pub(crate) type Row = BTreeMap<String, String>;

/// The Parquet files of a table, relative to its folder.
pub(crate) fn files(lake: &Path, table: &str) -> Vec<PathBuf> {
    let root = lake.join("current").join(table);
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(&root).unwrap().to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// All files of all tables with their bytes.
pub(crate) fn bytes(lake: &Path, tables: &[&str]) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for table in tables {
        for file in files(lake, table) {
            let path = lake.join("current").join(table).join(&file);
            all.insert(
                format!("{table}/{}", file.display()),
                std::fs::read(path).unwrap(),
            );
        }
    }
    all
}

/// The rows of a table, file by file, with the partition's values from the path.
pub(crate) fn rows(lake: &Path, table: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for file in files(lake, table) {
        let partition: Vec<(String, String)> = file
            .parent()
            .unwrap()
            .iter()
            .map(|folder| {
                let (name, value) = folder.to_str().unwrap().split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let path = lake.join("current").join(table).join(&file);
        for batch in read(&path) {
            for row in 0..batch.num_rows() {
                let mut values: Row = partition.iter().cloned().collect();
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    if !column.is_null(row) {
                        values.insert(field.name().clone(), words(column.as_ref(), row));
                    }
                }
                rows.push(values);
            }
        }
    }
    rows
}

pub(crate) fn read(path: &Path) -> Vec<RecordBatch> {
    let file = std::fs::File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    reader.map(Result::unwrap).collect()
}

fn words(array: &dyn Array, row: usize) -> String {
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Decimal128(_, 2) => array
            .as_primitive::<Decimal128Type>()
            .value(row)
            .to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            (micros / 1_000_000).to_string()
        }
        DataType::List(_) => {
            let values = array.as_list::<i32>().value(row);
            values
                .as_string::<i32>()
                .iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(",")
        }
        other => panic!("no words for {other}"),
    }
}

/// Of each row the values of `columns`, sorted.
pub(crate) fn of(rows: &[Row], columns: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let value = |name: &&str| row.get(*name).map_or("-", String::as_str).to_owned();
            columns.iter().map(value).collect::<Vec<_>>().join(" ")
        })
        .collect();
    lines.sort();
    lines
}
