//! Staged runs that somebody else wrote as Parquet, such as Spark: sealed here, then loaded like any
//! other.
//!
//! The folder has a folder for each table and one named `_keys`; each holds Parquet files with the
//! columns of staged tables, `_landing_order` last. Rows of one resource are in one file, in the
//! order of their view; the files are taken in the order of their names. Pages may be plain, snappy
//! (the default of Spark and pyarrow) or zstd.
//!
//! Sealing looks at no row. Whether the folder is complete says [`check_staged_parquet`].

mod bodies;
mod check;
mod sorted_keys;

pub use bodies::{ComparedBodies, StagedBodies};
pub use check::{Share, StagedProblems, TableShape, check_staged_parquet};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use claimlake_contract::{
    KEYS_TABLE, MANIFEST_FILE, RunId, STAGED_FORMAT, StagedFile, StagedManifest, StagedTable,
};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::error::{LoadError, Result};
use crate::file_hash::hash_of;

/// What the files themselves do not say.
#[derive(Debug, Clone)]
pub struct StagedParquet {
    /// The folder.
    pub folder: PathBuf,
    /// The id the staged run gets.
    pub run: RunId,
    /// Hash of everything that decides what the tables hold.
    pub pipeline_hash: String,
    /// Whether the files were made from all of landing.
    pub full: bool,
    /// What the other program says it read and wrote; none if it says nothing.
    pub job: Option<StagingJob>,
    /// The version of the rules by which the tables of this build are made.
    pub rules: u32,
    /// The tables: layout, resource type, view hash; their files are found in the folder.
    pub tables: Vec<StagedTable>,
}

/// What a program says of how it made a staged folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StagingJob {
    /// The landing runs that it read as a whole, in order.
    pub landing_runs: Vec<RunId>,
    /// All files that it wrote, relative to the folder, with their SHA-256.
    pub files: BTreeMap<String, String>,
    /// Resources of a type that no view reads.
    pub without_view: u64,
    /// Resources refused.
    pub rejected_resources: u64,
    /// Cells made null by a reject.
    pub rejected_cells: u64,
    /// Claims and coverages whose patient is not known.
    pub without_patient: u64,
    /// Cells whose number was rounded.
    pub rounded_cells: u64,
}

/// A sealed folder.
#[derive(Debug, Clone, PartialEq)]
pub struct SealedParquet {
    /// Its manifest.
    pub manifest: StagedManifest,
    /// Files that are missing, others or more than the job says; empty if it says nothing. The
    /// manifest then names no landing runs, so that the next transform reads them.
    pub other_files: Vec<String>,
}

/// Seals a folder of Parquet files as a staged run, which [`crate::load`] then takes. A table whose
/// folder is missing is one without files, as [`check_staged_parquet`] says.
///
/// The manifest is written under another name and then renamed, so that a folder is either sealed
/// completely or not at all.
///
/// # Errors
///
/// The folder of keys is missing or has no file, or a file cannot be read.
pub fn seal_staged_parquet(staged: &StagedParquet) -> Result<SealedParquet> {
    let folder = &staged.folder;
    let mut tables = Vec::new();
    for table in &staged.tables {
        let files = match folder.join(&table.layout.name).exists() {
            true => files_of(folder, &table.layout.name)?,
            false => Vec::new(),
        };
        tables.push(StagedTable {
            files,
            ..table.clone()
        });
    }
    let keys = files_of(folder, KEYS_TABLE)?;
    if keys.is_empty() {
        let reason = "it has no Parquet file: nothing says which resources were staged";
        return Err(LoadError::staged(&folder.join(KEYS_TABLE), reason));
    }
    let job = staged.job.clone().unwrap_or_default();
    let found = tables.iter().flat_map(|table| &table.files).chain(&keys);
    let other_files = match &staged.job {
        Some(job) => other_files(&job.files, found),
        None => Vec::new(),
    };
    let manifest = StagedManifest {
        format: STAGED_FORMAT,
        run: staged.run.clone(),
        pipeline_hash: staged.pipeline_hash.clone(),
        rules: staged.rules,
        landing_runs: match other_files.is_empty() {
            true => job.landing_runs,
            false => Vec::new(),
        },
        full: staged.full,
        tables,
        resources: keys.iter().map(|file| file.rows).sum(),
        without_view: job.without_view,
        rejected_resources: job.rejected_resources,
        rejected_cells: job.rejected_cells,
        without_patient: job.without_patient,
        rounded_cells: job.rounded_cells,
    };
    let path = folder.join(MANIFEST_FILE);
    let text = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| LoadError::staged(&path, format!("it cannot be sealed: {error}")))?;
    let beside = folder.join("manifest.json.unfinished");
    std::fs::write(&beside, text).map_err(LoadError::io("writing", &beside))?;
    std::fs::rename(&beside, &path).map_err(LoadError::io("sealing", &path))?;
    Ok(SealedParquet {
        manifest,
        other_files,
    })
}

/// The files that are not those that were written.
fn other_files<'a>(
    written: &BTreeMap<String, String>,
    found: impl Iterator<Item = &'a StagedFile>,
) -> Vec<String> {
    let mut missing: BTreeSet<&String> = written.keys().collect();
    let mut others = BTreeSet::new();
    for file in found {
        missing.remove(&file.file);
        if written.get(&file.file) != Some(&file.sha256) {
            others.insert(&file.file);
        }
    }
    others.extend(missing);
    others.into_iter().cloned().collect()
}

/// The Parquet files in a table's folder, sorted by name. Names that begin with a number sort as
/// text: Spark pads its numbers with zeros.
///
/// # Errors
///
/// The folder cannot be listed, or a file is not Parquet.
fn files_of(folder: &Path, table: &str) -> Result<Vec<StagedFile>> {
    let root = folder.join(table);
    let entries = std::fs::read_dir(&root).map_err(LoadError::io("listing", &root))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(LoadError::io("listing", &root))?;
        // Spark leaves `_SUCCESS` and checksums beside the files.
        names.extend(
            entry
                .file_name()
                .to_str()
                .filter(|name| name.ends_with(".parquet"))
                .map(str::to_owned),
        );
    }
    names.sort();
    let file = |name: String| {
        let path = root.join(&name);
        let opened = std::fs::File::open(&path).map_err(LoadError::io("opening", &path))?;
        let bytes = opened
            .metadata()
            .map_err(LoadError::io("reading", &path))?
            .len();
        let rows = SerializedFileReader::new(opened)
            .map(|reader| reader.metadata().file_metadata().num_rows())
            .map_err(|error| LoadError::staged(&path, format!("it is broken: {error}")))?;
        Ok(StagedFile {
            file: format!("{table}/{name}"),
            rows: u64::try_from(rows).unwrap_or_default(),
            bytes,
            sha256: hash_of(&path)?,
            xxh3: None,
        })
    };
    names.into_iter().map(file).collect()
}
