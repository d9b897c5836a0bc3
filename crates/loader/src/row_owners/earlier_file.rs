//! Reads an owner file of an earlier version: one Arrow IPC file for each Parquet file, without a
//! hash in the manifest.
//!
//! The `arrow` crate may panic on a damaged IPC file, and without a hash nothing says that a file
//! is intact. The encapsulated messages of the Arrow IPC format are therefore read here, and each
//! length is compared with the bytes that are there.

use std::path::Path;

use arrow_ipc::{MessageHeader, RecordBatch, root_as_message};

use crate::error::{LoadError, Result};
use crate::row_owners::KEYS_FOLDER;
use crate::row_owners::runs::Run;
use claimlake_columnar::GroupKey as ResourceKey;

/// The magic bytes of an Arrow IPC file; padding follows up to a multiple of [`ALIGNED`].
const HEAD: &[u8] = b"ARROW1";
/// The alignment of the format, in bytes.
const ALIGNED: usize = 8;

/// The continuation marker before each message.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// The path of the owner file of a table's file, relative to the snapshot.
pub(super) fn path_of(file: &str) -> String {
    let stem = file.strip_suffix(".parquet").unwrap_or(file);
    format!("{KEYS_FOLDER}/rows/{stem}.arrow")
}

/// The owners of the rows of `file` in `snapshot`; `rows` is the number of its rows in the
/// manifest.
///
/// # Errors
///
/// [`LoadError::Damaged`] if the file is missing, malformed, or about another number of rows.
pub(super) fn read(snapshot: &Path, file: &str, rows: u64) -> Result<Vec<Run>> {
    let path = snapshot.join(path_of(file));
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::damaged(&path, "the file is missing"));
        }
        Err(error) => return Err(LoadError::io("reading", &path)(error)),
    };
    let Some(runs) = runs_of(&bytes) else {
        return Err(LoadError::damaged(&path, "it is not a list of row owners"));
    };
    let found: u64 = runs.iter().map(|(_, rows)| u64::from(*rows)).sum();
    if found != rows {
        let reason = format!("it is of {found} rows, the manifest says {rows}");
        return Err(LoadError::damaged(&path, reason));
    }
    Ok(runs)
}

/// The contents of all record batches; `None` if anything is malformed. A length of 0 ends the
/// messages.
fn runs_of(file: &[u8]) -> Option<Vec<Run>> {
    let mut runs = Vec::new();
    let mut rest = file.strip_prefix(HEAD)?.get(ALIGNED - HEAD.len()..)?;
    while let Some(after) = rest.strip_prefix(&[0; ALIGNED]) {
        rest = after;
    }
    loop {
        let (continuation, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        if *continuation != CONTINUATION {
            return None;
        }
        if length == 0 {
            return Some(runs);
        }
        let (head, after) = after.split_at_checked(length)?;
        let message = root_as_message(head).ok()?;
        let length = usize::try_from(message.bodyLength()).ok()?;
        let (body, after) = after.split_at_checked(length)?;
        if message.header_type() == MessageHeader::RecordBatch {
            runs.extend(runs_of_batch(&message.header_as_record_batch()?, body)?);
        }
        rest = after;
    }
}

/// The two columns of a batch: keys of 16 bytes and counts of 4 bytes, uncompressed and without
/// nulls.
fn runs_of_batch(batch: &RecordBatch<'_>, body: &[u8]) -> Option<Vec<Run>> {
    let rows = usize::try_from(batch.length()).ok()?;
    let buffers = batch.buffers()?;
    if batch.compression().is_some() || buffers.len() != 4 {
        return None;
    }
    let values = |buffer: usize, width: usize| {
        let buffer = buffers.get(buffer);
        let from = usize::try_from(buffer.offset()).ok()?;
        let length = rows.checked_mul(width)?;
        let is_long_enough = usize::try_from(buffer.length()).ok()? >= length;
        body.get(from..)?.get(..length).filter(|_| is_long_enough)
    };
    let resources = values(1, 16)?.chunks_exact(16).map(ResourceKey::from_bytes);
    let (counts, _) = values(3, 4)?.as_chunks::<4>();
    let counts = counts.iter().map(|count| u32::from_le_bytes(*count));
    Some(resources.zip(counts).collect())
}
