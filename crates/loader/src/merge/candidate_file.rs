//! Candidates on disk: the file `keys/current.arrow` of a snapshot, sorted by group, and the
//! candidates of the staged runs while they are being sorted. There are as many as resources, so
//! they are never all in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray,
    UInt8Array, UInt32Array, UInt64Array,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use claimlake_contract::{LakeFile, hex};
use sha2::{Digest, Sha256};

use crate::current_rule::CurrentRule;
use crate::error::{LoadError, Result};
use crate::merge::candidate::{Candidate, RowStatus};
use crate::publish::access::Access;
use crate::publish::manifest::OTHER_VERSION;
use crate::row_owners::KEYS_FOLDER;
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::encode::parquet_file::HashingFile;
use claimlake_columnar::sort::batch_sorter::BatchSorter;
use claimlake_columnar::sort::span_maker::resource_column;

/// The metadata key for the hash of the rules by which the candidates were made. Candidates of
/// other rules, or of earlier versions without the hash, cannot be compared with new ones.
const RULES: &str = "claimlake.rules";

/// Part of the rules' hash. It must change when the meaning of the columns changes, so that old
/// files are not compared with new candidates.
const STATUS_VERSION: &[u8] = b"status 1\n";

/// The hash of what the rules decide by, as files have it.
pub(crate) fn rules_hash(rules: &[CurrentRule]) -> Result<String> {
    let rules: Vec<CurrentRule> = rules.iter().map(CurrentRule::decision).collect();
    let text = serde_json::to_vec(&rules)
        .map_err(|error| LoadError::Request(format!("the rule of what is current: {error}")))?;
    let mut hash = Sha256::new();
    hash.update(STATUS_VERSION);
    hash.update(text);
    Ok(hex(&hash.finalize()))
}

/// The number of candidates in a record batch.
const CHUNK_ROWS: usize = 1_024;

/// The subfolder of the spill folder for sorting candidates; no table has this name.
const FOLDER: &str = "_current";

/// Positions of the columns. The last three exist only while candidates are sorted.
const TABLE: usize = 0;
const RESOURCE: usize = 1;
const GROUP: usize = 2;
const ORDER: usize = 3;
const STATUS: usize = 4;
const CURRENT: usize = 5;
const RUN: usize = 6;
const DECISION: usize = 7;
const DIFFERS: usize = 8;

/// Where the row of a candidate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Staged(StagedPlace),
    Lake,
}

/// In the staged run at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StagedPlace {
    pub(crate) run: usize,
    /// The number of its decision among those of the run.
    pub(crate) decision: usize,
    /// Whether it is new or differs from what the lake holds.
    pub(crate) differs: bool,
}

/// The columns of a snapshot's file.
fn fields() -> Vec<Field> {
    vec![
        Field::new("_table", DataType::Utf8, false),
        Field::new("_resource", DataType::FixedSizeBinary(16), false),
        Field::new("_group", DataType::FixedSizeBinary(16), true),
        Field::new("_order", DataType::Binary, false),
        Field::new("_status", DataType::UInt8, false),
        Field::new("_current", DataType::Boolean, true),
    ]
}

/// The schema of a snapshot's file, with the hash of the rules in its metadata.
fn file_schema(rules: &str) -> SchemaRef {
    let rules = HashMap::from([(RULES.to_owned(), rules.to_owned())]);
    Arc::new(Schema::new_with_metadata(fields(), rules))
}

/// The columns while sorting: those of the file, and where the row is (null for rows of the lake).
fn sorter_schema() -> SchemaRef {
    let mut fields = fields();
    fields.push(Field::new("_run", DataType::UInt32, true));
    fields.push(Field::new("_verdict", DataType::UInt64, true));
    fields.push(Field::new("_differs", DataType::Boolean, true));
    Arc::new(Schema::new(fields))
}

/// The columns of these candidates, including those that are only for sorting.
fn columns_of(rows: &[(Candidate, Origin)]) -> Result<Vec<ArrayRef>> {
    let candidates = || rows.iter().map(|(candidate, _)| candidate);
    let groups = candidates().map(|row| row.group.map(ResourceKey::to_bytes));
    let groups = FixedSizeBinaryArray::try_from_sparse_iter_with_size(groups, 16)
        .map_err(LoadError::arrow("writing what is current"))?;
    let staged = || {
        rows.iter().map(|(_, origin)| match origin {
            Origin::Staged(place) => Some(*place),
            Origin::Lake => None,
        })
    };
    Ok(vec![
        Arc::new(StringArray::from_iter_values(
            candidates().map(|row| &row.table),
        )),
        Arc::new(resource_column(candidates().map(|row| row.resource))?),
        Arc::new(groups),
        Arc::new(BinaryArray::from_iter_values(
            candidates().map(|row| &row.order),
        )),
        Arc::new(UInt8Array::from_iter_values(
            candidates().map(|row| row.status.to_bits()),
        )),
        Arc::new(
            candidates()
                .map(|row| row.current)
                .collect::<BooleanArray>(),
        ),
        Arc::new(
            staged()
                .map(|place| place.map(|place| place.run as u32))
                .collect::<UInt32Array>(),
        ),
        Arc::new(
            staged()
                .map(|place| place.map(|place| place.decision as u64))
                .collect::<UInt64Array>(),
        ),
        Arc::new(
            staged()
                .map(|place| place.map(|place| place.differs))
                .collect::<BooleanArray>(),
        ),
    ])
}

/// The candidate in a row. A file of an earlier version has another type in the status column; its
/// candidates are then only good for what was current.
fn candidate_at(batch: &RecordBatch, row: usize) -> Candidate {
    let key = |column: usize| {
        let column = batch.column(column);
        (!column.is_null(row))
            .then(|| ResourceKey::from_bytes(column.as_fixed_size_binary().value(row)))
    };
    let flag = |column: usize| {
        let column = batch.column(column).as_boolean();
        (!column.is_null(row)).then(|| column.value(row))
    };
    Candidate {
        table: batch.column(TABLE).as_string::<i32>().value(row).to_owned(),
        resource: key(RESOURCE).unwrap_or_default(),
        group: key(GROUP),
        order: batch.column(ORDER).as_binary::<i32>().value(row).to_vec(),
        // A file of a former version has another column here.
        status: batch
            .column(STATUS)
            .as_primitive_opt::<UInt8Type>()
            .map_or_else(RowStatus::default, |bits| {
                RowStatus::from_bits(bits.value(row))
            }),
        current: flag(CURRENT),
    }
}

/// Where the row of a sorted candidate is.
fn origin_at(batch: &RecordBatch, row: usize) -> Origin {
    let (runs, decisions) = (batch.column(RUN), batch.column(DECISION));
    match runs.is_null(row) {
        true => Origin::Lake,
        false => Origin::Staged(StagedPlace {
            run: runs.as_primitive::<UInt32Type>().value(row) as usize,
            decision: decisions.as_primitive::<UInt64Type>().value(row) as usize,
            differs: batch.column(DIFFERS).as_boolean().value(row),
        }),
    }
}

/// Writes the file of a snapshot; candidates must come sorted by group.
pub(crate) struct CandidateFile {
    path: PathBuf,
    schema: SchemaRef,
    writer: FileWriter<HashingFile>,
    pending: Vec<(Candidate, Origin)>,
    rows: u64,
}

/// The file's place in a snapshot.
fn file_name() -> String {
    format!("{KEYS_FOLDER}/current.arrow")
}

impl CandidateFile {
    /// A file of a snapshot, whose candidates are made by rules with this hash.
    pub(crate) fn create(snapshot: &Path, rules: &str, access: &Access) -> Result<Self> {
        let path = snapshot.join(file_name());
        access.make_folder(&snapshot.join(KEYS_FOLDER))?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(LoadError::arrow("writing what is current"))?;
        let file = HashingFile::new(access.create_file(&path)?);
        let schema = file_schema(rules);
        let writer = FileWriter::try_new_with_options(file, &schema, options)
            .map_err(LoadError::arrow_file("writing", &path))?;
        Ok(Self {
            path,
            schema,
            writer,
            pending: Vec::new(),
            rows: 0,
        })
    }

    pub(crate) fn push(&mut self, candidate: Candidate) -> Result<()> {
        self.rows += 1;
        self.pending.push((candidate, Origin::Lake));
        if self.pending.len() == CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let mut columns = columns_of(&std::mem::take(&mut self.pending))?;
        columns.truncate(RUN);
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(LoadError::arrow_file("writing", &self.path))
    }

    /// Ends the file and returns its entry in the manifest.
    pub(crate) fn finish(mut self) -> Result<LakeFile> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let operation = || LoadError::arrow_file("writing", &self.path);
        self.writer.finish().map_err(operation())?;
        let mut file = self.writer.into_inner().map_err(operation())?;
        file.flush().map_err(LoadError::io("writing", &self.path))?;
        let (bytes, sha256) = file
            .finish()
            .map_err(LoadError::io("writing", &self.path))?;
        Ok(LakeFile {
            path: file_name(),
            rows: self.rows,
            bytes,
            sha256,
        })
    }
}

/// Reads the file of a published snapshot.
pub(crate) struct KnownCandidates {
    path: PathBuf,
    reader: FileReader<BufReader<File>>,
}

impl KnownCandidates {
    /// Opens the file and checks its columns.
    ///
    /// # Errors
    ///
    /// [`LoadError::Lake`] if the file is of another version or cannot be read.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(LoadError::io("opening", path))?;
        let reader = FileReader::try_new(BufReader::new(file), None).map_err(broken(path))?;
        let schema = reader.schema();
        let is_known = schema.fields().len() == RUN
            && schema
                .fields()
                .iter()
                .zip(fields())
                .enumerate()
                .all(|(column, (found, field))| column == STATUS || **found == field);
        if !is_known {
            let reason = format!("it is of another version: {OTHER_VERSION}");
            return Err(LoadError::lake(path, reason));
        }
        Ok(Self {
            path: path.to_path_buf(),
            reader,
        })
    }

    /// Whether they were made by rules with this hash, and are therefore sorted by the same groups.
    /// Otherwise only their decisions are of use.
    pub(crate) fn are_of(&self, rules: &str) -> bool {
        let schema = self.reader.schema();
        schema.metadata().get(RULES).is_some_and(|of| of == rules)
    }
}

impl IntoIterator for KnownCandidates {
    type Item = Result<Candidate>;
    type IntoIter = Box<dyn Iterator<Item = Self::Item>>;

    fn into_iter(self) -> Self::IntoIter {
        let Self { path, reader } = self;
        Box::new(reader.flat_map(move |batch| {
            match batch {
                Ok(batch) => (0..batch.num_rows())
                    .map(|row| Ok(candidate_at(&batch, row)))
                    .collect(),
                Err(error) => vec![Err(broken(&path)(error))],
            }
        }))
    }
}

/// The error for a file that cannot be read.
fn broken(path: &Path) -> impl Fn(ArrowError) -> LoadError {
    move |error| LoadError::lake_file(path, error)
}

/// Sorts the candidates of staged runs by group, then by order, on disk if necessary.
pub(crate) struct CandidateSorter {
    sorter: BatchSorter,
    schema: SchemaRef,
    pending: Vec<(Candidate, Origin)>,
}

impl CandidateSorter {
    /// Sorts in `spill`, holding about `budget` bytes.
    pub(crate) fn new(spill: &Path, budget: usize) -> Result<Self> {
        let schema = sorter_schema();
        let sort = vec![GROUP, ORDER, RESOURCE];
        let folder = spill.join(FOLDER);
        Ok(Self {
            sorter: BatchSorter::new("what is current", &schema, sort, budget, folder)?,
            schema,
            pending: Vec::new(),
        })
    }

    pub(crate) fn push(&mut self, candidate: Candidate, origin: Origin) -> Result<()> {
        self.pending.push((candidate, origin));
        if self.pending.len() == CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let columns = columns_of(&std::mem::take(&mut self.pending))?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(LoadError::arrow("sorting what is current"))?;
        Ok(self.sorter.push(&batch)?)
    }

    /// The candidates, those without a group first.
    pub(crate) fn finish(mut self) -> Result<impl Iterator<Item = Result<(Candidate, Origin)>>> {
        self.flush()?;
        let sorted = self.sorter.finish()?;
        Ok(sorted.flat_map(|batch| match batch {
            Ok(batch) => (0..batch.num_rows())
                .map(|row| Ok((candidate_at(&batch, row), origin_at(&batch, row))))
                .collect(),
            Err(error) => vec![Err(error.into())],
        }))
    }
}
