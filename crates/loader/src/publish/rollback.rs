//! Makes an earlier, intact snapshot current again. The lake is then pinned: otherwise the next
//! nightly load would publish the rejected state again.

use std::path::Path;

use claimlake_contract::{LakeManifest, Progress};
use rayon::prelude::*;

use crate::damage::{check_file, check_length};
use crate::error::{LoadError, Result};
use crate::publish::access::Access;
use crate::publish::lake::Lake;
use crate::publish::manifest::read_manifest;
use crate::publish::retention::{SnapshotInfo, snapshots};

/// Points `current` to an earlier snapshot and pins it: loads refuse until `--unpin`. All of its
/// files are compared with its manifest first.
///
/// # Errors
///
/// There is no such snapshot, it is damaged, or a load is running.
pub fn rollback(lake: &Path, number: u64, progress: &dyn Progress) -> Result<SnapshotInfo> {
    let root = lake;
    let lake = Lake::at(root);
    let known = lake.numbers()?;
    if !known.contains(&number) {
        let known = match known.as_slice() {
            [] => "nothing is published yet".to_owned(),
            [one] => format!("the only one is {one}"),
            several => format!("there are {}", listed(several)),
        };
        return Err(LoadError::Request(format!(
            "there is no snapshot {number}: {known}"
        )));
    }
    let access = Access::owner_only();
    let _lock = lake.lock(&access)?;
    check_whole(&lake, number, progress)?;
    // The pin first: killed in between, the lake is pinned to where it is, and nothing is lost.
    lake.pin(number, &access)?;
    lake.flip(number)?;
    let all = snapshots(root)?;
    all.into_iter()
        .find(|snapshot| snapshot.number == number)
        .ok_or_else(|| LoadError::Request(format!("snapshot {number} is gone")))
}

/// Compares every file of a snapshot with its manifest, in parallel. The error names the first
/// damaged file, and which other snapshots have all of their files.
fn check_whole(lake: &Lake, number: u64, progress: &dyn Progress) -> Result<()> {
    let folder = lake.snapshot(number);
    let manifest = read_manifest(&folder)?;
    let files: Vec<_> = manifest.all_files().collect();
    let bytes = files.iter().map(|file| file.bytes).sum();
    let task = progress.begin("checking the snapshot", "bytes", Some(bytes));
    let damaged: Vec<String> = files
        .par_iter()
        .filter_map(|file| {
            let found = check_file(&folder, file);
            progress.advance(task, file.bytes);
            found.err().map(|error| match error {
                LoadError::Damaged { reason, .. } => format!("{}: {reason}", file.path),
                other => format!("{}: {other}", file.path),
            })
        })
        .collect();
    progress.end(task);
    let Some(first) = damaged.first() else {
        return Ok(());
    };
    let more = match damaged.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let others: Vec<u64> = lake.numbers()?;
    let mut others: Vec<u64> = others
        .into_iter()
        .filter(|other| *other != number)
        .collect();
    others.retain(|other| seems_whole(lake, *other));
    let others = match others.as_slice() {
        [] => "no other snapshot has all of its files".to_owned(),
        others => format!(
            "of the others, these have all of their files: {}",
            listed(others)
        ),
    };
    let reason =
        format!("snapshot {number} is damaged, `current` was not moved: {first}{more}; {others}");
    Err(LoadError::lake(&folder, reason))
}

/// Whether all files of a snapshot exist with the right lengths; their content is not read. Good
/// enough for a hint in an error message, since a rollback to it would be checked completely.
fn seems_whole(lake: &Lake, number: u64) -> bool {
    let folder = lake.snapshot(number);
    let has_all = |manifest: LakeManifest| {
        let mut files = manifest.all_files();
        files.all(|file| check_length(&folder, file).is_ok())
    };
    read_manifest(&folder).is_ok_and(has_all)
}

/// Numbers as a list in prose.
fn listed(numbers: &[u64]) -> String {
    let words: Vec<String> = numbers.iter().map(u64::to_string).collect();
    words.join(", ")
}
