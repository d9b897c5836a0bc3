//! The file of a group, an Arrow IPC file: one row for each resource in the order of the tables'
//! rows, with one column of counts for each table. The non-zero counts of a table's column, in
//! order, are the lengths of the consecutive rows that belong to each resource, across all files of
//! the partition.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema};
use claimlake_contract::LakeFile;

use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::row_owners::group::folder_of_group;
use crate::row_owners::merged::Merged;
use crate::row_owners::runs::{Joined, Runs};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::parquet_file::{HashingFile, NAME_DIGITS};
use claimlake_columnar::sort::span_maker::resource_column;

/// The number of resources in a record batch.
const CHUNK_ROWS: usize = 4_096;

/// Writes the file of a group. `tables` has, for each table, the number of its rows in the
/// partition and their owners. The file is named after the hash of its content.
///
/// # Errors
///
/// The owners of a table are not about as many rows as it has: a bug or a damaged source, which
/// must not be published.
pub(crate) fn write(
    snapshot: &Path,
    group: &str,
    tables: Vec<(&str, u64, Runs<'_>)>,
    access: &Access,
) -> Result<LakeFile> {
    let folder = folder_of_group(group);
    access.make_folder(&snapshot.join(&folder))?;
    let path = snapshot.join(&folder).join("unfinished");
    let operation = || LoadError::arrow_file("writing", &path);
    let mut fields = vec![Field::new(
        "_resource",
        DataType::FixedSizeBinary(16),
        false,
    )];
    fields.extend(
        tables
            .iter()
            .map(|(table, ..)| Field::new(*table, DataType::UInt32, false)),
    );
    let schema = Arc::new(Schema::new(fields));
    let options = IpcWriteOptions::default()
        .try_with_compression(Some(CompressionType::LZ4_FRAME))
        .map_err(operation())?;
    let file = HashingFile::new(access.create_file(&path)?);
    let mut writer =
        FileWriter::try_new_with_options(file, &schema, options).map_err(operation())?;
    let (mut names, mut expected, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for (table, rows, of_table) in tables {
        names.push(table);
        expected.push(rows);
        runs.push(of_table);
    }
    let mut merged = Merged::new(runs);
    let mut rows = Vec::with_capacity(names.len());
    let mut resources: Vec<ResourceKey> = Vec::with_capacity(CHUNK_ROWS);
    let mut counts: Vec<Vec<u32>> = vec![Vec::with_capacity(CHUNK_ROWS); names.len()];
    let mut found = vec![0_u64; names.len()];
    loop {
        let next = merged.next(&mut rows)?;
        let is_end = next.is_none();
        if let Some(resource) = next {
            resources.push(resource);
            for ((count, column), sum) in rows.iter().zip(&mut counts).zip(&mut found) {
                column.push(*count);
                *sum += u64::from(*count);
            }
        }
        if resources.len() == CHUNK_ROWS || (is_end && !resources.is_empty()) {
            let mut columns: Vec<ArrayRef> = vec![Arc::new(resource_column(resources.drain(..))?)];
            columns.extend(counts.iter_mut().map(|column| -> ArrayRef {
                Arc::new(UInt32Array::from_iter_values(column.drain(..)))
            }));
            let batch = RecordBatch::try_new(schema.clone(), columns).map_err(operation())?;
            writer.write(&batch).map_err(operation())?;
        }
        if is_end {
            break;
        }
    }
    for ((table, expected), found) in names.iter().zip(&expected).zip(&found) {
        if expected != found {
            let reason =
                format!("the owners of '{table}' are of {found} rows, the table has {expected}");
            return Err(LoadError::damaged(&snapshot.join(&folder), reason));
        }
    }
    writer.finish().map_err(operation())?;
    writer.flush().map_err(operation())?;
    let mut file = writer.into_inner().map_err(operation())?;
    file.flush().map_err(LoadError::io("writing", &path))?;
    let (bytes, sha256) = file.finish().map_err(LoadError::io("writing", &path))?;
    let name = format!("{folder}/{}.arrow", &sha256[..NAME_DIGITS]);
    let named = snapshot.join(&name);
    std::fs::rename(&path, &named).map_err(LoadError::io("naming", &named))?;
    Ok(LakeFile {
        path: name,
        rows: found.iter().sum(),
        bytes,
        sha256,
    })
}

/// The owners of a table's rows, in order; `rows` is the number of its rows in the partition.
///
/// # Errors
///
/// The file has no column for the table. If it is about another number of rows, the last item is an
/// error: this is known only at the end.
pub(crate) fn runs(path: &Path, table: &str, rows: u64) -> Result<Runs<'static>> {
    let schema = open(path, None)?.schema();
    let column = schema.fields().iter().skip(1);
    let column = column.clone().position(|field| field.name() == table);
    let Some(column) = column else {
        let reason = format!("it says nothing of table '{table}'");
        return Err(LoadError::damaged(path, reason));
    };
    let batches = open(path, Some(vec![0, column + 1]))?;
    let path = path.to_path_buf();
    let (named, table) = (path.clone(), table.to_owned());
    let runs = batches.flat_map(move |batch| {
        let of_batch = batch
            .map_err(|error| LoadError::lake_file(&path, error))
            .and_then(|batch| {
                let (resources, counts) = columns(&path, &batch, 1)?;
                Ok(resources
                    .into_iter()
                    .zip(counts.values().iter().copied())
                    .collect())
            });
        match of_batch {
            Ok(runs) => {
                let runs: Vec<(ResourceKey, u32)> = runs;
                runs.into_iter().map(Ok).collect()
            }
            Err(error) => vec![Err(error)],
        }
    });
    let mut left = Some(rows);
    let counted = Joined::new(runs).map(Some).chain(std::iter::once(None));
    Ok(Box::new(counted.filter_map(move |run| match run {
        Some(Ok((resource, rows))) => {
            left = left.and_then(|left| left.checked_sub(u64::from(rows)));
            Some(Ok((resource, rows)))
        }
        Some(Err(error)) => {
            left = Some(0);
            Some(Err(error))
        }
        None if left == Some(0) => None,
        None => {
            let reason = format!("it is not of the {rows} rows that table '{table}' has there");
            Some(Err(LoadError::damaged(&named, reason)))
        }
    })))
}

/// Calls `visit` for each table and each resource for which `is_looked_for` returns true, with the
/// number of rows. A resource may come several times.
pub(crate) fn scan(
    path: &Path,
    is_looked_for: impl Fn(&ResourceKey) -> bool,
    mut visit: impl FnMut(&str, ResourceKey, u32),
) -> Result<()> {
    for batch in open(path, None)? {
        let batch = batch.map_err(|error| LoadError::lake_file(path, error))?;
        let schema = batch.schema();
        let resources = batch.column(0).as_fixed_size_binary_opt();
        let Some(resources) = resources else {
            return Err(LoadError::damaged(path, NO_OWNERS));
        };
        for row in 0..batch.num_rows() {
            let resource = ResourceKey::from_bytes(resources.value(row));
            if !is_looked_for(&resource) {
                continue;
            }
            for (field, column) in schema.fields().iter().zip(batch.columns()).skip(1) {
                let counts = column.as_primitive_opt::<UInt32Type>();
                let count = counts.map_or(0, |counts| counts.value(row));
                if count > 0 {
                    visit(field.name(), resource, count);
                }
            }
        }
    }
    Ok(())
}

const NO_OWNERS: &str = "it is not a list of row owners";

/// The keys and one column of counts of a batch.
fn columns<'b>(
    path: &Path,
    batch: &'b RecordBatch,
    column: usize,
) -> Result<(Vec<ResourceKey>, &'b UInt32Array)> {
    let resources = batch.column(0).as_fixed_size_binary_opt();
    let counts = batch
        .columns()
        .get(column)
        .and_then(|counts| counts.as_primitive_opt::<UInt32Type>());
    let (Some(resources), Some(counts)) = (resources, counts) else {
        return Err(LoadError::damaged(path, NO_OWNERS));
    };
    let resources = resources
        .iter()
        .map(|key| ResourceKey::from_bytes(key.unwrap_or_default()));
    Ok((resources.collect(), counts))
}

/// Opens a group file with the columns of `projection`, or all.
fn open(path: &Path, projection: Option<Vec<usize>>) -> Result<FileReader<BufReader<File>>> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    FileReader::try_new(BufReader::new(file), projection)
        .map_err(|error| LoadError::lake_file(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> ResourceKey {
        ResourceKey::from_bytes(&number.to_be_bytes().repeat(4))
    }

    fn boxed(runs: &[(ResourceKey, u32)]) -> Runs<'_> {
        Box::new(runs.iter().copied().map(Ok))
    }

    #[test]
    fn every_table_gives_back_its_runs_and_the_same_owners_have_the_same_name() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::owner_only();
        let eob: Vec<_> = (0..9_000).map(|number| (key(number), 1)).collect();
        let item: Vec<_> = (0..9_000)
            .step_by(3)
            .map(|number| (key(number), 7))
            .collect();
        let tables = || vec![("eob", 9_000, boxed(&eob)), ("item", 21_000, boxed(&item))];
        let group = "ExplanationOfBenefit/eob_type=PDE";
        let file = write(folder.path(), group, tables(), &access).unwrap();
        assert_eq!(file.rows, 30_000);
        assert_eq!(crate::row_owners::group::group_of_file(&file), group);
        let path = folder.path().join(&file.path);
        let read = |table: &str, rows| {
            let read = runs(&path, table, rows).unwrap();
            read.collect::<Result<Vec<_>>>()
        };
        assert_eq!(read("eob", 9_000).unwrap(), eob);
        assert_eq!(read("item", 21_000).unwrap(), item);
        assert!(read("item", 21_001).is_err() && read("item", 20_999).is_err());
        assert!(runs(&path, "other", 1).is_err());
        let mut visited = Vec::new();
        let is_looked_for = |resource: &ResourceKey| *resource == key(4) || *resource == key(6);
        scan(&path, is_looked_for, |table, resource, rows| {
            visited.push((table.to_owned(), resource, rows));
        })
        .unwrap();
        let expected = [("eob", 4, 1), ("eob", 6, 1), ("item", 6, 7)];
        assert_eq!(
            visited,
            expected.map(|(table, number, rows)| (table.to_owned(), key(number), rows))
        );
        let again = write(&folder.path().join("2"), group, tables(), &access).unwrap();
        assert_eq!(again, file);
    }

    #[test]
    fn owners_of_fewer_rows_than_the_table_has_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let access = Access::owner_only();
        let eob = [(key(1), 2)];
        let tables = vec![("eob", 3, boxed(&eob))];
        assert!(write(folder.path(), "Patient", tables, &access).is_err());
    }
}
