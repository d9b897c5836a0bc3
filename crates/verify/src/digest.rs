//! Rows reduced to a number that does not depend on their order: the sum of the hashes of the rows.
//!
//! Two sets of rows with the same count and sum are taken to be the same rows; a row that is gone,
//! doubled, changed or in another partition changes either.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, DataType};
use claimlake_contract::HIVE_NULL;
use xxhash_rust::xxh3::xxh3_128;

/// Rows of one partition of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: u128,
}

impl Digest {
    fn add_row(&mut self, bytes: &[u8]) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(xxh3_128(bytes));
    }

    fn add(&mut self, other: Digest) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

/// The digests of a table's partitions, by `key=value/…` as in the paths of the lake.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TableDigest {
    pub(crate) partitions: BTreeMap<String, Digest>,
}

impl TableDigest {
    pub(crate) fn add(&mut self, other: TableDigest) {
        for (partition, digest) in other.partitions {
            self.partitions.entry(partition).or_default().add(digest);
        }
    }

    /// Adds the rows of `columns` that lie in the partition with this path.
    pub(crate) fn add_rows(
        &mut self,
        partition: &str,
        columns: &[ArrayRef],
    ) -> Result<(), ArrowError> {
        let Some(length) = columns.first().map(|column| column.len()) else {
            return Ok(());
        };
        let converter = converter(columns)?;
        let rows = converter.convert_columns(columns)?;
        let digest = self.partitions.entry(partition.to_owned()).or_default();
        for row in 0..length {
            digest.add_row(rows.row(row).as_ref());
        }
        Ok(())
    }

    /// Adds rows whose partition columns are still columns, as the views make them.
    pub(crate) fn add_unpartitioned(
        &mut self,
        batch: &RecordBatch,
        columns: &[String],
        partition_by: &[String],
    ) -> Result<(), ArrowError> {
        let kept: Vec<ArrayRef> = columns
            .iter()
            .map(|name| {
                batch.column_by_name(name).cloned().ok_or_else(|| {
                    ArrowError::SchemaError(format!("the views make no column '{name}'"))
                })
            })
            .collect::<Result<_, _>>()?;
        let keys: Vec<(&String, ArrayRef)> = partition_by
            .iter()
            .filter_map(|name| Some((name, batch.column_by_name(name)?.clone())))
            .collect();
        let converter = converter(&kept)?;
        let rows = converter.convert_columns(&kept)?;
        let mut path = String::new();
        for row in 0..batch.num_rows() {
            path.clear();
            for (name, values) in &keys {
                if !path.is_empty() {
                    path.push('/');
                }
                path.push_str(name);
                path.push('=');
                push_value(&mut path, values, row)?;
            }
            match self.partitions.get_mut(path.as_str()) {
                Some(digest) => digest.add_row(rows.row(row).as_ref()),
                None => self
                    .partitions
                    .entry(path.clone())
                    .or_default()
                    .add_row(rows.row(row).as_ref()),
            }
        }
        Ok(())
    }
}

fn converter(columns: &[ArrayRef]) -> Result<RowConverter, ArrowError> {
    RowConverter::new(
        columns
            .iter()
            .map(|column| SortField::new(column.data_type().clone()))
            .collect(),
    )
}

/// The value as it stands in a hive path, without its escapes.
fn push_value(path: &mut String, values: &ArrayRef, row: usize) -> Result<(), ArrowError> {
    use std::fmt::Write;
    if values.is_null(row) {
        path.push_str(HIVE_NULL);
        return Ok(());
    }
    match values.data_type() {
        DataType::Utf8 => path.push_str(values.as_string::<i32>().value(row)),
        DataType::Int16 => {
            let _ = write!(
                path,
                "{}",
                values
                    .as_primitive::<arrow_array::types::Int16Type>()
                    .value(row)
            );
        }
        DataType::Int32 => {
            let _ = write!(
                path,
                "{}",
                values
                    .as_primitive::<arrow_array::types::Int32Type>()
                    .value(row)
            );
        }
        DataType::Int64 => {
            let _ = write!(
                path,
                "{}",
                values
                    .as_primitive::<arrow_array::types::Int64Type>()
                    .value(row)
            );
        }
        other => {
            return Err(ArrowError::NotYetImplemented(format!(
                "partitions by a column of {other}"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int32Array, RecordBatch, StringArray};

    use super::TableDigest;

    fn digest(rows: &[(&str, i32, Option<i32>)]) -> TableDigest {
        let batch = RecordBatch::try_from_iter([
            (
                "id",
                Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0))) as _,
            ),
            (
                "amount",
                Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.1))) as _,
            ),
            (
                "year",
                Arc::new(Int32Array::from_iter(rows.iter().map(|row| row.2))) as _,
            ),
        ])
        .unwrap();
        let mut digest = TableDigest::default();
        let columns = ["id".to_owned(), "amount".to_owned()];
        digest
            .add_unpartitioned(&batch, &columns, &["year".to_owned()])
            .unwrap();
        digest
    }

    #[test]
    fn order_does_not_matter_and_every_damage_does() {
        let whole = digest(&[("a", 1, Some(2024)), ("b", 2, None)]);
        assert_eq!(whole, digest(&[("b", 2, None), ("a", 1, Some(2024))]));
        assert_ne!(whole, digest(&[("a", 1, Some(2024))]));
        assert_ne!(
            whole,
            digest(&[("a", 1, Some(2024)), ("b", 2, None), ("b", 2, None)])
        );
        assert_ne!(whole, digest(&[("a", 2, Some(2024)), ("b", 2, None)]));
        assert_ne!(whole, digest(&[("a", 1, Some(2023)), ("b", 2, None)]));
        let paths: Vec<_> = whole.partitions.keys().cloned().collect();
        assert_eq!(paths, ["year=2024", "year=__HIVE_DEFAULT_PARTITION__"]);
    }
}
