//! Joins the files of `changes`, so that a thousand loads leave a handful of them.
//!
//! The rows stay the same and in the same order; only their distribution to files changes. A file
//! is joined a few times while it is small, and never again once it is large.

use std::path::Path;

use arrow_array::RecordBatchReader as _;
use claimlake_columnar::encode::parquet_file::ParquetFile;
use claimlake_contract::{LakeFile, first_joined};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::changes;
use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::table::carry::{Carried, carry};

/// A file with this many rows is not joined with others any more.
const MOST_ROWS: u64 = 1_000_000;

/// The files of the table in the next snapshot, oldest first: those of the previous snapshot and
/// the one that this load wrote (`new`), linked or joined.
///
/// # Errors
///
/// A file cannot be linked or written. A damaged one is no error here: nothing is joined then, and
/// `verify` names it.
pub(crate) fn files_after(
    before: &Path,
    files: Vec<LakeFile>,
    new: Option<LakeFile>,
    snapshot: &Path,
    access: Access,
    carried: &Carried,
) -> Result<Vec<LakeFile>> {
    let link = |files: &[LakeFile]| {
        let mut files = files.iter();
        files.try_for_each(|file| carry(file, before, snapshot, &access, carried))
    };
    let Some(new) = new else {
        link(&files)?;
        return Ok(files);
    };
    let first = first_to_join(&files, &new);
    let (kept, joined) = files.split_at(first.min(files.len()));
    link(kept)?;
    match join(before, joined, &new, snapshot, access) {
        Ok(Some(file)) => Ok(kept.iter().cloned().chain([file]).collect()),
        Ok(None) => {
            link(joined)?;
            Ok(files.into_iter().chain([new]).collect())
        }
        Err(error) => Err(error),
    }
}

/// The position of the first file that is joined with all behind it; behind the last of `files` if
/// none are.
fn first_to_join(files: &[LakeFile], new: &LakeFile) -> usize {
    let size = |file: &LakeFile| match file.rows {
        large if large >= MOST_ROWS => u64::MAX,
        rows => rows,
    };
    let sizes: Vec<u64> = files.iter().chain([new]).map(size).collect();
    first_joined(&sizes).unwrap_or(files.len())
}

/// Writes the rows of `files` and of `new` as one file and removes `new`, which nobody else has;
/// `None` if there is nothing to join, or a file is damaged.
fn join(
    before: &Path,
    files: &[LakeFile],
    new: &LakeFile,
    snapshot: &Path,
    access: Access,
) -> Result<Option<LakeFile>> {
    if files.is_empty() {
        return Ok(None);
    }
    for file in files {
        match check_file(before, file) {
            Err(LoadError::Damaged { .. }) => return Ok(None),
            other => other?,
        }
    }
    let mut output = changes::create_file(snapshot, &access)?;
    for file in files {
        append(&mut output, &before.join(&file.path))?;
    }
    let written = snapshot.join(&new.path);
    append(&mut output, &written)?;
    std::fs::remove_file(&written).map_err(LoadError::io("removing", &written))?;
    tracing::info!(
        files = files.len() + 1,
        "files of table 'changes' were joined into one"
    );
    Ok(Some(changes::lake_file(output)?))
}

fn append(output: &mut ParquetFile, path: &Path) -> Result<()> {
    let file = std::fs::File::open(path).map_err(LoadError::io("opening", path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(LoadError::parquet(format!("reading {}", path.display())))?;
    if reader.schema().fields() != changes::schema().fields() {
        return Err(changes::other_columns(path));
    }
    for batch in reader {
        let batch = batch.map_err(LoadError::arrow(format!("reading {}", path.display())))?;
        output.write(&batch)?;
    }
    Ok(())
}
