//! The columns of a table: those in its files and those in the paths.

use std::path::Path;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use claimlake_contract::{LakeTable, TableLayout};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::columns;

/// Names and types of all columns, partition columns first.
pub(super) fn all_columns(layout: &TableLayout, schema: &Schema) -> Vec<(String, String)> {
    let mut all = partition_words(layout, schema);
    all.extend(file_words(layout, schema));
    all
}

/// Names and types (as text) of the partition columns.
pub(crate) fn partition_words(layout: &TableLayout, schema: &Schema) -> Vec<(String, String)> {
    let places = layout
        .partition_by
        .iter()
        .filter_map(|name| schema.index_of(name).ok());
    columns::words(schema, places)
}

/// Names and types (as text) of the columns within files.
pub(crate) fn file_words(layout: &TableLayout, schema: &Schema) -> Vec<(String, String)> {
    let places = (0..schema.fields().len())
        .filter(|column| !layout.partition_by.contains(schema.field(*column).name()));
    columns::words(schema, places)
}

/// The columns of a table, from the footers of its files. Older files may lack columns that were
/// added later, so files are read until all columns are known.
///
/// # Errors
///
/// A file is damaged, or a partition column has an unknown type.
pub(super) fn schema_in_files(snapshot: &Path, table: &LakeTable) -> Result<SchemaRef> {
    let mut found: Fields = Fields::empty();
    let mut fields: Vec<Field> = Vec::new();
    for file in &table.files {
        if table
            .columns
            .iter()
            .all(|(name, _)| found.find(name).is_some())
        {
            break;
        }
        check_file(snapshot, file)?;
        let path = snapshot.join(&file.path);
        let opened = std::fs::File::open(&path).map_err(LoadError::io("opening", &path))?;
        let metadata = ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new())
            .map_err(|error| LoadError::lake(&path, format!("the file is broken: {error}")))?;
        for field in metadata.schema().fields() {
            if found.find(field.name()).is_none() {
                fields.push(field.as_ref().clone());
                found = fields.clone().into();
            }
        }
    }
    for (name, words) in &table.partition_columns {
        let data_type = partition_type(words).ok_or_else(|| {
            LoadError::lake(
                snapshot,
                format!("column '{name}' has the unknown type {words}"),
            )
        })?;
        fields.push(Field::new(name, data_type, true));
    }
    Ok(std::sync::Arc::new(Schema::new(fields)))
}

/// The type of a partition column, from its text in the manifest.
fn partition_type(words: &str) -> Option<DataType> {
    [
        DataType::Utf8,
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Date32,
    ]
    .into_iter()
    .find(|data_type| data_type.to_string() == words)
}
