//! The keys of the staged runs: the newest body of each resource, sorted by key. They are sorted
//! and kept on disk, since there are as many as resources.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, FixedSizeBinaryArray, RecordBatch, StringArray, UInt64Array};
use arrow_buffer::ScalarBuffer;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, TimeUnit};
use claimlake_contract::{RunId, key_columns};

use crate::error::{LoadError, Result};
use crate::merge::ended_periods::{EndedPeriods, EndedPeriodsBuilder};
use crate::merge::keys::{self, KeyRow, key_schema};
use crate::merge::picked_rows::PickedRows;
use crate::merge::staged_resources::{ResourceRows, StagedResources};
use crate::staged_run::StagedRun;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::sort::batch_sorter::{BatchSorter, SortedBatches};
use claimlake_columnar::sort::span_maker::resource_column;

/// The number of rows in a batch of the file of newest bodies.
const BATCH_ROWS: usize = 1_024;

/// The subfolder of the spill folder for sorting keys; no table has this name.
const FOLDER: &str = "_keys";

/// The newest bodies, one per resource.
#[derive(Debug)]
pub(crate) struct StagedKeys {
    path: PathBuf,
    runs: Vec<RunId>,
    /// Bodies of resources that have a newer one.
    pub(crate) superseded: u64,
    /// Periods that have ended: their staged bodies are left out.
    pub(crate) ended: EndedPeriods,
}

impl StagedKeys {
    /// Sorts the keys of `staged`, holding about `budget` bytes. `before` is the lake's key file, if
    /// what it says of ended periods counts: not where all of landing is staged.
    pub(crate) fn read(
        staged: &[StagedRun],
        before: Option<&Path>,
        spill: &Path,
        budget: usize,
    ) -> Result<Self> {
        let folder = spill.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(LoadError::io("making", &folder))?;
        let by_age = vec![keys::RESOURCE, keys::LAST_UPDATED, keys::RUN, keys::ORDER];
        let mut sorter =
            BatchSorter::new("keys", &key_schema(), by_age, budget, folder.join("runs"))?;
        let mut ended = EndedPeriodsBuilder::default();
        for run in staged {
            for batch in run.keys() {
                let batch = Arc::new(as_key_file(&batch?, run)?);
                for row in 0..batch.num_rows() {
                    ended.see_staged(&KeyRow { batch: &batch, row });
                }
                sorter.push(&batch)?;
            }
        }
        before.map(|file| ended.see_lake(file)).transpose()?;
        let ended = ended.finish();
        let path = folder.join("newest.arrows");
        Ok(Self {
            superseded: write_newest(sorter.finish()?, &ended, &path)?,
            path,
            runs: staged.iter().map(|run| run.manifest.run.clone()).collect(),
            ended,
        })
    }

    /// What is staged about each resource, in the order of keys.
    pub(crate) fn resources(
        &self,
    ) -> Result<StagedResources<impl Iterator<Item = Result<RecordBatch>> + use<>>> {
        let file = File::open(&self.path).map_err(LoadError::io("opening", &self.path))?;
        let path = self.path.clone();
        let reader = StreamReader::try_new(BufReader::new(file), None)
            .map_err(LoadError::arrow_file("reading", &path))?;
        let batches =
            reader.map(move |batch| batch.map_err(LoadError::arrow_file("reading", &path)));
        Ok(StagedResources::new(batches))
    }

    /// How many staged runs there are.
    pub(crate) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// The position of a body's staged run among those that were read.
    pub(crate) fn run_of(&self, row: &KeyRow<'_>) -> Option<usize> {
        let run = row.text(keys::RUN)?;
        self.runs.iter().position(|known| known.as_str() == run)
    }
}

/// Writes of each resource what [`StagedResources`] reads: the last place at which it was gone, if any, and
/// the body that counts.
fn write_newest(sorted: SortedBatches, ended: &EndedPeriods, path: &Path) -> Result<u64> {
    let file = File::create(path).map_err(LoadError::io("creating", path))?;
    let operation = || LoadError::arrow_file("writing", path);
    let mut writer =
        StreamWriter::try_new(BufWriter::new(file), &key_schema()).map_err(operation())?;
    let mut picked = PickedRows::default();
    let mut resource_rows = ResourceRows::default();
    let mut superseded = 0;
    for batch in sorted {
        let batch = Arc::new(batch?);
        for row in 0..batch.num_rows() {
            let next = KeyRow { batch: &batch, row };
            if resource_rows.resource() != Some(next.resource()) {
                superseded += resource_rows.pick(&mut picked);
            }
            if !ended.leave_out(&next) {
                resource_rows.rows.push((batch.clone(), row));
            }
        }
        if picked.rows() >= BATCH_ROWS
            && let Some(batch) = picked.take().map_err(operation())?
        {
            writer.write(&batch).map_err(operation())?;
        }
    }
    superseded += resource_rows.pick(&mut picked);
    if let Some(batch) = picked.take().map_err(operation())? {
        writer.write(&batch).map_err(operation())?;
    }
    writer.finish().map_err(operation())?;
    Ok(superseded)
}

/// The keys of a staged run with the columns of a key file.
///
/// # Errors
///
/// [`LoadError::Staged`] if a column is missing or has an unsuitable type.
pub(crate) fn as_key_file(batch: &RecordBatch, run: &StagedRun) -> Result<RecordBatch> {
    let schema = key_schema();
    let column = |name: &str| -> Result<ArrayRef> {
        let expected = schema.field_with_name(name).map(Field::data_type).ok();
        batch
            .column_by_name(name)
            .and_then(|column| as_written(column, expected?))
            .ok_or_else(|| {
                LoadError::staged(&run.folder, format!("its keys have no fit column {name}"))
            })
    };
    let api = column(key_columns::API)?;
    let resource_type = column(key_columns::RESOURCE_TYPE)?;
    let id = column(key_columns::ID)?;
    let (apis, types, ids) = (
        api.as_string::<i32>(),
        resource_type.as_string::<i32>(),
        id.as_string::<i32>(),
    );
    let resources = resource_column(
        (0..batch.num_rows())
            .map(|row| ResourceKey::new(apis.value(row), types.value(row), ids.value(row))),
    )?;
    let runs = StringArray::from_iter_values(std::iter::repeat_n(
        RunId::as_str(&run.manifest.run),
        batch.num_rows(),
    ));
    let columns = vec![
        Arc::new(resources) as ArrayRef,
        api,
        resource_type,
        id,
        column(key_columns::LAST_UPDATED)?,
        column(key_columns::CONTENT_HASH)?,
        column(key_columns::PATIENT)?,
        Arc::new(runs),
        column(key_columns::LANDING_ORDER)?,
    ];
    RecordBatch::try_new(schema, columns)
        .map_err(|error| LoadError::staged(&run.folder, format!("its keys are broken: {error}")))
}

/// The column with the expected type. Spark has no unsigned numbers and no binaries of fixed size,
/// and writers name UTC differently.
fn as_written(column: &ArrayRef, expected: &DataType) -> Option<ArrayRef> {
    if column.data_type() == expected {
        return Some(column.clone());
    }
    let same: ArrayRef = match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(times.with_timezone("UTC"))
        }
        DataType::Int64 => {
            let signed = column.as_primitive::<Int64Type>();
            let orders = ScalarBuffer::from(signed.values().inner().clone());
            Arc::new(UInt64Array::new(orders, signed.nulls().cloned()))
        }
        DataType::Binary if column.null_count() == 0 => {
            let hashes = column.as_binary::<i32>();
            let hashes = FixedSizeBinaryArray::try_from_iter(hashes.iter().flatten()).ok()?;
            Arc::new(hashes)
        }
        _ => return None,
    };
    (same.data_type() == expected).then_some(same)
}
