//! Rows as they are held while they are sorted: each text of a batch is stored once, and rows
//! have its number.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType, Schema, SchemaRef};
use arrow_select::take::take;

/// How a column of the lake is held.
pub(crate) fn held_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => {
            DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
        }
        other => other.clone(),
    }
}

/// How the columns of the lake are held.
pub(crate) fn held_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let held = held_type(field.data_type());
        field.as_ref().clone().with_data_type(held)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A column as it is held.
pub(crate) fn held_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(texts) = column.as_string_opt::<i32>() else {
        return Ok(Arc::clone(column));
    };
    let mut held = StringDictionaryBuilder::<UInt32Type>::new();
    for text in texts {
        held.append_option(text);
    }
    Ok(Arc::new(held.finish()))
}

/// A column as the lake has it.
pub(crate) fn plain_column(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.as_any_dictionary_opt() {
        Some(held) => take(held.values(), held.keys(), None),
        None => Ok(Arc::clone(column)),
    }
}

/// A batch as it is held.
pub(crate) fn held_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(held_column);
    RecordBatch::try_new(
        held_schema(&batch.schema()),
        columns.collect::<Result<_, _>>()?,
    )
}

/// A batch with text as text.
pub(crate) fn plain_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(plain_column);
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let schema = batch.schema();
    let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
        let plain = column.data_type().clone();
        field.as_ref().clone().with_data_type(plain)
    });
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
}
