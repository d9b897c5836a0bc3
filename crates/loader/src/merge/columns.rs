//! The columns of a table over time: what a staged run brings against what the lake has.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use crate::sort::held::with_dictionary;
use crate::sort::span::TableShape;

/// Name and type in words, as in the manifest.
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

/// How the columns of a staged table differ from the lake's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// Not at all.
    None,
    /// There are more: what is in the lake gets nulls.
    Added,
    /// In a way that older files cannot be read with; in words.
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
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
            Some(column) => as_type(column, field, table),
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(schema.clone(), columns)
        .map_err(LoadError::arrow(format!("reading rows of table '{table}'")))
}

/// The columns of `batch` by name with text as dictionaries; those it lacks are null.
///
/// # Errors
///
/// A column of another type.
pub(crate) fn align_numbered(batch: &RecordBatch, shape: &TableShape) -> Result<RecordBatch> {
    let doing = || LoadError::arrow(format!("reading rows of table '{}'", shape.name));
    let columns = shape
        .schema
        .fields()
        .iter()
        .zip(shape.dictionaries.fields())
        .map(
            |(field, numbered)| match batch.column_by_name(field.name()) {
                None => Ok(new_null_array(numbered.data_type(), batch.num_rows())),
                Some(column) if column.data_type() == numbered.data_type() => Ok(column.clone()),
                Some(column) if column.data_type() == field.data_type() => {
                    with_dictionary(column).map_err(doing())
                }
                Some(column) => as_type(column, field, &shape.name),
            },
        )
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(shape.dictionaries.clone(), columns).map_err(doing())
}

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
}
