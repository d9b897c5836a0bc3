//! The owners of rows in a snapshot of an earlier version, whose manifest has no hashes of the
//! owner files. Such a file is used only if it agrees with the rows of the table: most tables have
//! a column with the resource's id.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch, StringArray};
use arrow_schema::DataType;
use claimlake_contract::{LakeFile, LakeManifest, LakeTable};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::keys;
use crate::row_owners::earlier_file::{self, path_of};
use crate::row_owners::runs::{Joined, Run, Runs};
use crate::row_owners::table_files::TableFiles;
use claimlake_columnar::GroupKey as ResourceKey;

/// The column with the API version of a row.
const API: &str = "source_api";

/// How many rows are enough to find out which column holds the id.
const SAMPLE: usize = 64;

/// Reads and checks the owners of one such snapshot.
pub(crate) struct EarlierOwners<'a> {
    folder: &'a Path,
    manifest: &'a LakeManifest,
    /// By table, the column with the id of the row's resource; `None` if it has none. Filled as
    /// tables are read.
    ids: Mutex<HashMap<String, Option<String>>>,
}

impl<'a> EarlierOwners<'a> {
    /// Nothing is read yet.
    pub(crate) fn new(folder: &'a Path, manifest: &'a LakeManifest) -> Self {
        Self {
            folder,
            manifest,
            ids: Mutex::default(),
        }
    }

    /// The owners of a table's rows in a partition, file by file.
    pub(crate) fn runs<'r>(&'r self, of_table: &TableFiles<'a>) -> Runs<'r> {
        let name = of_table.table;
        let files = of_table.files.clone().into_iter();
        let runs = files.flat_map(move |file| match self.of_file(name, file) {
            Ok(runs) => runs.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        });
        Box::new(Joined::new(runs))
    }

    /// The owners of a file's rows: from the rows themselves if the table has an id column,
    /// otherwise from the owner file.
    ///
    /// # Errors
    ///
    /// The owner file is damaged and the table has no id column; or the two differ and the Parquet
    /// file is the damaged one.
    fn of_file(&self, name: &str, file: &LakeFile) -> Result<Vec<Run>> {
        let kept = earlier_file::read(self.folder, &file.path, file.rows);
        let Some(own) = self.by_rows(name, file)? else {
            let kept = kept?;
            self.check_known(name, file, &kept)?;
            return Ok(kept);
        };
        if kept.is_ok_and(|kept| Joined::new(kept.into_iter().map(Ok)).eq_runs(&own)) {
            return Ok(own);
        }
        // Which of the two is wrong is decided by the hash that there is.
        check_file(self.folder, file)?;
        tracing::warn!(
            file = path_of(&file.path),
            "damaged: the resources of the rows were found again from the rows themselves"
        );
        Ok(own)
    }

    /// Why the owner file (which rows belong to which resource) of a table's file is wrong; `None`
    /// if it is right. For `verify`, which reports a damaged Parquet file separately.
    pub(crate) fn damage_of(&self, name: &str, file: &LakeFile) -> Option<String> {
        let kept = match earlier_file::read(self.folder, &file.path, file.rows) {
            Ok(kept) => kept,
            Err(error) => return Some(error.to_string()),
        };
        let is_right = match self.by_rows(name, file) {
            Ok(Some(own)) => Joined::new(kept.into_iter().map(Ok)).eq_runs(&own),
            Ok(None) => self.check_known(name, file, &kept).is_ok(),
            // The table's file is reported by its own hash.
            Err(_) => true,
        };
        let reason = "it says of other rows than the table's whose they are";
        (!is_right).then(|| reason.to_owned())
    }

    /// The owners by the ids in the rows; `None` if the table has no id column, or a row has no id.
    fn by_rows(&self, name: &str, file: &LakeFile) -> Result<Option<Vec<Run>>> {
        let Some(table) = self.table(name) else {
            return Ok(None);
        };
        let Some(resource) = &table.resource else {
            return Ok(None);
        };
        let Some(id) = self.id_column(table, file)? else {
            return Ok(None);
        };
        let in_path = api_in_path(&file.path);
        let mut own: Vec<Run> = Vec::new();
        let mut last: Option<(String, String)> = None;
        for batch in self.batches(file, &[API, &id], None)? {
            let batch = batch?;
            let (apis, ids) = (text(&batch, API), text(&batch, &id));
            for row in 0..batch.num_rows() {
                let api = value(apis, row).or(in_path);
                let (Some(api), Some(id)) = (api, value(ids, row)) else {
                    return Ok(None);
                };
                let is_same = last
                    .as_ref()
                    .is_some_and(|last| last.0 == api && last.1 == id);
                match own.last_mut() {
                    Some((_, rows)) if is_same => *rows += 1,
                    _ => {
                        own.push((ResourceKey::new(api, resource.as_str(), id), 1));
                        last = Some((api.to_owned(), id.to_owned()));
                    }
                }
            }
        }
        Ok(Some(own))
    }

    /// The id column of a table, found once.
    fn id_column(&self, table: &LakeTable, file: &LakeFile) -> Result<Option<String>> {
        let name = &table.layout.name;
        // Held while it is looked for: other threads ask for the same.
        let mut ids = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ids.get(name) {
            return Ok(known.clone());
        }
        let found = self.find_id_column(table, file)?;
        ids.insert(name.clone(), found.clone());
        Ok(found)
    }

    /// The first text column whose values, together with the API version and the resource type, are
    /// all keys of the snapshot. The names of columns say nothing here: the loader does not know
    /// the views.
    fn find_id_column(&self, table: &LakeTable, file: &LakeFile) -> Result<Option<String>> {
        let (Some(resource), Some(keys)) = (&table.resource, &self.manifest.keys) else {
            return Ok(None);
        };
        let Some(batch) = self.batches(file, &[], Some(SAMPLE))?.next() else {
            return Ok(None);
        };
        let batch = batch?;
        let (apis, in_path) = (text(&batch, API), api_in_path(&file.path));
        let schema = batch.schema();
        let mut looked_for: BTreeMap<ResourceKey, bool> = BTreeMap::new();
        let mut columns: Vec<(&str, Vec<ResourceKey>)> = Vec::new();
        for field in schema.fields() {
            let ids = text(&batch, field.name()).filter(|_| field.name() != API);
            let key = |row| {
                let (api, id) = (value(apis, row).or(in_path)?, value(ids, row)?);
                Some(ResourceKey::new(api, resource.as_str(), id))
            };
            if let Some(keys) = (0..batch.num_rows()).map(key).collect::<Option<Vec<_>>>() {
                looked_for.extend(keys.iter().map(|key| (*key, false)));
                columns.push((field.name(), keys));
            }
        }
        self.mark_known(keys, &mut looked_for)?;
        let is_id = |(_, keys): &&(&str, Vec<ResourceKey>)| {
            keys.iter().all(|key| looked_for.get(key) == Some(&true))
        };
        Ok(columns
            .iter()
            .find(is_id)
            .map(|(name, _)| (*name).to_owned()))
    }

    /// Checks that every owner is a resource of the snapshot; all that can be checked without an id
    /// column.
    fn check_known(&self, name: &str, file: &LakeFile, kept: &[Run]) -> Result<()> {
        let mut looked_for: BTreeMap<ResourceKey, bool> = kept
            .iter()
            .map(|(resource, _)| (*resource, false))
            .collect();
        if let Some(keys) = &self.manifest.keys {
            self.mark_known(keys, &mut looked_for)?;
        }
        if looked_for.values().all(|is_known| *is_known) {
            return Ok(());
        }
        let path = self.folder.join(path_of(&file.path));
        let reason = format!("it names owners of rows of '{name}' that the snapshot does not have");
        Err(LoadError::damaged(&path, reason))
    }

    /// Sets the flag of each resource that the snapshot's keys have with rows.
    fn mark_known(
        &self,
        file: &LakeFile,
        looked_for: &mut BTreeMap<ResourceKey, bool>,
    ) -> Result<()> {
        let path = self.folder.join(&file.path);
        for batch in keys::read(&path)? {
            let batch = batch.map(std::sync::Arc::new)?;
            for row in 0..batch.num_rows() {
                let row = keys::KeyRow { batch: &batch, row };
                if let Some(is_known) = looked_for.get_mut(&row.resource()) {
                    *is_known = !row.is_tombstone();
                }
            }
        }
        Ok(())
    }

    /// The table with this name.
    fn table(&self, name: &str) -> Option<&'a LakeTable> {
        let mut tables = self.manifest.tables.iter();
        tables.find(|table| table.layout.name == name)
    }

    /// The rows of a file: the named columns (all, if none are named), at most `rows` rows.
    fn batches(
        &self,
        file: &LakeFile,
        columns: &[&str],
        rows: Option<usize>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
        let path = self.folder.join(&file.path);
        let opened = std::fs::File::open(&path).map_err(LoadError::io("opening", &path))?;
        let broken = |error| LoadError::damaged(&path, format!("the file is broken: {error}"));
        let mut builder = ParquetRecordBatchReaderBuilder::try_new(opened).map_err(broken)?;
        if !columns.is_empty() {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(rows) = rows {
            builder = builder.with_limit(rows);
        }
        let reader = builder.build().map_err(broken)?;
        Ok(reader.map(move |batch| {
            batch.map_err(|error| LoadError::damaged(&path, format!("the file is broken: {error}")))
        }))
    }
}

/// For a snapshot of an earlier version: every file of row owners, relative to the snapshot, with
/// what is wrong with it, if anything. They are compared with the rows of the tables. Empty for
/// later snapshots, whose manifests have hashes of these files.
#[must_use]
pub fn damaged_earlier_owners(
    folder: &Path,
    manifest: &LakeManifest,
) -> Vec<(String, Option<String>)> {
    if manifest.owners.is_some() {
        return Vec::new();
    }
    let owners = EarlierOwners::new(folder, manifest);
    let of_resources = |table: &&LakeTable| table.resource.is_some();
    let files: Vec<(&str, &LakeFile)> = manifest
        .tables
        .iter()
        .filter(of_resources)
        .flat_map(|table| {
            let name = table.layout.name.as_str();
            table.files.iter().map(move |file| (name, file))
        })
        .filter(|(_, file)| file.rows > 0)
        .collect();
    files
        .par_iter()
        .map(|(table, file)| (path_of(&file.path), owners.damage_of(table, file)))
        .collect()
}

/// Compares an iterator of owners with a list. An error counts as a difference.
trait SameRuns {
    fn eq_runs(self, runs: &[Run]) -> bool;
}

impl<I: Iterator<Item = Result<Run>>> SameRuns for I {
    fn eq_runs(mut self, runs: &[Run]) -> bool {
        let is_same = runs
            .iter()
            .all(|run| matches!(self.next(), Some(Ok(found)) if found == *run));
        is_same && self.next().is_none()
    }
}

fn text<'b>(batch: &'b RecordBatch, name: &str) -> Option<&'b StringArray> {
    let column = batch.column_by_name(name)?;
    (*column.data_type() == DataType::Utf8).then(|| column.as_string::<i32>())
}

fn value(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    column.is_valid(row).then(|| column.value(row))
}

/// The API version, if the table is partitioned by it.
fn api_in_path(path: &str) -> Option<&str> {
    let mut folders = path.split('/').filter_map(|folder| folder.split_once('='));
    folders
        .find(|(name, _)| *name == API)
        .map(|(_, value)| value)
}
