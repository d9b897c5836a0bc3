//! The rows that the tables of a snapshot have.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::ArrowError;
use claimlake_contract::{LakeFile, LakeTable};
use rayon::prelude::*;
use xxhash_rust::xxh3::xxh3_128;

use crate::buckets::{BUCKETS, Buckets, Reader, Record};
use crate::digest::{Digest, TableDigest};
use crate::error::Error;
use crate::lake::Snapshot;
use crate::parquet_rows::for_each_dictionary_batch;
use crate::report::Check;
use crate::row_hash::RowHasher;
use claimlake_loader::partition_value;

/// A published table to be read.
#[derive(Debug)]
pub(crate) struct TableTask<'t> {
    pub(crate) lake: &'t LakeTable,
    /// The columns that are compared.
    pub(crate) columns: &'t [String],
    /// The column whose values are unique in the table, if there is one.
    pub(crate) key: Option<&'t str>,
    /// Filled while the table is read: hashes of keys, with their file and row (from 1).
    pub(crate) keys: Buckets,
}

/// The rows of a table.
#[derive(Debug, Default)]
pub(crate) struct PublishedRows {
    pub(crate) digest: TableDigest,
    /// Files that cannot be read, and why.
    unreadable: Vec<String>,
}

/// The rows of all tables, in the order of `tables`.
pub(crate) fn read(
    snapshot: &Snapshot,
    tables: &[TableTask<'_>],
    advance: &(dyn Fn(u64) + Sync),
) -> Vec<PublishedRows> {
    let mut files: Vec<(usize, u32, &LakeFile)> = Vec::new();
    for (position, table) in tables.iter().enumerate() {
        let of_table = (0_u32..).zip(&table.lake.files);
        files.extend(of_table.map(|(file, of_table)| (position, file, of_table)));
    }
    // The largest first, so that no thread begins with one when the others are done.
    files.sort_by_key(|(_, _, file)| std::cmp::Reverse(file.bytes));
    let found: Vec<(usize, PublishedRows)> = files
        .par_iter()
        .with_max_len(1)
        .filter_map(|(position, number, file)| {
            let table = tables.get(*position)?;
            let mut rows = PublishedRows::default();
            if snapshot.damaged.contains(&file.path) {
                let place = format!("{}: it is damaged, and was not read", file.path);
                rows.unreadable.push(place);
            } else if let Err(error) = of_file(snapshot, table, *number, file, &mut rows) {
                rows.unreadable.push(format!("{}: {error}", file.path));
            }
            advance(file.bytes);
            Some((*position, rows))
        })
        .collect();
    let mut whole: Vec<PublishedRows> = tables.iter().map(|_| PublishedRows::default()).collect();
    for (position, rows) in found {
        if let Some(table) = whole.get_mut(position) {
            table.digest.add(rows.digest);
            table.unreadable.extend(rows.unreadable);
        }
    }
    whole
}

fn of_file(
    snapshot: &Snapshot,
    table: &TableTask<'_>,
    number: u32,
    file: &LakeFile,
    rows: &mut PublishedRows,
) -> Result<(), Error> {
    let mut hasher = RowHasher::default();
    let mut digest = Digest::default();
    let mut line = 0;
    // A key column that the table is partitioned by is in the path only.
    let in_path = |name: &str| partition_value(&file.path, name);
    let keys_in_path = table.key.map(|key| (in_path("source_api"), in_path(key)));
    let path = snapshot.folder.join(&file.path);
    let columns = table.columns.iter().map(String::as_str);
    for_each_dictionary_batch(&path, columns, |batch| {
        let arrays: Vec<ArrayRef> = table
            .columns
            .iter()
            .map(|name| column(batch, name).cloned())
            .collect::<Result<_, _>>()?;
        digest.add_rows(hasher.rows(&arrays)?);
        if let Some((key, in_path)) = table.key.zip(keys_in_path.as_ref()) {
            for name in keys_of(batch, key, in_path)? {
                line += 1;
                let key = Record::default().u128(name).u32(number).u64(line);
                table.keys.push(name, &key);
            }
        }
        Ok(())
    })?;
    let partition = partition_of(&table.lake.layout.name, &file.path);
    rows.digest.insert(partition, digest);
    Ok(())
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b ArrayRef, ArrowError> {
    batch
        .column_by_name(name)
        .ok_or_else(|| ArrowError::SchemaError(format!("the file has no column '{name}'")))
}

/// The hashes of the keys in a batch: of `source_api` and the key, each a column of the file or, in
/// that order, a value in its path.
fn keys_of(
    batch: &RecordBatch,
    key: &str,
    (api_in_path, id_in_path): &(Option<String>, Option<String>),
) -> Result<Vec<u128>, ArrowError> {
    let apis = values_of(batch, "source_api", api_in_path.as_deref())?;
    let ids = values_of(batch, key, id_in_path.as_deref())?;
    let names = apis.iter().zip(&ids);
    Ok(names
        .map(|(api, id)| {
            let (api, id) = (api.unwrap_or_default(), id.unwrap_or_default());
            xxh3_128(format!("{api}\0{id}").as_bytes())
        })
        .collect())
}

fn values_of<'b>(
    batch: &'b RecordBatch,
    name: &str,
    in_path: Option<&'b str>,
) -> Result<Vec<Option<&'b str>>, ArrowError> {
    match in_path {
        Some(value) => Ok(vec![Some(value); batch.num_rows()]),
        None => texts(column(batch, name)?),
    }
}

fn texts(column: &ArrayRef) -> Result<Vec<Option<&str>>, ArrowError> {
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Ok(texts.iter().collect());
    }
    let unknown = || ArrowError::SchemaError("a key column holds no text".into());
    let dictionary = column
        .as_dictionary_opt::<Int32Type>()
        .ok_or_else(unknown)?;
    let values = dictionary
        .values()
        .as_string_opt::<i32>()
        .ok_or_else(unknown)?;
    let keys = dictionary.keys().iter();
    Ok(keys
        .map(|key| {
            let key = usize::try_from(key?).ok()?;
            (key < values.len()).then(|| values.value(key))
        })
        .collect())
}

/// `eob_type=CARRIER/service_year=2024` of the path of a file.
fn partition_of(table: &str, path: &str) -> String {
    let below = path
        .strip_prefix(table)
        .unwrap_or(path)
        .trim_start_matches('/');
    below
        .rsplit_once('/')
        .map_or(String::new(), |(folders, _)| folders.to_owned())
}

impl TableTask<'_> {
    /// Keys are unique in a table with one row per resource.
    ///
    /// # Errors
    ///
    /// What was noted of the keys cannot be read.
    pub(crate) fn check_keys(&self, check: &mut Check) -> Result<(), Error> {
        let Some(key) = self.key else {
            return Ok(());
        };
        let repeated: Result<Vec<_>, Error> = (0..BUCKETS)
            .into_par_iter()
            .map(|number| Ok(repeated(&self.keys.read(number)?)))
            .collect();
        let mut places: Vec<(u32, u64)> = Vec::new();
        for (keys, repeated) in repeated? {
            check.checked += keys - repeated.len() as u64;
            places.extend(repeated);
        }
        places.sort_unstable();
        for (file, row) in places {
            let path = self.lake.files.get(file as usize).map(|file| &file.path);
            let path = path.map_or("", String::as_str);
            check.fail(|| format!("{path}, row {row}: its {key} is in the table twice"));
        }
        Ok(())
    }
}

/// How many keys there are, and the places of those that an earlier row has.
fn repeated(bytes: &[u8]) -> (u64, Vec<(u32, u64)>) {
    let mut reader = Reader::new(bytes);
    let next = || Some((reader.u128()?, reader.u32()?, reader.u64()?));
    let mut keys: Vec<(u128, u32, u64)> = std::iter::from_fn(next).collect();
    keys.sort_unstable();
    let same = keys.chunk_by(|one, next| one.0 == next.0);
    let others = same.flat_map(|same| same.iter().skip(1));
    let places = others.map(|(_, file, row)| (*file, *row)).collect();
    (keys.len() as u64, places)
}

impl PublishedRows {
    /// Names the files that could not be read.
    pub(crate) fn name_unreadable(&mut self, check: &mut Check) {
        self.unreadable.sort();
        for place in self.unreadable.drain(..) {
            check.fail(|| place);
        }
    }
}
