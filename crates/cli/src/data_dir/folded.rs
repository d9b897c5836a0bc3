//! Folds the records of loaded runs: many become one, so that what a command reads of them does not
//! grow with the nights.
//!
//! A folded record has the form of any other, and is named after the first and the last run that it
//! stands for: `runs=<first>..<last>`. It appears by one rename; the records that it stands for are
//! ignored from then on, and removed. A kill leaves records that nobody reads, which the next command
//! that writes here removes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use claimlake_contract::{
    MANIFEST_FILE, RunId, SUMS_FILE, StagedManifest, first_joined, partition_value,
};
use claimlake_loader::{check_record, sha256_hex};
use serde::{Deserialize, Serialize};

use super::records::{read_record, write_private};
use super::{BUILDING, DataDir, REJECTS_FILE, SNAPSHOT_FILE, UNREAD_FILE, loaded_by};
use crate::crash;
use crate::removal;

/// Between the first and the last run in the name of a folded record.
const BETWEEN: &str = "..";

/// The first and the last run that a record, or a file of rejects, is about.
pub(crate) fn runs_of(path: &Path) -> Option<(RunId, RunId)> {
    if let Some(value) = partition_value(path, "runs") {
        let (first, last) = value.split_once(BETWEEN)?;
        return Some((first.parse().ok()?, last.parse().ok()?));
    }
    let run: RunId = partition_value(path, "run")?
        .split(".ndjson")
        .next()?
        .parse()
        .ok()?;
    Some((run.clone(), run))
}

/// Sorts records oldest first, and takes out those that a folded one stands for: they were being
/// removed.
pub(super) fn take_out_folded(folders: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut spans: Vec<((RunId, RunId), PathBuf)> = folders
        .drain(..)
        .filter_map(|folder| Some((runs_of(&folder)?, folder)))
        .collect();
    // Of two that begin with the same run, the longer one comes first.
    spans.sort_by(|(left, _), (right, _)| (&left.0, &right.1).cmp(&(&right.0, &left.1)));
    let mut covered = Vec::new();
    let mut until: Option<RunId> = None;
    for ((_, last), folder) in spans {
        if until.as_ref().is_some_and(|until| last <= *until) {
            covered.push(folder);
            continue;
        }
        if partition_value(&folder, "runs").is_some() {
            until = Some(last);
        }
        folders.push(folder);
    }
    covered
}

/// A record that may be folded.
struct Record {
    folder: PathBuf,
    runs: (RunId, RunId),
    snapshot: u64,
    manifest: StagedManifest,
}

impl DataDir {
    /// Folds records of runs that were loaded before snapshot `oldest_kept`, to which a rollback can
    /// still go back. Records with rejects are folded only if these are kept for ever: otherwise each
    /// is kept as long as its own run is young. Returns how many were folded.
    ///
    /// The caller has locked what is staged.
    pub(crate) fn fold_records(
        &self,
        oldest_kept: u64,
        keeps_rejects: bool,
    ) -> anyhow::Result<u64> {
        let mut folded = 0;
        let mut stretch = Vec::new();
        // Only records of successive runs become one.
        for folder in self.transformed_folders()? {
            match foldable(&folder, oldest_kept, keeps_rejects)? {
                Some(record) => stretch.push(record),
                None => folded += self.fold_newest(&mut stretch)?,
            }
        }
        Ok(folded + self.fold_newest(&mut stretch)?)
    }

    /// Folds the newest of successive records, as far as they are many.
    fn fold_newest(&self, stretch: &mut Vec<Record>) -> anyhow::Result<u64> {
        let records = std::mem::take(stretch);
        let sizes: Vec<u64> = records
            .iter()
            .map(|record| record.manifest.landing_runs.len().max(1) as u64)
            .collect();
        let Some(records) = first_joined(&sizes).and_then(|first| records.get(first..)) else {
            return Ok(0);
        };
        for record in records {
            if !check_record(&record.folder)?.is_empty() {
                return Ok(0);
            }
        }
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            return Ok(0);
        };
        let building = self.transformed().join(BUILDING);
        write(&building, records, last)
            .with_context(|| format!("writing {}", building.display()))?;
        removal::sync(&building)?;
        crash::point("fold-written");
        let name = format!("runs={}{BETWEEN}{}", first.runs.0, last.runs.1);
        let folder = self.transformed().join(name);
        fs::rename(&building, &folder)
            .with_context(|| format!("renaming {}", building.display()))?;
        removal::sync(&self.transformed())?;
        crash::point("fold-placed");
        for record in records {
            removal::remove(&record.folder)?;
        }
        Ok(records.len() as u64)
    }
}

/// The record in a folder, if it may be folded.
fn foldable(
    folder: &Path,
    oldest_kept: u64,
    keeps_rejects: bool,
) -> anyhow::Result<Option<Record>> {
    let Some(snapshot) = loaded_by(folder).filter(|snapshot| *snapshot < oldest_kept) else {
        return Ok(None);
    };
    let rejects = fs::metadata(folder.join(REJECTS_FILE));
    if !keeps_rejects && rejects.is_ok_and(|rejects| rejects.len() > 0) {
        return Ok(None);
    }
    let (runs, manifest) = (runs_of(folder), read_record(folder)?);
    Ok(runs.zip(manifest).map(|(runs, manifest)| Record {
        folder: folder.to_path_buf(),
        runs,
        snapshot,
        manifest,
    }))
}

/// Writes the record that stands for all of these.
fn write(building: &Path, records: &[Record], last: &Record) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    match fs::remove_dir_all(building) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(building)?;
    // A run over all of landing repeats what earlier ones rejected and did not read.
    let full = records.iter().rposition(|record| record.manifest.full);
    let counted = records.get(full.unwrap_or(0)..).unwrap_or_default();
    let mut manifest = StagedManifest {
        landing_runs: landing_runs(records),
        full: full.is_some(),
        tables: Vec::new(),
        ..last.manifest.clone()
    };
    let sum = |count: fn(&StagedManifest) -> u64| -> u64 {
        counted.iter().map(|record| count(&record.manifest)).sum()
    };
    manifest.resources = sum(|of| of.resources);
    manifest.without_view = sum(|of| of.without_view);
    manifest.rejected_resources = sum(|of| of.rejected_resources);
    manifest.rejected_cells = sum(|of| of.rejected_cells);
    manifest.without_patient = sum(|of| of.without_patient);
    manifest.rounded_cells = sum(|of| of.rounded_cells);
    let files = [
        (MANIFEST_FILE, serde_json::to_string_pretty(&manifest)?),
        (REJECTS_FILE, rejects(counted)?),
        (UNREAD_FILE, unread(counted)?),
        (SNAPSHOT_FILE, last.snapshot.to_string()),
    ];
    let mut sums = String::new();
    for (name, text) in &files {
        sums.push_str(&format!("{}  {name}\n", sha256_hex(text)));
    }
    write_private(&building.join(SUMS_FILE), &sums)?;
    for (name, text) in &files {
        write_private(&building.join(name), text)?;
    }
    Ok(())
}

/// The landing runs of all records, each once.
fn landing_runs(records: &[Record]) -> Vec<RunId> {
    let runs = records
        .iter()
        .flat_map(|record| &record.manifest.landing_runs);
    let runs: BTreeSet<&RunId> = runs.collect();
    runs.into_iter().cloned().collect()
}

fn rejects(records: &[Record]) -> io::Result<String> {
    let mut all = String::new();
    for record in records {
        all.push_str(&read_if_there(&record.folder.join(REJECTS_FILE))?.unwrap_or_default());
    }
    Ok(all)
}

/// `unread.json`, as `transform` writes it.
#[derive(Serialize, Deserialize)]
struct Unread {
    format: u32,
    paths: Vec<UnreadPath>,
}

#[derive(Serialize, Deserialize)]
struct UnreadPath {
    api: String,
    resource: String,
    path: String,
    count: u64,
}

/// The unread paths of all records, with their counts added up.
fn unread(records: &[Record]) -> io::Result<String> {
    let mut counts: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    let mut format = 1;
    for record in records {
        let Some(text) = read_if_there(&record.folder.join(UNREAD_FILE))? else {
            continue;
        };
        let unread: Unread = serde_json::from_str(&text)?;
        format = unread.format;
        for path in unread.paths {
            *counts
                .entry((path.api, path.resource, path.path))
                .or_default() += path.count;
        }
    }
    let paths = counts
        .into_iter()
        .map(|((api, resource, path), count)| UnreadPath {
            api,
            resource,
            path,
            count,
        });
    Ok(serde_json::to_string(&Unread {
        format,
        paths: paths.collect(),
    })?)
}

fn read_if_there(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
