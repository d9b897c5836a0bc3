//! One of the two lakes: a snapshot, and its tables read column by column.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;
use claimlake_columnar::parquet_reader;
use claimlake_contract::{ApiVersion, LakeFile, LakeTable};
use claimlake_loader::{check_file, partition_value, read_manifest};
use parquet::arrow::ProjectionMask;

use crate::cell::is_supported;
use crate::error::{CompareError, Result};

/// Rows read at once.
const BATCH_ROWS: usize = 8_192;

/// Which of the two lakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The first one.
    Left,
    /// The second one.
    Right,
}

impl Which {
    /// The word in the output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// A lake to compare.
#[derive(Debug, Clone)]
pub struct Side {
    /// The folder of a snapshot, not a link to it: all of it is read from one state.
    pub snapshot: PathBuf,
    /// Only rows of this API version; `None`: all rows.
    pub api: Option<ApiVersion>,
}

/// A lake that is being read.
pub(crate) struct OpenSide {
    pub(crate) which: Which,
    folder: PathBuf,
    api: Option<ApiVersion>,
    api_column: String,
    tables: BTreeMap<String, LakeTable>,
    /// Files that were compared with the manifest.
    checked: RefCell<HashSet<String>>,
    pub(crate) snapshot: u64,
    pub(crate) published_at: String,
}

/// The columns of a table that are read.
#[derive(Debug, Clone)]
pub(crate) struct TableColumns {
    pub(crate) schema: SchemaRef,
}

impl OpenSide {
    /// Reads the manifest.
    pub(crate) fn open(side: &Side, which: Which, api_column: &str) -> Result<Self> {
        let manifest = read_manifest(&side.snapshot)?;
        let by_name = |table: LakeTable| (table.layout.name.clone(), table);
        Ok(Self {
            which,
            folder: side.snapshot.clone(),
            api: side.api,
            api_column: api_column.to_owned(),
            checked: RefCell::default(),
            snapshot: manifest.snapshot,
            published_at: manifest.published_at,
            tables: manifest.tables.into_iter().map(by_name).collect(),
        })
    }

    pub(crate) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Which of the named columns a table has, with their types; those of a type that cannot be
    /// compared are left out. All columns where none are named.
    pub(crate) fn columns(&self, table: &str, wanted: Option<&[&str]>) -> Result<TableColumns> {
        let Some(found) = self.tables.get(table) else {
            let schema = Arc::new(Schema::empty());
            return Ok(TableColumns { schema });
        };
        let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.contains(&name));
        let mut types: BTreeMap<String, DataType> = BTreeMap::new();
        for file in &found.files {
            let reader = self.reader(file)?;
            for field in reader.schema().fields() {
                let known = types.entry(field.name().clone());
                known.or_insert_with(|| field.data_type().clone());
            }
        }
        for (name, _) in &found.partition_columns {
            types.insert(name.clone(), DataType::Utf8);
        }
        let in_order = found.columns.iter().chain(&found.partition_columns);
        let fields = in_order.filter_map(|(name, _)| {
            let data_type = types.get(name)?;
            let is_read = is_wanted(name) && is_supported(data_type);
            is_read.then(|| Field::new(name, data_type.clone(), true))
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Ok(TableColumns { schema })
    }

    fn reader(
        &self,
        file: &LakeFile,
    ) -> Result<parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder<File>> {
        let path = self.folder.join(&file.path);
        self.check(file)?;
        let opened = File::open(&path).map_err(|error| self.gone(error, &path))?;
        parquet_reader(opened, BATCH_ROWS).map_err(|source| CompareError::Parquet { path, source })
    }

    /// Compares a file with the manifest, once: what is damaged is not compared as if it were a claim.
    fn check(&self, file: &LakeFile) -> Result<()> {
        if self.checked.borrow().contains(&file.path) {
            return Ok(());
        }
        match check_file(&self.folder, file) {
            Ok(()) => {
                self.checked.borrow_mut().insert(file.path.clone());
                Ok(())
            }
            Err(_) if !self.folder.exists() => Err(CompareError::Changed {
                side: self.which.as_str(),
                path: self.folder.join(&file.path),
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// A file that was there when the manifest was read.
    fn gone(&self, error: std::io::Error, path: &Path) -> CompareError {
        match error.kind() {
            ErrorKind::NotFound if !self.folder.exists() => CompareError::Changed {
                side: self.which.as_str(),
                path: path.to_path_buf(),
            },
            _ => CompareError::io("reading", path)(error),
        }
    }

    /// Hands over the rows of a table in batches with exactly these columns. A column that a file
    /// lacks is empty in its rows.
    pub(crate) fn read(
        &self,
        table: &str,
        columns: &TableColumns,
        mut take: impl FnMut(&RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let Some(found) = self.tables.get(table) else {
            return Ok(());
        };
        for file in &found.files {
            let reader = self.reader(file)?;
            let names: Vec<&str> = columns
                .schema
                .fields()
                .iter()
                .map(|one| one.name().as_str())
                .collect();
            let mut read: Vec<&str> = names.clone();
            read.push(&self.api_column);
            let mask = ProjectionMask::columns(reader.parquet_schema(), read);
            let path = self.folder.join(&file.path);
            let batches = reader.with_projection(mask).build();
            let parquet = |source| CompareError::Parquet {
                path: path.clone(),
                source,
            };
            for batch in batches.map_err(parquet)? {
                let batch = batch.map_err(|error| parquet(error.into()))?;
                let batch = self.of_api(batch)?;
                if batch.num_rows() > 0 {
                    take(&with_columns(&batch, columns, &file.path)?)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of the API version that was asked for.
    fn of_api(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some(api) = self.api else {
            return Ok(batch);
        };
        let column = batch.column_by_name(&self.api_column);
        let texts = column.and_then(|column| column.as_any().downcast_ref::<StringArray>());
        let Some(texts) = texts else {
            return Ok(batch);
        };
        let keep: BooleanArray = texts
            .iter()
            .map(|text| Some(text == Some(api.as_str())))
            .collect();
        filter_record_batch(&batch, &keep).map_err(CompareError::arrow("selecting rows"))
    }
}

/// The columns of a batch in the order of `columns`; those of the path are made.
fn with_columns(batch: &RecordBatch, columns: &TableColumns, path: &str) -> Result<RecordBatch> {
    let rows = batch.num_rows();
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        match batch.column_by_name(field.name()) {
            Some(found) if found.data_type() == field.data_type() => Ok(found.clone()),
            Some(found) => Err(CompareError::Rules(format!(
                "column {} is {} in one file and {} in another",
                field.name(),
                field.data_type(),
                found.data_type()
            ))),
            None => Ok(match partition_value(path, field.name()) {
                Some(value) => Arc::new(StringArray::from(vec![value; rows])),
                None => new_null_array(field.data_type(), rows),
            }),
        }
    };
    let arrays = columns.schema.fields().iter().map(column);
    let arrays = arrays.collect::<Result<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(columns.schema.clone(), arrays, &options)
        .map_err(CompareError::arrow("putting columns together"))
}

#[cfg(test)]
mod tests;
