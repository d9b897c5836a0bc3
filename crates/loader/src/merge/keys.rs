//! The key file of a snapshot (`keys/keys.arrow`): one row per resource, sorted by key, including
//! resources whose newest body produces no rows.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::{
    ALL_PERIODS, LakeFile, PeriodOf, is_period_type, key_columns, period_id, period_of,
};

use crate::error::{LoadError, Result};
use crate::merge::picked_rows::PickedRows;
use crate::publish::access::Access;
use crate::publish::manifest::OTHER_VERSION;
use crate::row_owners::KEYS_FOLDER;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::parquet_file::HashingFile;

/// The staged run a key's body came with.
const STAGED_RUN: &str = "_staged_run";

/// Positions of the columns.
pub(crate) const RESOURCE: usize = 0;
pub(crate) const API: usize = 1;
pub(crate) const RESOURCE_TYPE: usize = 2;
pub(crate) const ID: usize = 3;
pub(crate) const LAST_UPDATED: usize = 4;
const CONTENT_HASH: usize = 5;
pub(crate) const PATIENT: usize = 6;
pub(crate) const RUN: usize = 7;
pub(crate) const ORDER: usize = 8;

/// Rows of the key file that are put together at once.
const CHUNK_ROWS: usize = 2_048;

/// The columns of the key file: the resource's key first, sorted by it.
pub(crate) fn key_schema() -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Arc::new(Schema::new(vec![
        Field::new("_resource", DataType::FixedSizeBinary(16), false),
        Field::new(key_columns::API, DataType::Utf8, false),
        Field::new(key_columns::RESOURCE_TYPE, DataType::Utf8, false),
        Field::new(key_columns::ID, DataType::Utf8, false),
        Field::new(key_columns::LAST_UPDATED, instant, true),
        Field::new(
            key_columns::CONTENT_HASH,
            DataType::FixedSizeBinary(16),
            false,
        ),
        Field::new(key_columns::PATIENT, DataType::Utf8, true),
        Field::new(STAGED_RUN, DataType::Utf8, false),
        Field::new(key_columns::LANDING_ORDER, DataType::UInt64, false),
    ]))
}

/// One row of a key file or of staged keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyRow<'a> {
    pub(crate) batch: &'a Arc<RecordBatch>,
    pub(crate) row: usize,
}

impl<'a> KeyRow<'a> {
    /// The key of the resource: a hash of API version, type and id.
    pub(crate) fn resource(&self) -> ResourceKey {
        ResourceKey::from_bytes(
            self.batch
                .column(RESOURCE)
                .as_fixed_size_binary()
                .value(self.row),
        )
    }

    /// Whether it is the key of a period, or of all periods of a resource.
    pub(crate) fn is_of_period(&self) -> bool {
        self.text(RESOURCE_TYPE).is_some_and(is_period_type)
    }

    /// What it names; `None` if it is the key of a resource.
    pub(crate) fn period(&self) -> Option<PeriodOf<'a>> {
        period_of(self.text(RESOURCE_TYPE)?, self.text(ID)?)
    }

    /// The key of the resource of which it is, or has a period.
    pub(crate) fn own_resource(&self) -> ResourceKey {
        let Some(period) = self.period() else {
            return self.resource();
        };
        let api = self.text(API).unwrap_or_default();
        ResourceKey::new(api, period.resource_type, period.resource_id)
    }

    /// The key of all periods in the same table.
    pub(super) fn all_periods(&self) -> Option<ResourceKey> {
        let period = self.period()?;
        let (api, key_type) = (self.text(API)?, self.text(RESOURCE_TYPE)?);
        let all = period_id(period.resource_id, ALL_PERIODS);
        Some(ResourceKey::new(api, key_type, &all))
    }

    /// The value of a text column; `None` for null.
    pub(crate) fn text(&self, column: usize) -> Option<&'a str> {
        let column = self.batch.column(column);
        (!column.is_null(self.row)).then(|| column.as_string::<i32>().value(self.row))
    }

    /// The 16 bytes of the content hash, or one of the values reserved for tombstones.
    pub(crate) fn content_hash(&self) -> &'a [u8] {
        self.batch
            .column(CONTENT_HASH)
            .as_fixed_size_binary()
            .value(self.row)
    }

    /// Whether the body produces no rows because of the pipeline (for example `part2 = "drop"`).
    pub(crate) fn is_withdrawn(&self) -> bool {
        self.content_hash() == key_columns::WITHDRAWN
    }

    /// Whether it says that the server no longer has the resource.
    pub(crate) fn is_gone(&self) -> bool {
        self.content_hash() == key_columns::GONE
    }

    /// Whether the resource has no rows.
    pub(crate) fn is_tombstone(&self) -> bool {
        self.is_withdrawn() || self.is_gone()
    }

    /// The position in landing, as run and order; later bodies are greater.
    pub(crate) fn place(&self) -> (&'a str, u64) {
        (self.text(RUN).unwrap_or_default(), self.order())
    }

    /// `meta.lastUpdated` in microseconds.
    pub(crate) fn last_updated(&self) -> Option<i64> {
        let updated = self.batch.column(LAST_UPDATED);
        (!updated.is_null(self.row)).then(|| {
            updated
                .as_primitive::<TimestampMicrosecondType>()
                .value(self.row)
        })
    }

    /// The order of bodies of the same resource: by `meta.lastUpdated` (a missing time is oldest),
    /// then by position in landing.
    pub(crate) fn age(&self) -> (Option<i64>, &'a str, u64) {
        let run = self.text(RUN).unwrap_or_default();
        (self.last_updated(), run, self.order())
    }

    /// The landing order: part and line within the staged run.
    pub(crate) fn order(&self) -> u64 {
        let orders = self.batch.column(ORDER).as_primitive::<UInt64Type>();
        orders.value(self.row)
    }
}

/// The batches of a key file.
///
/// # Errors
///
/// The file cannot be read, or has columns of another version.
pub(crate) fn read(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    let path = path.to_path_buf();
    let reader = FileReader::try_new(BufReader::new(file), None)
        .map_err(|error| LoadError::lake_file(&path, error))?;
    if reader.schema().fields() != key_schema().fields() {
        let reason = format!("the key file is of another version: {OTHER_VERSION}");
        return Err(LoadError::lake(&path, reason));
    }
    Ok(reader.map(move |batch| batch.map_err(|error| LoadError::lake_file(&path, error))))
}

/// Whether a key file has any resource that is in the lake.
pub(crate) fn has_resources(path: &Path) -> Result<bool> {
    for batch in read(path)? {
        let batch = Arc::new(batch?);
        let is_in_lake = |row| !KeyRow { batch: &batch, row }.is_tombstone();
        if (0..batch.num_rows()).any(is_in_lake) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes a key file; rows must come sorted by resource.
pub(crate) struct KeyFile {
    writer: FileWriter<HashingFile>,
    path: PathBuf,
    picked: PickedRows,
    rows: u64,
}

/// The key file's place in a snapshot.
fn key_file() -> String {
    format!("{KEYS_FOLDER}/keys.arrow")
}

impl KeyFile {
    pub(crate) fn create(snapshot: &Path, access: &Access) -> Result<Self> {
        let path = snapshot.join(key_file());
        access.make_folder(&snapshot.join(KEYS_FOLDER))?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(LoadError::arrow("writing the key file"))?;
        let file = HashingFile::new(access.create_file(&path)?);
        let writer = FileWriter::try_new_with_options(file, &key_schema(), options)
            .map_err(LoadError::arrow_file("writing", &path))?;
        Ok(Self {
            writer,
            path,
            picked: PickedRows::default(),
            rows: 0,
        })
    }

    pub(crate) fn push(&mut self, row: KeyRow<'_>) -> Result<()> {
        self.rows += 1;
        self.picked.push(row.batch, row.row);
        if self.picked.rows() >= CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let operation = || LoadError::arrow_file("writing", &self.path);
        match self.picked.take().map_err(operation())? {
            Some(batch) => self.writer.write(&batch).map_err(operation()),
            None => Ok(()),
        }
    }

    /// Ends the file and returns its entry in the manifest.
    pub(crate) fn finish(mut self) -> Result<LakeFile> {
        self.flush()?;
        let operation = || LoadError::arrow_file("writing", &self.path);
        self.writer.finish().map_err(operation())?;
        self.writer.flush().map_err(operation())?;
        let file = self.writer.into_inner().map_err(operation())?;
        let (bytes, sha256) = file
            .finish()
            .map_err(LoadError::io("writing", &self.path))?;
        Ok(LakeFile {
            path: key_file(),
            rows: self.rows,
            bytes,
            sha256,
        })
    }
}
