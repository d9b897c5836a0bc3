//! A sealed staged run: its manifest, and batches of its tables.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::SchemaRef;
use claimlake_contract::{
    KEYS_TABLE, LANDING_ORDER_COLUMN, MANIFEST_FILE, STAGED_FORMAT, StagedFile, StagedManifest,
    StagedTable,
};
use sha2::{Digest, Sha256};

use crate::encode::parquet_file::hex;
use crate::error::{LoadError, Result};

/// A staged run whose manifest was read and whose files have the sizes it states.
#[derive(Debug, Clone)]
pub(crate) struct StagedRun {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: StagedManifest,
    keys: Vec<PathBuf>,
}

impl StagedRun {
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
        Ok(Self {
            folder: folder.to_path_buf(),
            manifest,
            keys,
        })
    }

    /// The tables of rows, by name.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &StagedTable> {
        self.manifest
            .tables
            .iter()
            .filter(|table| table.layout.name != KEYS_TABLE)
    }

    pub(crate) fn table(&self, name: &str) -> Option<&StagedTable> {
        self.tables().find(|table| table.layout.name == name)
    }

    /// The columns of a table without the landing order; none where no file says so.
    pub(crate) fn schema(&self, table: &StagedTable) -> Result<Option<SchemaRef>> {
        let Some(file) = table.files.first() else {
            return Ok(None);
        };
        let path = self.folder.join(&file.file);
        let schema = open_ipc(&path, None)?.schema();
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
    pub(crate) fn keys(&self) -> impl Iterator<Item = Result<RecordBatch>> + '_ {
        self.keys.iter().flat_map(|path| batches(path, None))
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

/// Whether a file's checksum is compared before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checksums {
    Compare,
    Trust,
}

type Batches = Box<dyn Iterator<Item = Result<RecordBatch>>>;

/// The format is looked at first: the manifest of another version may have other keys.
fn check_format(path: &Path, text: &[u8]) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let Format { format } = serde_json::from_slice(text)
        .map_err(|error| LoadError::staged(path, format!("its manifest is broken: {error}")))?;
    if format == STAGED_FORMAT {
        return Ok(());
    }
    let reason =
        format!("it has format {format}, and this version of claimlake reads {STAGED_FORMAT}");
    Err(LoadError::staged(path, reason))
}

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

fn check_hash(path: &Path, file: &StagedFile) -> Result<()> {
    let mut opened = File::open(path).map_err(LoadError::io("opening", path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = opened
            .read(&mut buffer)
            .map_err(LoadError::io("reading", path))?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    if hex(&hash.finalize()) == file.sha256 {
        return Ok(());
    }
    Err(LoadError::staged(
        path,
        "its checksum is not the manifest's",
    ))
}

/// The files of a table that the manifest does not list, by number.
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
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let number = stem.and_then(|stem| stem.parse::<u64>().ok());
        if let Some(number) = number {
            files.push((number, path));
        }
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

fn batches(path: &Path, projection: Option<&[usize]>) -> Batches {
    match open_ipc(path, projection) {
        Ok(reader) => {
            let path = path.to_path_buf();
            Box::new(reader.map(move |batch| {
                batch.map_err(|error| LoadError::staged(&path, format!("it is broken: {error}")))
            }))
        }
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

fn open_ipc(path: &Path, projection: Option<&[usize]>) -> Result<FileReader<BufReader<File>>> {
    let file = File::open(path).map_err(LoadError::io("opening", path))?;
    FileReader::try_new(BufReader::new(file), projection.map(<[usize]>::to_vec))
        .map_err(|error| LoadError::staged(path, format!("it is broken: {error}")))
}
