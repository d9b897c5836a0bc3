//! The Arrow types of columns.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};

use crate::definition::{ColumnType, ScalarType};

/// The Arrow type of a column. Lists are nullable lists of nullable elements: a `collection` without
/// values is an empty list, and null only in the row that `forEachOrNull` makes of nothing.
#[must_use]
pub fn arrow_type(column_type: ColumnType) -> DataType {
    let scalar = scalar_type(column_type.scalar);
    if column_type.list {
        DataType::List(element_field(scalar))
    } else {
        scalar
    }
}

/// The type of text of which each value is stored once a batch: `Dictionary(UInt32, Utf8)`. Codes and
/// systems repeat in nearly every row.
#[must_use]
pub fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}

/// Parquet's name of the child of a list is `element`.
pub(super) fn element_field(scalar: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", scalar, true))
}

/// The Arrow type of one value.
pub(super) fn scalar_type(scalar: ScalarType) -> DataType {
    match scalar {
        ScalarType::Utf8 => DataType::Utf8,
        ScalarType::Boolean => DataType::Boolean,
        ScalarType::Int16 => DataType::Int16,
        ScalarType::Int32 => DataType::Int32,
        ScalarType::Int64 => DataType::Int64,
        ScalarType::Float64 => DataType::Float64,
        ScalarType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
        ScalarType::Date => DataType::Date32,
        ScalarType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}
