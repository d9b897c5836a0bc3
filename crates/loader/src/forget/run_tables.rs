//! Tables about runs (`changes`, `extract_status`) without the rows about a person. These rows are
//! not owned by a resource, so they are found by their values: patient id, or resource type and id.

use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray, RecordBatch, RecordBatchReader as _, StringArray};
use arrow_schema::DataType;
use arrow_select::filter::filter_record_batch;
use claimlake_contract::{LakeFile, LakeTable};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::forget::person_resources::PersonResources;
use crate::previous_snapshot::PreviousSnapshot;
use crate::publish::access::Access;
use crate::run_table::changes::CHANGES_TABLE;
use crate::table::carry::{Carried, carry};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::parquet_file::{ParquetFile, plain_schema};
use claimlake_columnar::encode::properties;

/// Rows of a row group in tables about the run.
const ROW_GROUP_ROWS: usize = 122_880;

impl PersonResources<'_> {
    /// Writes the tables about runs into the new snapshot without the rows about the person; the
    /// flag says whether there were any. Files without such rows are linked.
    pub(super) fn filter_run_tables(
        &self,
        before: &PreviousSnapshot,
        snapshot: &Path,
        access: Access,
    ) -> Result<(Vec<LakeTable>, bool)> {
        let (mut tables, mut any_lost) = (Vec::new(), false);
        let of_runs = |table: &&LakeTable| table.resource.is_none();
        for table in before.manifest.tables.iter().filter(of_runs) {
            let mut kept = table.clone();
            kept.files.clear();
            for file in &table.files {
                if self.rows_about(&before.folder, file)? == 0 {
                    carry(file, &before.folder, snapshot, &access, &Carried::default())?;
                    kept.files.push(file.clone());
                    continue;
                }
                any_lost = true;
                let filtered = self.filter_file(table, file, before, snapshot, access)?;
                kept.files.extend(filtered);
            }
            if !kept.files.is_empty() {
                tables.push(kept);
            }
        }
        Ok((tables, any_lost))
    }

    /// Writes a file again without the rows about the person. Returns `None` if no row remains in a
    /// file of `changes`, which need not have any; other tables keep an empty file, so that readers
    /// find the columns.
    fn filter_file(
        &self,
        table: &LakeTable,
        file: &LakeFile,
        before: &PreviousSnapshot,
        snapshot: &Path,
        access: Access,
    ) -> Result<Option<LakeFile>> {
        let path = before.folder.join(&file.path);
        let (folder, _) = file.path.rsplit_once('/').unwrap_or_default();
        let reader = reader(&path)?;
        let schema = reader.schema();
        let layout = &table.layout;
        let properties =
            properties::properties(&schema, &layout.sort_by, &layout.bloom, ROW_GROUP_ROWS)?;
        let schema = plain_schema(schema.fields().iter().cloned());
        let mut output = ParquetFile::create(&snapshot.join(folder), &schema, properties, &access)?;
        for batch in reader {
            let batch = batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
            let keep: BooleanArray = self
                .is_about(&batch)
                .into_iter()
                .map(|is_about| Some(!is_about))
                .collect();
            let operation = || LoadError::arrow(format!("filtering {}", path.display()));
            let kept = filter_record_batch(&batch, &keep).map_err(operation())?;
            let kept = RecordBatch::try_new(schema.clone(), kept.columns().to_vec())
                .map_err(operation())?;
            output.write(&kept)?;
        }
        let written = output.finish()?;
        if written.rows == 0 && layout.name == CHANGES_TABLE {
            let empty = snapshot.join(folder).join(&written.name);
            std::fs::remove_file(&empty).map_err(LoadError::io("removing", &empty))?;
            return Ok(None);
        }
        Ok(Some(LakeFile {
            path: format!("{folder}/{}", written.name),
            rows: written.rows,
            bytes: written.bytes,
            sha256: written.sha256,
        }))
    }

    /// The number of rows about the person in a file of a snapshot, which is first compared with
    /// the manifest.
    pub(super) fn rows_about(&self, snapshot: &Path, file: &LakeFile) -> Result<u64> {
        check_file(snapshot, file)?;
        let path = &snapshot.join(&file.path);
        let mut rows = 0;
        for batch in reader(path)? {
            let batch = batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
            let about = self.is_about(&batch);
            rows += about.into_iter().filter(|is_about| *is_about).count() as u64;
        }
        Ok(rows)
    }

    /// For each row of a table about runs, whether it is about the person or one of the person's resources.
    fn is_about(&self, batch: &RecordBatch) -> Vec<bool> {
        let (apis, patients) = (column(batch, "source_api"), column(batch, "patient_id"));
        let (types, ids) = (column(batch, "resource_type"), column(batch, "resource_id"));
        let about = |row: usize| {
            let api = text(apis, row);
            let by_id = text(patients, row).is_some_and(|id| match api.map(str::parse) {
                Some(Ok(api)) => self.person.has_id(api, id),
                _ => self.person.names().any(|name| name == id),
            });
            let key = || {
                let key = ResourceKey::new(api?, text(types, row)?, text(ids, row)?);
                Some(self.keys.contains(&key))
            };
            by_id || key().unwrap_or(false)
        };
        (0..batch.num_rows()).map(about).collect()
    }
}

/// The text column with this name; `None` if the table has none, or one of another type.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    let column = batch.column_by_name(name)?;
    (column.data_type() == &DataType::Utf8).then(|| column.as_string::<i32>())
}

/// The value of a row; `None` for null or without a column.
pub(super) fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    let column = column?;
    (!column.is_null(row)).then(|| column.value(row))
}

/// Opens a Parquet file of the lake with all of its columns.
pub(super) fn reader(path: &Path) -> Result<ParquetRecordBatchReader> {
    let file = std::fs::File::open(path).map_err(LoadError::io("opening", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(LoadError::parquet(format!("reading {}", path.display())))
}
