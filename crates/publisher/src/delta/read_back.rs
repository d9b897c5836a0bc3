//! The files of a table at a version, as a reader finds them: by the last checkpoint before it and
//! the commits since, without what a state says.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::replay::Actual;
use super::{LogFile, checkpoint_path, commit_path, uri};
use crate::error::{PublishError, Result};
use crate::identity::LakeId;
use crate::store::Store;

/// Rows of a checkpoint that are decoded at once.
const ROWS_AT_ONCE: usize = 4096;

/// The files and sizes of a table at a version.
///
/// # Errors
/// Something that a reader needs is missing, damaged or not of this lake.
pub(crate) async fn files_at(
    store: &Store,
    table: &str,
    version: u64,
    log: &[LogFile],
    lake: &LakeId,
) -> Result<BTreeMap<String, u64>> {
    let checkpoints = log.iter().filter_map(|file| match file {
        LogFile::Checkpoint(found) if *found <= version => Some(*found),
        _ => None,
    });
    let mut actual = Actual::default();
    let mut first = 0;
    if let Some(checkpoint) = checkpoints.max() {
        let path = checkpoint_path(table, checkpoint);
        let content = store.read(&path).await?;
        actual.files = files_of(table, content.unwrap_or_default()).ok_or_else(|| {
            PublishError::Damaged(format!("the checkpoint {path} cannot be read"))
        })?;
        first = checkpoint + 1;
    }
    for version in first..=version {
        let path = commit_path(table, version);
        let lines = store.read(&path).await?;
        let lines = lines.ok_or_else(|| PublishError::Damaged(format!("{path} is missing")))?;
        actual.apply(table, version, &lines, lake)?;
    }
    Ok(actual.files)
}

/// The files that a checkpoint has; `None` if it is none.
fn files_of(table: &str, content: Bytes) -> Option<BTreeMap<String, u64>> {
    let reader = ParquetRecordBatchReader::try_new(content, ROWS_AT_ONCE).ok()?;
    let mut files = BTreeMap::new();
    for batch in reader {
        add(table, &batch.ok()?, &mut files)?;
    }
    Some(files)
}

fn add(table: &str, batch: &RecordBatch, files: &mut BTreeMap<String, u64>) -> Option<()> {
    let added = batch.column_by_name("add")?.as_struct_opt()?;
    let paths = added.column_by_name("path")?.as_string_opt::<i32>()?;
    let sizes = added
        .column_by_name("size")?
        .as_primitive_opt::<Int64Type>()?;
    for row in (0..batch.num_rows()).filter(|row| added.is_valid(*row)) {
        let path = uri::decode(paths.value(row))?;
        let bytes = u64::try_from(sizes.value(row)).ok()?;
        files.insert(format!("{table}/{path}"), bytes);
    }
    Some(())
}
