//! What the tables of a snapshot do hold.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_schema::ArrowError;
use claimlake_contract::{LakeFile, LakeTable};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;

use crate::digest::TableDigest;
use crate::expected::PlannedTable;
use crate::{Check, Error};

/// Rows that are read at once.
const BATCH_ROWS: usize = 8_192;

/// The digest of a table's files; files that cannot be read fail `check`.
pub(crate) fn digest(
    snapshot: &Path,
    table: &LakeTable,
    planned: &PlannedTable,
    check: &mut Check,
) -> TableDigest {
    let found: Vec<Result<TableDigest, String>> = table
        .files
        .par_iter()
        .map(|file| {
            of_file(snapshot, table, file, &planned.columns)
                .map_err(|error| format!("{}: {error}", file.path))
        })
        .collect();
    let mut whole = TableDigest::default();
    for one in found {
        match one {
            Ok(digest) => whole.add(digest),
            Err(place) => check.fail(|| place),
        }
    }
    whole
}

fn of_file(
    snapshot: &Path,
    table: &LakeTable,
    file: &LakeFile,
    columns: &[String],
) -> Result<TableDigest, Error> {
    let mut digest = TableDigest::default();
    let partition = partition_of(&table.layout.name, &file.path);
    for_each_batch(&snapshot.join(&file.path), columns, |batch| {
        let arrays: Result<Vec<_>, _> = columns
            .iter()
            .map(|name| {
                batch.column_by_name(name).cloned().ok_or_else(|| {
                    ArrowError::SchemaError(format!("the file has no column '{name}'"))
                })
            })
            .collect();
        digest.add_rows(&partition, &arrays?)
    })?;
    Ok(digest)
}

/// `eob_type=CARRIER/service_year=2024` of the path of a file.
fn partition_of(table: &str, path: &str) -> String {
    let below = path
        .strip_prefix(table)
        .unwrap_or(path)
        .trim_start_matches('/');
    below
        .rsplit_once('/')
        .map_or(String::new(), |(folders, _)| folders.to_owned())
}

fn for_each_batch(
    path: &Path,
    columns: &[String],
    mut visit: impl FnMut(&RecordBatch) -> Result<(), ArrowError>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let parquet = |error: parquet::errors::ParquetError| Error::Arrow(error.into());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let mask =
        ProjectionMask::columns(builder.parquet_schema(), columns.iter().map(String::as_str));
    let reader = builder
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(parquet)?;
    for batch in reader {
        visit(&batch?)?;
    }
    Ok(())
}

/// Every key stands once in a table with one row a resource; returns how many there are.
pub(crate) fn check_keys(
    snapshot: &Path,
    table: &LakeTable,
    key: &str,
    check: &mut Check,
) -> Result<u64, Error> {
    let columns = ["source_api".to_owned(), key.to_owned()];
    let mut seen: HashSet<u128> = HashSet::new();
    for file in &table.files {
        let mut line = 0_u64;
        let read = for_each_batch(&snapshot.join(&file.path), &columns, |batch| {
            let text = |name: &str| {
                batch
                    .column_by_name(name)
                    .and_then(|column| column.as_string_opt::<i32>())
                    .ok_or_else(|| ArrowError::SchemaError(format!("no text column '{name}'")))
            };
            let (apis, ids) = (text("source_api")?, text(key)?);
            for row in 0..batch.num_rows() {
                line += 1;
                let name = format!("{}\0{}", apis.value(row), ids.value(row));
                let is_new = seen.insert(xxhash_rust::xxh3::xxh3_128(name.as_bytes()));
                check.expect(is_new, || {
                    format!(
                        "{}, row {line}: its {key} stands in the table twice",
                        file.path
                    )
                });
            }
            Ok(())
        });
        if let Err(error) = read {
            check.fail(|| format!("{}: {error}", file.path));
        }
    }
    Ok(seen.len() as u64)
}
