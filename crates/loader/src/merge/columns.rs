//! The columns of a table over time: what a staged run brings against what the lake has.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use claimlake_columnar::sort::buffered::with_dictionary;
use claimlake_columnar::sort::table_shape::TableShape;

/// Name and type as text, as in the manifest.
pub(crate) fn words(
    schema: &Schema,
    columns: impl Iterator<Item = usize>,
) -> Vec<(String, String)> {
    columns
        .map(|column| {
            let field = schema.field(column);
            (field.name().clone(), field.data_type().to_string())
        })
        .collect()
}

/// How the columns of a staged table differ from those in the lake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Not at all.
    None,
    /// There are additional ones: rows in the lake get nulls.
    Added,
    /// In a way that older files cannot be read with; described in prose.
    Refused(String),
}

/// Compares the lake's columns with the staged table's, by name.
pub(crate) fn difference(lake: &[(String, String)], staged: &[(String, String)]) -> Difference {
    let mut words = Vec::new();
    for (name, lake_type) in lake {
        match staged.iter().find(|(staged_name, _)| staged_name == name) {
            None => words.push(format!("column '{name}' ({lake_type}) is gone")),
            Some((_, staged_type)) if staged_type != lake_type => words.push(format!(
                "column '{name}' was {lake_type} and is now {staged_type}"
            )),
            Some(_) => {}
        }
    }
    if !words.is_empty() {
        return Difference::Refused(words.join("; "));
    }
    if staged.len() > lake.len() {
        return Difference::Added;
    }
    // Another order of the same columns means nothing to readers by name.
    Difference::None
}

/// The type of a column in the lake: a list's child is named `element`, as Parquet's readers expect.
fn lake_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, text) => lake_type(text),
        DataType::List(child) => {
            let element = Field::new("element", lake_type(child.data_type()), true);
            DataType::List(Arc::new(element))
        }
        other => other.clone(),
    }
}

/// The lake's columns for staged columns: the landing order left out, `added` last.
pub(crate) fn lake_schema(staged: &Schema, added: &[Field]) -> SchemaRef {
    let fields = staged
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with('_'))
        .filter(|field| added.iter().all(|added| added.name() != field.name()))
        .map(|field| Field::new(field.name(), lake_type(field.data_type()), true));
    Arc::new(Schema::new(
        fields.chain(added.iter().cloned()).collect::<Vec<_>>(),
    ))
}

/// The columns of `batch` by name as those of `schema`; those it lacks are null.
///
/// # Errors
///
/// A column of another type.
pub(crate) fn align(batch: &RecordBatch, schema: &SchemaRef, table: &str) -> Result<RecordBatch> {
    aligned(batch, schema, schema, table)
}

/// The columns of `batch` by name with text as dictionaries; those it lacks are null.
///
/// # Errors
///
/// A column of another type.
pub(crate) fn align_numbered(batch: &RecordBatch, shape: &TableShape) -> Result<RecordBatch> {
    aligned(batch, &shape.schema, &shape.dictionaries, &shape.name)
}

/// The columns in the types of `wanted`, which are those of `plain`, or dictionaries for text.
fn aligned(
    batch: &RecordBatch,
    plain: &SchemaRef,
    wanted: &SchemaRef,
    table: &str,
) -> Result<RecordBatch> {
    let operation = || LoadError::arrow(format!("reading rows of table '{table}'"));
    let columns = plain
        .fields()
        .iter()
        .zip(wanted.fields())
        .map(|(plain, wanted)| match batch.column_by_name(plain.name()) {
            None => Ok(new_null_array(wanted.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == wanted.data_type() => Ok(column.clone()),
            Some(column) if column.data_type() == plain.data_type() => {
                with_dictionary(column).map_err(operation())
            }
            Some(column) => as_type(column, plain, table),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(wanted.clone(), columns).map_err(operation())
}

/// The column with the type of `field`, if only the name of a list's child differs.
///
/// # Errors
///
/// [`LoadError::Schema`] if the types differ.
fn as_type(column: &ArrayRef, field: &Field, table: &str) -> Result<ArrayRef> {
    if let (DataType::List(child), Some(list)) = (
        field.data_type(),
        column.as_any().downcast_ref::<ListArray>(),
    ) && child.data_type() == list.values().data_type()
    {
        let renamed = ListArray::try_new(
            child.clone(),
            list.offsets().clone(),
            list.values().clone(),
            list.nulls().cloned(),
        );
        return renamed
            .map(|list| Arc::new(list) as ArrayRef)
            .map_err(LoadError::arrow(format!("reading rows of table '{table}'")));
    }
    Err(LoadError::Schema {
        table: table.to_owned(),
        difference: format!(
            "column '{}' is {} in one file and {} in another",
            field.name(),
            field.data_type(),
            column.data_type()
        ),
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::types::UInt32Type;
    use arrow_array::{DictionaryArray, StringArray, UInt64Array};

    use super::*;

    fn columns(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns
            .iter()
            .map(|(name, words)| ((*name).to_owned(), (*words).to_owned()))
            .collect()
    }

    #[test]
    fn an_added_column_is_taken_and_a_changed_or_missing_one_named() {
        let lake = columns(&[("id", "Utf8"), ("paid", "Decimal128(18, 2)")]);
        let added = columns(&[
            ("id", "Utf8"),
            ("new", "Utf8"),
            ("paid", "Decimal128(18, 2)"),
        ]);
        assert_eq!(difference(&lake, &added), Difference::Added);
        assert_eq!(difference(&lake, &lake), Difference::None);
        let Difference::Refused(words) = difference(&lake, &columns(&[("paid", "Utf8")])) else {
            panic!("taken");
        };
        assert!(words.contains("column 'id' (Utf8) is gone"), "{words}");
        assert!(
            words.contains("'paid' was Decimal128(18, 2) and is now Utf8"),
            "{words}"
        );
    }

    #[test]
    fn columns_come_by_name_with_texts_as_they_are_or_numbered() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), None, Some("b")]));
        let numbers: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_from_iter([("n", numbers.clone()), ("t", texts.clone())]);
        let batch = batch.unwrap();
        let fields = |text: DataType| {
            ["t", "absent"]
                .map(|name| Field::new(name, text.clone(), true))
                .into_iter()
                .chain([Field::new("n", DataType::UInt64, true)])
                .collect::<Vec<_>>()
        };
        let plain: SchemaRef = Arc::new(Schema::new(fields(DataType::Utf8)));
        let as_they_are = align(&batch, &plain, "table").unwrap();
        assert_eq!(as_they_are.schema(), plain);
        assert_eq!(as_they_are.column(0), &texts);
        assert_eq!(as_they_are.column(1).null_count(), 3);
        assert_eq!(as_they_are.column(2), &numbers);

        let shape = TableShape::new("table", &plain, Vec::new(), vec![0]);
        let numbered = align_numbered(&batch, &shape).unwrap();
        let expected: DictionaryArray<UInt32Type> =
            [Some("b"), None, Some("b")].into_iter().collect();
        let types = DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8));
        assert_eq!(
            numbered.schema().fields(),
            Schema::new(fields(types)).fields()
        );
        assert_eq!(
            numbered.column(0).to_data(),
            arrow_array::Array::to_data(&expected)
        );
        assert_eq!(numbered.column(1).null_count(), 3);
        assert_eq!(numbered.column(2), &numbers);
        // What is numbered already stays so.
        assert_eq!(align_numbered(&numbered, &shape).unwrap(), numbered);

        let other: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
        let other = RecordBatch::try_from_iter([("t", other)]).unwrap();
        for refused in [
            align(&other, &plain, "table"),
            align_numbered(&other, &shape),
        ] {
            let words = refused.unwrap_err().to_string();
            assert!(
                words.contains("column 't' is Utf8 in one file and UInt64"),
                "{words}"
            );
        }
    }
}
