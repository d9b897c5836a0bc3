//! What a rule of what is current needs to know of each resource, and how that is kept.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::FileReader;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use claimlake_contract::LakeFile;
use sha2::{Digest, Sha256};

use crate::encode::parquet_file::HashingFile;
use crate::error::{LoadError, Result};
use crate::merge::resource_key::ResourceKey;
use crate::merge::row_owners::KEYS_FOLDER;
use crate::place::hive_path::value_text;
use crate::publish::access::Access;
use crate::publish::manifest::OTHER_VERSION;
use crate::request::{CurrentCase, CurrentRule};
use crate::sort::span::resource_column;

/// One resource in the eyes of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) table: String,
    pub(crate) resource: ResourceKey,
    /// What versions of one claim agree in; none: it has no other versions.
    pub(crate) group: Option<ResourceKey>,
    /// What orders versions: greater bytes are newer.
    pub(crate) order: Vec<u8>,
    /// Whether it could be current by itself; none: no case of the rule fits.
    pub(crate) holds: Option<bool>,
    /// What was found.
    pub(crate) current: Option<bool>,
}

/// The columns a rule reads.
pub(crate) fn columns_of(rule: &CurrentRule) -> HashSet<&str> {
    rule.cases
        .iter()
        .flat_map(|case| {
            let conditions = case.when.keys().chain(case.current_if.keys());
            conditions.chain(&case.group_by).chain(&case.newest_by)
        })
        .map(String::as_str)
        .collect()
}

/// A row of the rule's table as a candidate.
pub(crate) fn candidate(
    rule: &CurrentRule,
    batch: &RecordBatch,
    row: usize,
    resource: ResourceKey,
) -> Result<Candidate> {
    let mut candidate = Candidate {
        table: rule.table.clone(),
        resource,
        group: None,
        order: Vec::new(),
        holds: None,
        current: None,
    };
    for (number, case) in rule.cases.iter().enumerate() {
        if !agrees(rule, batch, row, &case.when)? {
            continue;
        }
        candidate.holds = Some(agrees(rule, batch, row, &case.current_if)?);
        candidate.group = group(rule, number, case, batch, row)?;
        for name in &case.newest_by {
            push_ordered(&mut candidate.order, rule, column(rule, batch, name)?, row)?;
        }
        break;
    }
    Ok(candidate)
}

fn column<'a>(rule: &CurrentRule, batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| LoadError::Layout {
        table: rule.table.clone(),
        reason: format!("[[current]] names column '{name}', which the table does not have"),
    })
}

fn agrees(
    rule: &CurrentRule,
    batch: &RecordBatch,
    row: usize,
    conditions: &std::collections::BTreeMap<String, Vec<String>>,
) -> Result<bool> {
    for (name, values) in conditions {
        let text = value_text(column(rule, batch, name)?, row);
        if !text.is_some_and(|text| values.contains(&text)) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn group(
    rule: &CurrentRule,
    number: usize,
    case: &CurrentCase,
    batch: &RecordBatch,
    row: usize,
) -> Result<Option<ResourceKey>> {
    if case.group_by.is_empty() {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    hash.update(&rule.table);
    hash.update([0]);
    hash.update((number as u64).to_le_bytes());
    for name in &case.group_by {
        let Some(text) = value_text(column(rule, batch, name)?, row) else {
            return Ok(None);
        };
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    Ok(Some(ResourceKey::from_bytes(&hash.finalize()[..16])))
}

/// Appends the value so that bytes sort as values do, null before everything.
fn push_ordered(
    bytes: &mut Vec<u8>,
    rule: &CurrentRule,
    array: &ArrayRef,
    row: usize,
) -> Result<()> {
    if array.is_null(row) {
        bytes.push(0);
        return Ok(());
    }
    bytes.push(1);
    let number = match array.data_type() {
        DataType::Utf8 => {
            for byte in array.as_string::<i32>().value(row).bytes() {
                // A zero ends the text, so one within is made longer.
                bytes.extend(if byte == 0 {
                    &[0, 1][..]
                } else {
                    std::slice::from_ref(&byte)
                });
            }
            bytes.extend([0, 0]);
            return Ok(());
        }
        DataType::Int32 => i64::from(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row),
        DataType::Date32 => i64::from(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row)
        }
        other => {
            return Err(LoadError::Layout {
                table: rule.table.clone(),
                reason: format!("[[current]] newest_by cannot order a column of type {other}"),
            });
        }
    };
    bytes.extend((number ^ i64::MIN).to_be_bytes());
    Ok(())
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("_table", DataType::Utf8, false),
        Field::new("_resource", DataType::FixedSizeBinary(16), false),
        Field::new("_group", DataType::FixedSizeBinary(16), true),
        Field::new("_order", DataType::Binary, false),
        Field::new("_holds", DataType::Boolean, true),
        Field::new("_current", DataType::Boolean, true),
    ]))
}

/// The file of candidates that is being written.
pub(crate) struct CandidateFile {
    path: std::path::PathBuf,
    writer: FileWriter<HashingFile>,
    pending: Vec<Candidate>,
    rows: u64,
}

const CHUNK_ROWS: usize = 8_192;

/// The file's place in a snapshot.
fn file_name() -> String {
    format!("{KEYS_FOLDER}/current.arrow")
}

impl CandidateFile {
    pub(crate) fn create(snapshot: &Path, access: &Access) -> Result<Self> {
        let path = snapshot.join(file_name());
        access.make_folder(&snapshot.join(KEYS_FOLDER))?;
        let options = IpcWriteOptions::default()
            .try_with_compression(Some(CompressionType::LZ4_FRAME))
            .map_err(LoadError::arrow("writing what is current"))?;
        let file = HashingFile::new(access.create_file(&path)?);
        let writer = FileWriter::try_new_with_options(file, &schema(), options)
            .map_err(LoadError::arrow("writing what is current"))?;
        Ok(Self {
            path,
            writer,
            pending: Vec::new(),
            rows: 0,
        })
    }

    pub(crate) fn push(&mut self, candidate: Candidate) -> Result<()> {
        self.rows += 1;
        self.pending.push(candidate);
        if self.pending.len() == CHUNK_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.pending);
        let doing = || LoadError::arrow("writing what is current");
        let groups = rows.iter().map(|row| row.group.map(ResourceKey::to_bytes));
        let groups = FixedSizeBinaryArray::try_from_sparse_iter_with_size(groups, 16);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|row| &row.table),
            )),
            Arc::new(resource_column(rows.iter().map(|row| row.resource))?),
            Arc::new(groups.map_err(doing())?),
            Arc::new(BinaryArray::from_iter_values(
                rows.iter().map(|row| &row.order),
            )),
            Arc::new(rows.iter().map(|row| row.holds).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.current).collect::<BooleanArray>()),
        ];
        RecordBatch::try_new(schema(), columns)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(doing())
    }

    pub(crate) fn finish(mut self) -> Result<LakeFile> {
        if !self.pending.is_empty() {
            self.flush()?;
        }
        let doing = || LoadError::arrow("writing what is current");
        self.writer.finish().map_err(doing())?;
        let mut file = self.writer.into_inner().map_err(doing())?;
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

/// The candidates of a snapshot.
pub(crate) fn read(path: &Path) -> Result<impl Iterator<Item = Result<Candidate>> + use<>> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    let broken = {
        let path = path.to_path_buf();
        move |error: arrow_schema::ArrowError| {
            LoadError::lake(&path, format!("it is broken: {error}"))
        }
    };
    let reader = FileReader::try_new(BufReader::new(file), None).map_err(&broken)?;
    if reader.schema().fields() != schema().fields() {
        let reason = format!("it is of another version: {OTHER_VERSION}");
        return Err(LoadError::lake(path, reason));
    }
    Ok(reader.flat_map(move |batch| match batch {
        Ok(batch) => {
            let rows: Vec<_> = (0..batch.num_rows())
                .map(|row| Ok(candidate_at(&batch, row)))
                .collect();
            rows
        }
        Err(error) => vec![Err(broken(error))],
    }))
}

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
        table: batch.column(0).as_string::<i32>().value(row).to_owned(),
        resource: key(1).unwrap_or_default(),
        group: key(2),
        order: batch.column(3).as_binary::<i32>().value(row).to_vec(),
        holds: flag(4),
        current: flag(5),
    }
}
