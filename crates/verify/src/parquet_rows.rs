//! Rows of a published Parquet file, batch by batch.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::error::Error;

/// Rows that are read at once, unless their texts are long.
const BATCH_ROWS: usize = 8_192;

/// Visits the batches of a file with some of its columns; those it lacks are left out.
pub(crate) fn for_each_batch<'n>(
    path: &Path,
    columns: impl IntoIterator<Item = &'n str>,
    visit: impl FnMut(&RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    visit_batches(file, metadata, columns, visit)
}

/// The same, with texts as keys into the dictionary of their row group if it has one: each text is
/// hashed only once then.
pub(crate) fn for_each_dictionary_batch<'n>(
    path: &Path,
    columns: impl IntoIterator<Item = &'n str>,
    visit: impl FnMut(&RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let file = File::open(path).map_err(|error| Error::io(path, error))?;
    let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let options = ArrowReaderOptions::new().with_schema(with_dictionaries(&plain));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(plain.metadata()), options)?;
    visit_batches(file, metadata, columns, visit)
}

fn visit_batches<'n>(
    file: File,
    metadata: ArrowReaderMetadata,
    columns: impl IntoIterator<Item = &'n str>,
    mut visit: impl FnMut(&RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let rows = claimlake_loader::parquet_batch_rows(&file, metadata.metadata(), BATCH_ROWS)?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let mask = ProjectionMask::columns(builder.parquet_schema(), columns);
    let builder = builder.with_projection(mask).with_batch_size(rows);
    for batch in builder.build()? {
        visit(&batch?)?;
    }
    Ok(())
}

/// Columns that hold nothing but nulls stay plain: the reader would spend long on making a
/// dictionary of nothing.
fn with_dictionaries(file: &ArrowReaderMetadata) -> Arc<Schema> {
    let schema = file.schema();
    let groups = file.metadata().row_groups().iter();
    let with_values: HashSet<&str> = groups
        .flat_map(|group| group.columns())
        .filter(|chunk| {
            let nulls = chunk.statistics().and_then(|known| known.null_count_opt());
            nulls.and_then(|nulls| i64::try_from(nulls).ok()) != Some(chunk.num_values())
        })
        .map(|chunk| chunk.column_descr().name())
        .collect();
    let fields = schema.fields().iter().map(|field| {
        if *field.data_type() != DataType::Utf8 || !with_values.contains(field.name().as_str()) {
            return Arc::clone(field);
        }
        let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        Arc::new(Field::clone(field).with_data_type(coded))
    });
    Arc::new(Schema::new_with_metadata(
        fields.collect::<Vec<_>>(),
        schema.metadata().clone(),
    ))
}

/// A column of text; `None` if there is none of that name.
pub(crate) fn texts<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    let column = batch.column_by_name(name)?;
    (*column.data_type() == DataType::Utf8).then(|| column.as_string::<i32>())
}

/// The text in a row.
pub(crate) fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}
