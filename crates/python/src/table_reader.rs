//! The rows of a table of a snapshot: file after file, with the partition columns that only the paths
//! have.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, RecordBatch, RecordBatchReader,
    StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use claimlake_contract::{LakeFile, LakeTable};
use claimlake_loader::{parquet_batch_rows, partition_value};
use claimlake_viewdef::column::date_days;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use crate::failure::{Failure, Kind, Result};

/// Rows of a batch at most; fewer where texts are long.
const ROWS: usize = 8192;

/// Reads the files of a table one after the other; only one is open.
pub(crate) struct TableReader {
    folder: PathBuf,
    schema: SchemaRef,
    partitions: Vec<(String, String)>,
    files: vec::IntoIter<LakeFile>,
    open: Option<(ParquetRecordBatchReader, Vec<ArrayOf>)>,
}

/// A partition column: the same value for any number of rows.
type ArrayOf = Box<dyn Fn(usize) -> ArrayRef + Send>;

/// The columns of a table: those of its files, then those of its paths.
pub(crate) fn schema_of(folder: &Path, number: u64, table: &LakeTable) -> Result<SchemaRef> {
    let parsed = |(name, words): &(String, String)| {
        let data_type: DataType = words.parse().map_err(|_| {
            Failure::new(
                Kind::OtherVersion,
                format!("column {name} has the type {words}, which this version does not know"),
            )
        })?;
        Ok(Field::new(name, data_type, true))
    };
    let mut fields = match table.files.first() {
        // The file says more than the manifest: which columns are never null.
        Some(file) => {
            let path = folder.join(&file.path);
            let file = File::open(&path).map_err(|error| opening(&path, number, &error))?;
            let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|error| Failure::new(Kind::Lake, damaged(&path, &error)))?;
            let fields = metadata.schema().fields().iter();
            fields.map(|field| field.as_ref().clone()).collect()
        }
        None => {
            let columns = table.columns.iter().map(parsed);
            columns.collect::<Result<Vec<Field>>>()?
        }
    };
    for column in &table.partition_columns {
        fields.push(parsed(column)?);
    }
    Ok(Arc::new(Schema::new(fields)))
}

fn damaged(path: &Path, error: &parquet::errors::ParquetError) -> String {
    format!(
        "{} is damaged ({error}): run `claimlake verify`",
        path.display()
    )
}

/// Why a file of a snapshot cannot be opened.
fn opening(path: &Path, number: u64, error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => gone(number),
        _ => Failure::new(Kind::Io, format!("opening {}: {error}", path.display())),
    }
}

/// The snapshot was removed under its reader.
pub(crate) fn gone(number: u64) -> Failure {
    let words = format!(
        "snapshot {number} was removed while it was read: loads keep as many as load.keep_snapshots and \
         load.keep_hours say; open the lake again for the current one"
    );
    Failure::new(Kind::SnapshotGone, words)
}

impl TableReader {
    pub(crate) fn new(folder: &Path, schema: &SchemaRef, table: &LakeTable) -> Self {
        Self {
            folder: folder.to_path_buf(),
            schema: Arc::clone(schema),
            partitions: table.partition_columns.clone(),
            files: table.files.clone().into_iter(),
            open: None,
        }
    }

    fn read(&mut self) -> std::result::Result<Option<RecordBatch>, ArrowError> {
        loop {
            if let Some((reader, _)) = &mut self.open {
                if let Some(batch) = reader.next() {
                    return Ok(Some(self.whole(&batch?)?));
                }
                self.open = None;
            }
            let Some(file) = self.files.next() else {
                return Ok(None);
            };
            let reader = self.reader(&file)?;
            let partitions = self.partitions.iter();
            let partitions = partitions.map(|(name, words)| {
                let value = partition_value(&file.path, name);
                array_of(value, words)
            });
            self.open = Some((reader, partitions.collect::<std::result::Result<_, _>>()?));
        }
    }

    fn reader(&self, file: &LakeFile) -> std::result::Result<ParquetRecordBatchReader, ArrowError> {
        let path = self.folder.join(&file.path);
        let opened = File::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                let name = self.folder.file_name().unwrap_or_default();
                let words = format!(
                    "snapshot {} was removed while it was read; open the lake again",
                    name.display()
                );
                ArrowError::ExternalError(words.into())
            }
            _ => ArrowError::IoError(format!("opening {}: {error}", path.display()), error),
        })?;
        let failed = |error: parquet::errors::ParquetError| {
            ArrowError::ExternalError(damaged(&path, &error).into())
        };
        let metadata =
            ArrowReaderMetadata::load(&opened, ArrowReaderOptions::new()).map_err(failed)?;
        let rows = parquet_batch_rows(&opened, metadata.metadata(), ROWS).map_err(failed)?;
        ParquetRecordBatchReaderBuilder::new_with_metadata(opened, metadata)
            .with_batch_size(rows)
            .build()
            .map_err(failed)
    }

    /// A batch with the columns of the path.
    fn whole(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        let partitions = self.open.iter().flat_map(|(_, partitions)| partitions);
        columns.extend(partitions.map(|array| array(rows)));
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// A partition column of a file; null for the partition of null, which older builds have.
fn array_of(value: Option<String>, words: &str) -> std::result::Result<ArrayOf, ArrowError> {
    let wrong = || {
        let words = format!("a folder's value is no {words}: run `claimlake verify`");
        ArrowError::ExternalError(words.into())
    };
    fn parsed<T: std::str::FromStr>(
        value: &Option<String>,
    ) -> std::result::Result<Option<T>, T::Err> {
        value.as_deref().map(str::parse).transpose()
    }
    Ok(match words {
        "Utf8" => Box::new(move |rows| {
            let values = std::iter::repeat_n(value.as_deref(), rows);
            Arc::new(values.collect::<StringArray>())
        }),
        "Int32" => {
            let number = parsed::<i32>(&value).map_err(|_| wrong())?;
            Box::new(move |rows| {
                Arc::new(std::iter::repeat_n(number, rows).collect::<Int32Array>())
            })
        }
        "Int64" => {
            let number = parsed::<i64>(&value).map_err(|_| wrong())?;
            Box::new(move |rows| {
                Arc::new(std::iter::repeat_n(number, rows).collect::<Int64Array>())
            })
        }
        "Boolean" => {
            let truth = parsed::<bool>(&value).map_err(|_| wrong())?;
            Box::new(move |rows| {
                Arc::new(std::iter::repeat_n(truth, rows).collect::<BooleanArray>())
            })
        }
        "Date32" => {
            let day = match &value {
                None => None,
                Some(text) => Some(date_days(text).ok_or_else(wrong)?),
            };
            Box::new(move |rows| Arc::new(std::iter::repeat_n(day, rows).collect::<Date32Array>()))
        }
        _ => return Err(wrong()),
    })
}

impl Iterator for TableReader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

impl RecordBatchReader for TableReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
