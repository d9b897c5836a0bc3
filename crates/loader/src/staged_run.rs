//! A complete staged run: its manifest, and batches of its tables.
//!
//! Three programs write staged runs, so three formats are read, chosen by the file name: Arrow IPC
//! files (`.arrow`, from `transform`), Arrow IPC streams with dictionary-encoded text (`.arrows`,
//! from `run`, which loads them at once), and Parquet (`.parquet`, from Spark). Rows come in
//! landing order in all three.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt64Type};
use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_buffer::ScalarBuffer;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, SchemaRef};
use claimlake_columnar::parquet_reader;
use claimlake_contract::{
    KEYS_TABLE, LANDING_ORDER_COLUMN, MANIFEST_FILE, STAGED_FORMAT, StagedFile, StagedManifest,
    StagedTable, hex,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};

use crate::error::{LoadError, Result};
use crate::file_hash::{check_hash, hash_of};
use crate::sums;

/// Rows of Parquet files that are read at once.
const BATCH_ROWS: usize = 1_024;

/// A staged run whose manifest was read and whose files have the sizes it states.
///
/// The files of rows have not been read yet: their checksums are compared by
/// [`StagedRun::batches`].
#[derive(Debug, Clone)]
pub(crate) struct StagedRun {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: StagedManifest,
    /// The files of `_keys`, in landing order.
    keys: Vec<PathBuf>,
    /// SHA-256 of the files of keys, by path, if the run has them.
    sums: Vec<(String, PathBuf)>,
}

impl StagedRun {
    /// Reads the manifest and compares it and the length of every file with what is recorded.
    ///
    /// # Errors
    ///
    /// [`LoadError::Staged`] if the run has no manifest, has another format, or lacks a file.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(MANIFEST_FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(LoadError::staged(
                    folder,
                    "it has no manifest.json: it is not sealed",
                ));
            }
            Err(error) => return Err(LoadError::io("reading", &path)(error)),
        };
        check_format(&path, &text)?;
        let manifest: StagedManifest = serde_json::from_slice(&text).map_err(|error| {
            LoadError::staged(&path, format!("its manifest is broken: {error}"))
        })?;
        for table in &manifest.tables {
            for file in &table.files {
                check_size(folder, file)?;
            }
        }
        let sums: Vec<(String, PathBuf)> = sums::sums(folder)?
            .into_iter()
            .flatten()
            .map(|(sha256, name)| (sha256, folder.join(name)))
            .collect();
        let said = sums.iter().find(|(_, named)| *named == path);
        if said.is_some_and(|(said, _)| *said != hex(&Sha256::digest(&text))) {
            let reason = "its manifest was changed (its checksum differs)";
            return Err(LoadError::staged(&path, reason));
        }
        let listed = manifest
            .tables
            .iter()
            .find(|table| table.layout.name == KEYS_TABLE);
        let keys = match listed {
            Some(table) => table
                .files
                .iter()
                .map(|file| folder.join(&file.file))
                .collect(),
            None => files_in(&folder.join(KEYS_TABLE))?,
        };
        let of_keys = folder.join(KEYS_TABLE);
        let mut named = sums.iter().filter(|(_, named)| named.starts_with(&of_keys));
        if let Some((_, missing)) = named.find(|(_, named)| !keys.contains(named)) {
            return Err(LoadError::staged(missing, "the file is missing"));
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest,
            keys,
            sums,
        })
    }

    /// The rows of the table with this name, if the run has it.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &StagedTable> {
        self.manifest
            .tables
            .iter()
            .filter(|table| table.layout.name != KEYS_TABLE)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&StagedTable> {
        self.tables().find(|table| table.layout.name == name)
    }

    /// The columns of a table without the landing order; `None` if no file shows them.
    pub(crate) fn schema(&self, table: &StagedTable) -> Result<Option<SchemaRef>> {
        let Some(file) = table.files.first() else {
            return Ok(None);
        };
        let path = self.folder.join(&file.file);
        let schema = match open(&path, None)? {
            Reader::Ipc(reader) => reader.schema(),
            Reader::Stream(reader) => reader.schema(),
            Reader::Parquet(reader) => reader.schema(),
        };
        let is_last = schema
            .fields()
            .last()
            .is_some_and(|field| field.name() == LANDING_ORDER_COLUMN);
        if !is_last {
            let reason = format!("its last column is not {LANDING_ORDER_COLUMN}");
            return Err(LoadError::staged(&path, reason));
        }
        Ok(Some(schema))
    }

    /// The batches of `_keys`, in landing order.
    ///
    /// Files that are listed in `SHA256SUMS` are compared with it before they are read; an error
    /// ends the batches of that file.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Result<RecordBatch>> + '_ {
        self.keys.iter().flat_map(|path| {
            let said = self.sums.iter().find(|(_, named)| named == path);
            let checked = said.map_or(Ok(()), |(sha256, _)| match hash_of(path)? == *sha256 {
                true => Ok(()),
                false => Err(LoadError::staged(path, "its checksum differs")),
            });
            match checked {
                Ok(()) => batches(path, None),
                Err(error) => Box::new(std::iter::once(Err(error))) as Batches,
            }
        })
    }

    /// The batches of a table, in landing order; only the columns of `projection` where given.
    pub(crate) fn batches<'a>(
        &'a self,
        table: &'a StagedTable,
        projection: Option<&'a [usize]>,
        checksums: Checksums,
    ) -> impl Iterator<Item = Result<RecordBatch>> + 'a {
        table.files.iter().flat_map(move |file| {
            let path = self.folder.join(&file.file);
            let checked = match checksums {
                Checksums::Compare => check_hash(&path, file),
                Checksums::Trust => Ok(()),
            };
            match checked {
                Ok(()) => batches(&path, projection),
                Err(error) => Box::new(std::iter::once(Err(error))) as Batches,
            }
        })
    }
}

/// The landing order of each row; Spark has no unsigned numbers and writes signed ones.
///
/// The numbers are never negative, so the two have the same bits. `None` if the column is missing
/// or of another type.
pub(crate) fn landing_orders(batch: &RecordBatch) -> Option<ScalarBuffer<u64>> {
    let column = batch.column_by_name(LANDING_ORDER_COLUMN)?;
    match column.as_primitive_opt::<UInt64Type>() {
        Some(orders) => Some(orders.values().clone()),
        None => {
            let signed = column.as_primitive_opt::<Int64Type>()?;
            Some(ScalarBuffer::from(signed.values().inner().clone()))
        }
    }
}

/// Whether a file's checksum is compared before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksums {
    /// Read the file once to hash it, then again for its rows.
    Compare,
    /// Skip the comparison: the same load compares the file elsewhere, or the caller has asked for
    /// it (`check_staged`).
    Trust,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

/// The format is looked at first: the manifest of another version may have other keys.
fn check_format(path: &Path, text: &[u8]) -> Result<()> {
    /// The one key that manifests of every version have.
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let Format { format } = serde_json::from_slice(text)
        .map_err(|error| LoadError::staged(path, format!("its manifest is broken: {error}")))?;
    if format == STAGED_FORMAT {
        return Ok(());
    }
    let reason = format!(
        "it has format {format}, and this version of claimlake reads {STAGED_FORMAT}: load it with \
         the claimlake that wrote it, or remove its folder"
    );
    Err(LoadError::staged(path, reason))
}

/// The length is enough to notice a write that was interrupted; the content is compared when the
/// file is read.
fn check_size(folder: &Path, file: &StagedFile) -> Result<()> {
    let path = folder.join(&file.file);
    match std::fs::metadata(&path) {
        Ok(found) if found.len() == file.bytes => Ok(()),
        Ok(found) => {
            let reason = format!("it has {} bytes instead of {}", found.len(), file.bytes);
            Err(LoadError::staged(&path, reason))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(LoadError::staged(&path, "the file is missing"))
        }
        Err(error) => Err(LoadError::io("reading", &path)(error)),
    }
}

/// The files of a table that the manifest does not list, by number or else by name.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::staged(folder, "the table of keys is missing"));
        }
        Err(error) => return Err(LoadError::io("listing", folder)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(LoadError::io("listing", folder))?.path();
        let is_staged = path.extension().is_some_and(|ending| {
            ["arrow", "arrows", "parquet"]
                .iter()
                .any(|known| ending == *known)
        });
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let number = stem.and_then(|stem| stem.parse::<u64>().ok());
        if is_staged {
            files.push((number, path));
        }
    }
    files.sort();
    // Each transform writes at least one. Without this, a run of which they are gone would bring
    // nothing, and count as loaded.
    let numbers = files.iter().filter_map(|(number, _)| *number);
    if files.is_empty() || numbers.zip(0..).any(|(number, place)| number != place) {
        return Err(LoadError::staged(
            folder,
            "a file of the table of keys is missing",
        ));
    }
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// A staged file that is being read: Arrow IPC as `transform` writes it, streams of it as `run`
/// does, or Parquet as Spark does.
enum Reader {
    Ipc(FileReader<BufReader<File>>),
    Stream(StreamReader<BufReader<File>>),
    Parquet(ParquetRecordBatchReader),
}

/// The batches of one file. An error to open it is the first and only item.
fn batches(path: &Path, projection: Option<&[usize]>) -> Batches {
    let broken = {
        let path = path.to_path_buf();
        move |error: ArrowError| LoadError::staged_file(&path, error)
    };
    match open(path, projection) {
        Ok(Reader::Ipc(reader)) => Box::new(reader.map(move |batch| batch.map_err(&broken))),
        Ok(Reader::Stream(reader)) => Box::new(reader.map(move |batch| batch.map_err(&broken))),
        Ok(Reader::Parquet(reader)) => Box::new(reader.map(move |batch| batch.map_err(&broken))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// Opens a file by its extension. `projection` holds indices of root columns; the result has them
/// in the order of the file.
fn open(path: &Path, projection: Option<&[usize]>) -> Result<Reader> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    let broken = |error: ArrowError| LoadError::staged_file(path, error);
    let has_ending = |ending: &str| path.extension().is_some_and(|found| found == ending);
    if has_ending("arrows") {
        return StreamReader::try_new(BufReader::new(file), projection.map(<[usize]>::to_vec))
            .map(Reader::Stream)
            .map_err(broken);
    }
    if has_ending("parquet") {
        let broken =
            |error: ParquetError| LoadError::staged(path, format!("it is broken: {error}"));
        let builder = parquet_reader(file, BATCH_ROWS).map_err(broken)?;
        let mask = match projection {
            None => ProjectionMask::all(),
            Some(columns) => {
                ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied())
            }
        };
        return builder
            .with_projection(mask)
            .build()
            .map(Reader::Parquet)
            .map_err(broken);
    }
    FileReader::try_new(BufReader::new(file), projection.map(<[usize]>::to_vec))
        .map(Reader::Ipc)
        .map_err(broken)
}
