//! Rows of a published file as texts.

use std::fs::File;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::Error;

/// Visits the batches of a file with some of its columns.
pub(crate) fn for_each_batch(
    path: &Path,
    columns: &[&str],
    mut visit: impl FnMut(&RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let parquet = |error: parquet::errors::ParquetError| Error::Arrow(error.into());
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(parquet)?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
    for batch in builder.with_projection(mask).build().map_err(parquet)? {
        visit(&batch?)?;
    }
    Ok(())
}

/// A column of text; none where there is none of that name.
pub(crate) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    let column = batch.column_by_name(name)?;
    (*column.data_type() == DataType::Utf8).then(|| column.as_string::<i32>())
}

/// The text in a row.
pub(crate) fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}
