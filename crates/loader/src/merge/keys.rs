//! The keys of the lake against those of the staged runs: which bodies are new, changed, the
//! same, superseded. The newest body of a resource wins: by `meta.lastUpdated`, then as landed.

use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::{LakeFile, RunId, key_columns};

use crate::encode::parquet_file::HashingFile;
use crate::error::{LoadError, Result};
use crate::merge::resource_key::ResourceKey;
use crate::merge::row_owners::KEYS_FOLDER;
use crate::merge::verdict::{Verdict, Verdicts};
use crate::publish::access::Access;
use crate::sort::gather::{Piece, gather};
use crate::sort::span::resource_column;
use crate::staged_run::StagedRun;

/// The staged run a key's body came with.
const STAGED_RUN: &str = "_staged_run";

const RESOURCE: usize = 0;
const LAST_UPDATED: usize = 4;
const CONTENT_HASH: usize = 5;
const RUN: usize = 7;
const ORDER: usize = 8;

/// Rows of the key file that are put together at once.
const CHUNK_ROWS: usize = 8_192;

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
    pub(crate) fn resource(&self) -> ResourceKey {
        ResourceKey::from_bytes(
            self.batch
                .column(RESOURCE)
                .as_fixed_size_binary()
                .value(self.row),
        )
    }

    pub(crate) fn text(&self, column: usize) -> Option<&'a str> {
        let column = self.batch.column(column);
        (!column.is_null(self.row)).then(|| column.as_string::<i32>().value(self.row))
    }

    pub(crate) fn content_hash(&self) -> &'a [u8] {
        self.batch
            .column(CONTENT_HASH)
            .as_fixed_size_binary()
            .value(self.row)
    }

    /// What makes a body newer than another of the same resource.
    fn age(&self) -> (Option<i64>, &'a str, u64) {
        let updated = self.batch.column(LAST_UPDATED);
        let updated = (!updated.is_null(self.row)).then(|| {
            updated
                .as_primitive::<TimestampMicrosecondType>()
                .value(self.row)
        });
        let order = self
            .batch
            .column(ORDER)
            .as_primitive::<UInt64Type>()
            .value(self.row);
        (updated, self.text(RUN).unwrap_or_default(), order)
    }

    fn order(&self) -> u64 {
        self.age().2
    }
}

/// What happened to a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyChange<'a> {
    New(KeyRow<'a>),
    Changed {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
    },
    Dropped(KeyRow<'a>),
}

/// The lake's keys merged with the staged ones.
#[derive(Debug, Default)]
pub(crate) struct MergedKeys {
    /// The verdicts of each staged run.
    pub(crate) verdicts: Vec<Verdicts>,
    /// Resources whose rows in the lake are out of date or gone.
    pub(crate) outdated: HashSet<ResourceKey>,
    pub(crate) new: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) superseded: u64,
    /// Resources of the lake that a full staged run lacks, or has only an older body of.
    pub(crate) absent: u64,
    /// Resources of the lake that a full staged run lacks.
    pub(crate) dropped: u64,
    /// The key file, relative to the snapshot.
    pub(crate) file: Option<LakeFile>,
}

/// Where keys are read and written.
#[derive(Debug)]
pub(crate) struct KeyPlan<'a> {
    pub(crate) staged: &'a [StagedRun],
    /// The key file of the snapshot before.
    pub(crate) before: Option<PathBuf>,
    /// The snapshot that is being built.
    pub(crate) snapshot: &'a Path,
    pub(crate) access: Access,
    /// Whether the staged runs hold all of landing.
    pub(crate) full: bool,
}

/// Merges, writes the new key file, tells of each change.
pub(crate) fn merge(
    plan: &KeyPlan<'_>,
    mut tell: impl FnMut(KeyChange<'_>) -> Result<()>,
) -> Result<MergedKeys> {
    let staged = staged_keys(plan.staged)?;
    let mut newest = order_of(&staged);
    let mut merged = MergedKeys::default();
    let mut verdicts: Vec<Vec<Verdict>> = plan.staged.iter().map(|_| Vec::new()).collect();
    // All but the last of a resource's bodies are superseded within the staged runs themselves.
    let mut kept = 0;
    for index in 0..newest.len() {
        let row = newest[index].row(&staged);
        let is_newest = newest
            .get(index + 1)
            .is_none_or(|next| next.row(&staged).resource() != row.resource());
        if is_newest {
            newest[kept] = newest[index];
            kept += 1;
        } else {
            merged.superseded += 1;
        }
    }
    newest.truncate(kept);

    let mut output = KeyFile::create(plan)?;
    let mut next = newest
        .iter()
        .map(|entry| (entry, entry.row(&staged)))
        .peekable();
    let verdict = |row: KeyRow<'_>, differs| Verdict {
        order: row.order(),
        resource: row.resource(),
        differs,
        current: None,
    };
    if let Some(before) = &plan.before {
        for batch in read(before)? {
            let batch = Arc::new(batch?);
            for row in 0..batch.num_rows() {
                let before = KeyRow { batch: &batch, row };
                while let Some((entry, row)) =
                    next.next_if(|(_, row)| row.resource() < before.resource())
                {
                    merged.new += 1;
                    tell(KeyChange::New(row))?;
                    verdicts[entry.run].push(verdict(row, true));
                    output.push(row)?;
                }
                let same = next.next_if(|(_, row)| row.resource() == before.resource());
                let Some((entry, after)) = same else {
                    if plan.full {
                        merged.absent += 1;
                        merged.dropped += 1;
                        merged.outdated.insert(before.resource());
                        tell(KeyChange::Dropped(before))?;
                    } else {
                        output.push(before)?;
                    }
                    continue;
                };
                let is_same = before.content_hash() == after.content_hash();
                let is_newer = after.age() > before.age();
                if is_same {
                    merged.unchanged += 1;
                    verdicts[entry.run].push(verdict(after, false));
                    output.push(before)?;
                } else if is_newer || plan.full {
                    merged.absent += u64::from(!is_newer);
                    merged.changed += 1;
                    merged.outdated.insert(before.resource());
                    tell(KeyChange::Changed { before, after })?;
                    verdicts[entry.run].push(verdict(after, true));
                    output.push(after)?;
                } else {
                    merged.superseded += 1;
                    output.push(before)?;
                }
            }
            output.flush()?;
        }
    }
    for (entry, row) in next {
        merged.new += 1;
        tell(KeyChange::New(row))?;
        verdicts[entry.run].push(verdict(row, true));
        output.push(row)?;
    }
    merged.file = Some(output.finish()?);
    merged.verdicts = verdicts.into_iter().map(Verdicts::new).collect();
    Ok(merged)
}

/// A staged key: batch and row.
#[derive(Debug, Clone, Copy)]
struct Entry {
    run: usize,
    batch: usize,
    row: usize,
}

impl Entry {
    fn row<'a>(&self, batches: &'a [(usize, Arc<RecordBatch>)]) -> KeyRow<'a> {
        KeyRow {
            batch: &batches[self.batch].1,
            row: self.row,
        }
    }
}

/// Staged keys by resource, the newest of each last.
fn order_of(batches: &[(usize, Arc<RecordBatch>)]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (number, (run, batch)) in batches.iter().enumerate() {
        entries.extend((0..batch.num_rows()).map(|row| Entry {
            run: *run,
            batch: number,
            row,
        }));
    }
    entries.sort_by(|left, right| {
        let (left, right) = (left.row(batches), right.row(batches));
        left.resource()
            .cmp(&right.resource())
            .then_with(|| left.age().cmp(&right.age()))
    });
    entries
}

/// The staged keys with the columns of the key file, each batch with the number of its run.
fn staged_keys(staged: &[StagedRun]) -> Result<Vec<(usize, Arc<RecordBatch>)>> {
    let mut batches = Vec::new();
    for (number, run) in staged.iter().enumerate() {
        for batch in run.keys() {
            batches.push((number, Arc::new(as_key_file(&batch?, run)?)));
        }
    }
    Ok(batches)
}

fn as_key_file(batch: &RecordBatch, run: &StagedRun) -> Result<RecordBatch> {
    let schema = key_schema();
    let column = |name: &str| -> Result<ArrayRef> {
        let expected = schema.field_with_name(name).map(Field::data_type).ok();
        batch
            .column_by_name(name)
            .filter(|column| Some(column.data_type()) == expected)
            .cloned()
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

/// The batches of a key file.
pub(crate) fn read(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>> + use<>> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    let path = path.to_path_buf();
    let reader = FileReader::try_new(BufReader::new(file), None)
        .map_err(|error| LoadError::lake(&path, format!("the key file is broken: {error}")))?;
    if reader.schema().fields() != key_schema().fields() {
        return Err(LoadError::lake(&path, "the key file is of another version"));
    }
    Ok(reader.map(move |batch| {
        batch.map_err(|error| LoadError::lake(&path, format!("the key file is broken: {error}")))
    }))
}

/// The key file that is being written.
struct KeyFile {
    writer: FileWriter<HashingFile>,
    path: PathBuf,
    pending: Vec<(Arc<RecordBatch>, usize, usize)>,
    rows: u64,
}

/// The key file's place in a snapshot.
pub(crate) fn key_file() -> String {
    format!("{KEYS_FOLDER}/keys.arrow")
}

impl KeyFile {
    fn create(plan: &KeyPlan<'_>) -> Result<Self> {
        let path = plan.snapshot.join(key_file());
        plan.access.make_folder(&plan.snapshot.join(KEYS_FOLDER))?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(LoadError::arrow("writing the key file"))?;
        let file = HashingFile::new(plan.access.create_file(&path)?);
        let writer = FileWriter::try_new_with_options(file, &key_schema(), options)
            .map_err(LoadError::arrow("writing the key file"))?;
        Ok(Self {
            writer,
            path,
            pending: Vec::new(),
            rows: 0,
        })
    }

    fn push(&mut self, row: KeyRow<'_>) -> Result<()> {
        self.rows += 1;
        match self.pending.last_mut() {
            Some((batch, start, len))
                if *start + *len == row.row && Arc::ptr_eq(batch, row.batch) =>
            {
                *len += 1;
            }
            _ => self.pending.push((row.batch.clone(), row.row, 1)),
        }
        if self.pending.len() >= CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let pieces: Vec<Piece<'_>> = self
            .pending
            .iter()
            .map(|(batch, start, len)| Piece {
                batch: batch.as_ref(),
                start: *start,
                len: *len,
            })
            .collect();
        let batch = gather(&key_schema(), &pieces)?;
        self.pending.clear();
        self.writer
            .write(&batch)
            .map_err(LoadError::arrow("writing the key file"))
    }

    fn finish(mut self) -> Result<LakeFile> {
        self.flush()?;
        let doing = || LoadError::arrow("writing the key file");
        self.writer.finish().map_err(doing())?;
        self.writer.flush().map_err(doing())?;
        let file = self.writer.into_inner().map_err(doing())?;
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
