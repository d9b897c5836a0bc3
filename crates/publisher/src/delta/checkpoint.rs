//! A checkpoint: all of a table's state at one version in one Parquet file, so that readers need
//! not read every commit.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int32Builder, Int64Builder, ListBuilder, MapBuilder, StringBuilder,
};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, Field, Fields};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use super::commit::{self, Added, CommitInfo};
use super::uri;
use crate::error::{PublishError, Result};
use crate::state::TableState;

/// A commit this many versions after the last checkpoint is followed by the next one.
pub(crate) const EVERY: u64 = 10;

/// The checkpoint of a table, and how many actions it has.
///
/// # Errors
/// The Parquet file cannot be made.
pub(crate) fn checkpoint(
    info: &CommitInfo<'_>,
    table: &TableState,
    added: &[Added<'_>],
) -> Result<(Bytes, usize)> {
    let failed = |reason: String| PublishError::Store {
        operation: format!("making a checkpoint of {}", table.name),
        reason,
    };
    let batch = batch(info, table, added).map_err(|error| failed(error.to_string()))?;
    let mut file = Vec::new();
    ArrowWriter::try_new(&mut file, batch.schema(), None)
        .and_then(|mut writer| {
            writer.write(&batch)?;
            writer.close()
        })
        .map_err(|error| failed(error.to_string()))?;
    Ok((file.into(), batch.num_rows()))
}

/// One row per action: protocol, metadata, transaction, then the files.
fn batch(
    info: &CommitInfo<'_>,
    table: &TableState,
    added: &[Added<'_>],
) -> std::result::Result<RecordBatch, ArrowError> {
    let rows = 3 + added.len();
    let columns = [
        ("protocol", protocol(rows)?),
        ("metaData", metadata(info, table, rows)?),
        ("txn", transaction(info, rows)?),
        ("add", adds(table, added, rows)?),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
}

type Column = std::result::Result<ArrayRef, ArrowError>;

/// A struct that is there in some rows only.
fn group(columns: Vec<(&str, ArrayRef)>, is_there: Vec<bool>) -> Column {
    let field =
        |(name, column): &(&str, ArrayRef)| Field::new(*name, column.data_type().clone(), true);
    let fields: Fields = columns.iter().map(field).collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    let nulls = NullBuffer::from(is_there);
    Ok(Arc::new(StructArray::try_new(fields, arrays, Some(nulls))?))
}

fn at(row: usize, rows: usize) -> Vec<bool> {
    (0..rows).map(|one| one == row).collect()
}

fn numbers32(value: i32, row: usize, rows: usize) -> ArrayRef {
    let mut column = Int32Builder::new();
    (0..rows).for_each(|one| column.append_option((one == row).then_some(value)));
    Arc::new(column.finish())
}

fn numbers64(value: i64, row: usize, rows: usize) -> ArrayRef {
    let mut column = Int64Builder::new();
    (0..rows).for_each(|one| column.append_option((one == row).then_some(value)));
    Arc::new(column.finish())
}

fn texts(value: Option<&str>, row: usize, rows: usize) -> ArrayRef {
    let mut column = StringBuilder::new();
    (0..rows).for_each(|one| column.append_option(value.filter(|_| one == row)));
    Arc::new(column.finish())
}

fn protocol(rows: usize) -> Column {
    let number = |name: &str| {
        let number = commit::protocol()[name].as_i64().unwrap_or_default();
        numbers32(i32::try_from(number).unwrap_or_default(), 0, rows)
    };
    let columns = ["minReaderVersion", "minWriterVersion"];
    group(
        columns.map(|name| (name, number(name))).to_vec(),
        at(0, rows),
    )
}

fn metadata(info: &CommitInfo<'_>, table: &TableState, rows: usize) -> Column {
    let metadata = commit::metadata(info.lake, table, info.now);
    let text = |name: &str| texts(metadata[name].as_str(), 1, rows);
    let no_entries = || -> Column {
        let mut map = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
        for row in 0..rows {
            map.append(row == 1)?;
        }
        Ok(Arc::new(map.finish()))
    };
    let provider = texts(metadata["format"]["provider"].as_str(), 1, rows);
    let format = group(
        vec![("provider", provider), ("options", no_entries()?)],
        at(1, rows),
    )?;
    let mut partitions = ListBuilder::new(StringBuilder::new());
    for row in 0..rows {
        if row == 1 {
            let columns = table.partition_columns.iter();
            columns.for_each(|column| partitions.values().append_value(column));
        }
        partitions.append(row == 1);
    }
    let created = metadata["createdTime"].as_i64().unwrap_or_default();
    group(
        vec![
            ("id", text("id")),
            ("name", text("name")),
            ("description", text("description")),
            ("format", format),
            ("schemaString", text("schemaString")),
            ("partitionColumns", Arc::new(partitions.finish())),
            ("configuration", no_entries()?),
            ("createdTime", numbers64(created, 1, rows)),
        ],
        at(1, rows),
    )
}

fn transaction(info: &CommitInfo<'_>, rows: usize) -> Column {
    let application = commit::application(info.lake);
    let sequence = i64::try_from(info.sequence).unwrap_or(i64::MAX);
    group(
        vec![
            ("appId", texts(Some(&application), 2, rows)),
            ("version", numbers64(sequence, 2, rows)),
            ("lastUpdated", numbers64(info.now, 2, rows)),
        ],
        at(2, rows),
    )
}

fn adds(table: &TableState, added: &[Added<'_>], rows: usize) -> Column {
    let before = rows - added.len();
    let (mut path, mut stats) = (StringBuilder::new(), StringBuilder::new());
    let (mut size, mut time) = (Int64Builder::new(), Int64Builder::new());
    let mut change = BooleanBuilder::new();
    let mut values = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for _ in 0..before {
        path.append_null();
        stats.append_null();
        size.append_null();
        time.append_null();
        change.append_null();
        values.append(false)?;
    }
    for (file, text) in added {
        path.append_value(uri::encode(commit::inside(table, &file.path)));
        stats.append_value(text);
        size.append_value(i64::try_from(file.bytes).unwrap_or(i64::MAX));
        time.append_value(file.added);
        // A checkpoint repeats what is there.
        change.append_value(false);
        for (column, value) in commit::partition_values(&table.partition_columns, &file.path) {
            values.keys().append_value(column);
            values.values().append_option(value.as_str());
        }
        values.append(true)?;
    }
    let is_there = (0..rows).map(|row| row >= before).collect();
    group(
        vec![
            ("path", Arc::new(path.finish()) as ArrayRef),
            ("partitionValues", Arc::new(values.finish())),
            ("size", Arc::new(size.finish())),
            ("modificationTime", Arc::new(time.finish())),
            ("dataChange", Arc::new(change.finish())),
            ("stats", Arc::new(stats.finish())),
        ],
        is_there,
    )
}

/// The content of `_last_checkpoint`.
pub(crate) fn last_checkpoint(version: u64, actions: usize) -> Value {
    serde_json::json!({ "version": version, "size": actions })
}
