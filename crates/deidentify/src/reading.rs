//! Rows of a snapshot, with the columns of its paths.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use claimlake_columnar::parquet_reader;
use claimlake_contract::{LakeFile, LakeManifest, LakeTable};
use claimlake_loader::{check_file, partition_value};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::error::{DeidentifyError, Result};

const BATCH_ROWS: usize = 8_192;

/// The types of columns, by name.
pub(crate) type Types = BTreeMap<String, DataType>;

/// A snapshot that is being read.
pub(crate) struct Snapshot {
    folder: PathBuf,
    pub(crate) manifest: LakeManifest,
}

impl Snapshot {
    /// Reads the manifest.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest: claimlake_loader::read_manifest(folder)?,
        })
    }

    pub(crate) fn table(&self, name: &str) -> Option<&LakeTable> {
        let mut tables = self.manifest.tables.iter();
        tables.find(|table| table.layout.name == name)
    }

    /// Hands over the rows of a table in batches with exactly these columns. A column that a file
    /// lacks is empty in its rows.
    pub(crate) fn read(
        &self,
        table: &LakeTable,
        columns: &[&str],
        mut take: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let types = self.types(table)?;
        for file in &table.files {
            let path = self.folder.join(&file.path);
            let reader = self.reader(file, &path)?;
            let present = columns.iter().copied();
            let mask = ProjectionMask::columns(reader.parquet_schema(), present);
            let failed = DeidentifyError::parquet(&path);
            for batch in reader.with_projection(mask).build().map_err(&failed)? {
                let batch = batch.map_err(|error| failed(error.into()))?;
                take(&with_columns(&batch, &types, columns, &file.path)?)?;
            }
        }
        Ok(())
    }

    /// The types of all columns of a table, those of its paths included.
    pub(crate) fn types(&self, table: &LakeTable) -> Result<Types> {
        let mut types = Types::new();
        for file in &table.files {
            let path = self.folder.join(&file.path);
            for field in self.reader(file, &path)?.schema().fields() {
                let known = types.entry(field.name().clone());
                known.or_insert_with(|| field.data_type().clone());
            }
        }
        for (name, data_type) in &table.partition_columns {
            let data_type = match data_type.starts_with("Int") {
                true => DataType::Int32,
                false => DataType::Utf8,
            };
            types.insert(name.clone(), data_type);
        }
        Ok(types)
    }

    fn reader(
        &self,
        file: &LakeFile,
        path: &Path,
    ) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        let gone = || DeidentifyError::Changed {
            path: path.to_path_buf(),
        };
        if let Err(error) = check_file(&self.folder, file) {
            return Err(match path.exists() {
                true => error.into(),
                false => gone(),
            });
        }
        let opened = File::open(path).map_err(|_| gone())?;
        parquet_reader(opened, BATCH_ROWS).map_err(DeidentifyError::parquet(path))
    }
}

/// The columns by name; those of the path are made.
fn with_columns(
    batch: &RecordBatch,
    types: &Types,
    columns: &[&str],
    path: &str,
) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let column = |name: &str| -> ArrayRef {
        if let Some(found) = batch.column_by_name(name) {
            return found.clone();
        }
        let data_type = types.get(name).unwrap_or(&DataType::Utf8);
        match (data_type, partition_value(path, name)) {
            (DataType::Int32, Some(value)) => {
                Arc::new(Int32Array::from(vec![value.parse::<i32>().ok(); rows]))
            }
            (DataType::Utf8, Some(value)) => Arc::new(StringArray::from(vec![value; rows])),
            _ => new_null_array(data_type, rows),
        }
    };
    let arrays = columns.iter().map(|name| column(name));
    columns_batch(columns, arrays.collect(), rows)
}

/// A batch without rows.
pub(crate) fn empty(types: &Types, columns: &[&str]) -> Result<RecordBatch> {
    let data_type = |name: &&str| types.get(*name).unwrap_or(&DataType::Utf8);
    let arrays = columns
        .iter()
        .map(|name| new_null_array(data_type(name), 0));
    columns_batch(columns, arrays.collect(), 0)
}

fn columns_batch(columns: &[&str], arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let fields = columns.iter().zip(&arrays);
    let fields = fields.map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options)
        .map_err(DeidentifyError::arrow("putting columns together"))
}
