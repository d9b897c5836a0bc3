//! Cells of a batch as texts, whatever the type of their column.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Decimal128Type, Int16Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::{is_unknown_partition, partition_value};
use xxhash_rust::xxh3::Xxh3;

use super::rules::When;

/// A column of a batch, or of the path of its file.
pub(super) enum Column<'b> {
    InFile(&'b ArrayRef),
    InPath(Option<String>),
}

impl<'b> Column<'b> {
    pub(super) fn new(
        batch: &'b RecordBatch,
        (table, file): (&LakeTable, &LakeFile),
        name: &str,
    ) -> Self {
        if let Some(column) = batch.column_by_name(name) {
            return Self::InFile(column);
        }
        let partitions = &table.partition_columns;
        let partition = partitions.iter().find(|(column, _)| column == name);
        let is_unknown =
            partition.is_some_and(|(_, words)| is_unknown_partition(&file.path, name, words));
        Self::InPath(partition_value(&file.path, name).filter(|_| !is_unknown))
    }

    /// The cell; none where it is null or of a type without a text here.
    pub(super) fn text(&self, row: usize) -> Option<Cow<'_, str>> {
        let column = match self {
            Self::InPath(value) => return value.as_deref().map(Cow::Borrowed),
            Self::InFile(column) => column,
        };
        if column.is_null(row) {
            return None;
        }
        Some(match column.data_type() {
            DataType::Utf8 => Cow::Borrowed(column.as_string::<i32>().value(row)),
            DataType::Boolean => Cow::Borrowed(match column.as_boolean().value(row) {
                true => "true",
                false => "false",
            }),
            DataType::Date32 => {
                let days = column.as_primitive::<Date32Type>();
                Cow::Owned(days.value_as_date(row)?.to_string())
            }
            DataType::Int16 => column
                .as_primitive::<Int16Type>()
                .value(row)
                .to_string()
                .into(),
            DataType::Int32 => column
                .as_primitive::<Int32Type>()
                .value(row)
                .to_string()
                .into(),
            DataType::Int64 => column
                .as_primitive::<Int64Type>()
                .value(row)
                .to_string()
                .into(),
            _ => return None,
        })
    }

    /// The cell in units of the last digit after its point.
    pub(super) fn amount(&self, row: usize) -> Option<i128> {
        let Self::InFile(column) = self else {
            return None;
        };
        let amounts = column.as_primitive_opt::<Decimal128Type>()?;
        amounts.is_valid(row).then(|| amounts.value(row))
    }
}

/// Several columns that must each have one of some values.
pub(super) struct Conditions<'b> {
    columns: Vec<(Column<'b>, &'b [String])>,
}

impl<'b> Conditions<'b> {
    pub(super) fn new(
        batch: &'b RecordBatch,
        place: (&LakeTable, &LakeFile),
        when: &'b When,
    ) -> Self {
        let columns = when.iter();
        let columns =
            columns.map(|(name, values)| (Column::new(batch, place, name), values.as_slice()));
        Self {
            columns: columns.collect(),
        }
    }

    pub(super) fn are_met(&self, row: usize) -> bool {
        self.columns.iter().all(|(column, values)| {
            let text = column.text(row);
            text.is_some_and(|text| values.iter().any(|value| **value == *text))
        })
    }
}

/// Several columns that rows agree in.
pub(super) struct Keys<'b> {
    columns: Vec<Column<'b>>,
}

impl<'b> Keys<'b> {
    pub(super) fn new(
        batch: &'b RecordBatch,
        place: (&LakeTable, &LakeFile),
        names: &[String],
    ) -> Self {
        let columns = names.iter().map(|name| Column::new(batch, place, name));
        Self {
            columns: columns.collect(),
        }
    }

    /// A hash of the cells of a row.
    pub(super) fn hash(&self, row: usize) -> u128 {
        let mut hash = Xxh3::new();
        for column in &self.columns {
            match column.text(row) {
                None => hash.update(b"\0"),
                Some(text) => {
                    hash.update(&(text.len() as u64).to_le_bytes());
                    hash.update(text.as_bytes());
                }
            }
        }
        hash.digest128()
    }
}
