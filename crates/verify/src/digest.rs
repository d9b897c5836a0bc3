//! Rows reduced to a number that does not depend on their order: the sum of the hashes of the rows.
//!
//! Two sets of rows with the same count and sum are taken to be the same rows; a row that is gone,
//! doubled, changed or in another partition changes either.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use claimlake_loader::partition_folder;

use crate::row_hash::RowHasher;

/// Rows of one partition of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) rows: u64,
    sum: u128,
}

impl Digest {
    /// Adds rows by their hashes.
    pub(crate) fn add_rows(&mut self, hashes: &[u64]) {
        self.rows += hashes.len() as u64;
        let sum = hashes.iter().map(|hash| u128::from(*hash)).sum();
        self.sum = self.sum.wrapping_add(sum);
    }

    pub(crate) fn add(&mut self, other: Digest) {
        self.rows += other.rows;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    fn remove(&mut self, other: Digest) {
        self.rows = self.rows.wrapping_sub(other.rows);
        self.sum = self.sum.wrapping_sub(other.sum);
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

    /// Takes rows away that were added.
    pub(crate) fn remove(&mut self, other: TableDigest) {
        for (partition, digest) in other.partitions {
            self.partitions.entry(partition).or_default().remove(digest);
        }
        self.partitions
            .retain(|_, digest| *digest != Digest::default());
    }

    /// Adds a digest that was computed elsewhere.
    pub(crate) fn insert(&mut self, partition: String, digest: Digest) {
        self.partitions.entry(partition).or_default().add(digest);
    }
}

/// Digests rows whose partition columns are still columns, as the views make them.
#[derive(Debug, Default)]
pub(crate) struct BatchDigester {
    rows: RowHasher,
    partitions: RowHasher,
    /// Each partition by the hash of its values.
    found: HashMap<u64, (String, Digest)>,
}

impl BatchDigester {
    /// Adds the rows of a batch: their `columns`, in partitions by other columns. Of a batch with
    /// `selected` rows, those for which it is true.
    pub(crate) fn add(
        &mut self,
        batch: &RecordBatch,
        columns: &[String],
        partition_by: &[String],
        selected: Option<&[bool]>,
    ) -> Result<(), ArrowError> {
        let kept: Vec<ArrayRef> = columns
            .iter()
            .map(|name| {
                batch.column_by_name(name).cloned().ok_or_else(|| {
                    ArrowError::SchemaError(format!("the views make no column '{name}'"))
                })
            })
            .collect::<Result<_, _>>()?;
        let (names, keys): (Vec<&String>, Vec<ArrayRef>) = partition_by
            .iter()
            .filter_map(|name| Some((name, batch.column_by_name(name)?.clone())))
            .unzip();
        let rows = self.rows.rows(&kept)?;
        let counting = |start: usize, end: usize| -> Cow<'_, [u64]> {
            let rows = rows.get(start..end).unwrap_or_default();
            let Some(selected) = selected.and_then(|selected| selected.get(start..end)) else {
                return Cow::Borrowed(rows);
            };
            let counting = rows.iter().zip(selected).filter(|(_, counts)| **counts);
            Cow::Owned(counting.map(|(row, _)| *row).collect())
        };
        if keys.is_empty() {
            let whole = self.found.entry(0).or_default();
            whole.1.add_rows(&counting(0, rows.len()));
            return Ok(());
        }
        let partitions = self.partitions.rows(&keys)?;
        // The rows of a resource lie in one partition.
        let mut at = 0;
        for same in partitions.chunk_by(|one, next| one == next) {
            let hashes = counting(at, at + same.len());
            let Some(partition) = same.first() else {
                continue;
            };
            if let Some((_, digest)) = self.found.get_mut(partition) {
                digest.add_rows(&hashes);
            } else if !hashes.is_empty() {
                let mut digest = Digest::default();
                digest.add_rows(&hashes);
                let path = path_of(&names, &keys, at)?;
                self.found.insert(*partition, (path, digest));
            }
            at += same.len();
        }
        Ok(())
    }

    /// What was added.
    pub(crate) fn end(self) -> TableDigest {
        let mut table = TableDigest::default();
        for (path, digest) in self.found.into_values() {
            table.insert(path, digest);
        }
        table
    }
}

/// `eob_type=CARRIER/service_year=2024`, as in the lake: what is not known has a value there, and
/// what a path may not contain is encoded.
fn path_of(names: &[&String], keys: &[ArrayRef], row: usize) -> Result<String, ArrowError> {
    let folders: Vec<String> = names
        .iter()
        .zip(keys)
        .map(|(name, values)| partition_folder(name, values, row))
        .collect::<Result<_, _>>()?;
    Ok(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray};

    use super::{BatchDigester, TableDigest};

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
        let mut digester = BatchDigester::default();
        let columns = ["id".to_owned(), "amount".to_owned()];
        digester
            .add(&batch, &columns, &["year".to_owned()], None)
            .unwrap();
        digester.end()
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
        assert_eq!(paths, ["year=0", "year=2024"]);
    }

    #[test]
    fn partitions_have_the_paths_of_the_lake_whatever_their_values() {
        let long = "x".repeat(247);
        let values = [
            ("CARRIER", "kind=CARRIER"),
            ("A/B", "kind=A%2FB"),
            ("50%", "kind=50%25"),
            ("x=y:z", "kind=x%3Dy%3Az"),
            ("..", "kind=%2E%2E"),
            ("[a]{b}", "kind=%5Ba%5D%7Bb}"),
            ("a b+é", "kind=a b+é"),
            ("", "kind=UNKNOWN"),
            ("null", "kind=UNKNOWN"),
            (long.as_str(), "kind=xxx"),
        ];
        for (value, expected) in values {
            let ids: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
            let kinds: ArrayRef = Arc::new(StringArray::from(vec![value]));
            let batch = RecordBatch::try_from_iter([("id", ids), ("kind", kinds)]).unwrap();
            let mut digester = BatchDigester::default();
            digester
                .add(&batch, &["id".to_owned()], &["kind".to_owned()], None)
                .unwrap();
            let digest = digester.end();
            let paths: Vec<_> = digest.partitions.keys().cloned().collect();
            match value.len() {
                247 => assert_eq!(paths[0].len(), 252, "five of them are the column's"),
                _ => assert_eq!(paths, [expected]),
            }
        }
    }
}
