//! The snapshot on which a repair builds, and which parts of it can be used. Even a snapshot with a
//! damaged manifest is useful: its files of `changes` contain what landing does not.

use std::collections::BTreeSet;
use std::path::Path;

use claimlake_contract::{LAKE_FORMAT, LakeFile, LakeManifest};

use super::{Repair, Surveyed};
use crate::damage::is_damage;
use crate::error::{LoadError, Result};
use crate::file_hash::hash_of;
use crate::previous_snapshot::PreviousSnapshot;
use crate::run_table::changes::{self, CHANGES_TABLE};

impl Repair<'_> {
    /// The snapshot that the next one follows: the current one; if `current` is broken, the one
    /// that the lake is pinned to; else the newest. Its damaged files are listed in
    /// [`PreviousSnapshot::lost`].
    ///
    /// # Errors
    ///
    /// The operating system refuses.
    pub(crate) fn before(&self) -> Result<Option<PreviousSnapshot>> {
        let state = self.state();
        let numbers = [self.lake.current(), self.lake.pinned()];
        let named = numbers.into_iter().filter_map(|number| number.ok()?);
        let find = |number: u64| state.snapshots.iter().find(|one| one.number == number);
        let newest = || {
            let usable = state.snapshots.iter().rev();
            let usable = usable.clone().find(|one| one.manifest.is_some());
            usable.or(state.snapshots.last())
        };
        let Some(one) = named.filter_map(find).next().or_else(newest) else {
            return Ok(None);
        };
        if let Some(manifest) = &one.manifest {
            return Ok(Some(without_damaged(one, manifest.clone())));
        }
        let others = state
            .snapshots
            .iter()
            .filter(|other| other.number != one.number);
        let histories = others.filter_map(|other| {
            let manifest = other.manifest.as_ref()?;
            let whole = changes::files_before(Some(manifest)).into_iter();
            let whole = whole.filter(|file| !other.damaged.contains_key(&file.path));
            Some((other.folder.as_path(), whole.collect::<Vec<_>>()))
        });
        let histories: Vec<_> = histories.collect();
        Ok(Some(without_manifest(one, &histories)?))
    }
}

/// A snapshot with an intact manifest.
fn without_damaged(one: &Surveyed, manifest: LakeManifest) -> PreviousSnapshot {
    PreviousSnapshot {
        folder: one.folder.clone(),
        lost: one.damaged.keys().cloned().collect(),
        has_manifest: true,
        manifest,
    }
}

/// A snapshot whose manifest is damaged. Its files of `changes` can be verified without it, since
/// their names begin with their hashes; the same files of other snapshots (`histories`) fill gaps.
/// Everything else is built again from landing.
fn without_manifest(
    one: &Surveyed,
    histories: &[(&Path, Vec<LakeFile>)],
) -> Result<PreviousSnapshot> {
    let files = of_successive_runs(one, histories)?;
    let no_run = || LoadError::lake(&one.folder, "no run id");
    let manifest = LakeManifest {
        format: LAKE_FORMAT,
        snapshot: one.number,
        run: "00010101T000000.000Z-0000".parse().map_err(|_| no_run())?,
        published_at: String::new(),
        staged_runs: Vec::new(),
        landing_runs: None,
        tables: (!files.is_empty())
            .then(|| changes::table(files))
            .into_iter()
            .collect(),
        keys: None,
        current: None,
        owners: None,
        views: None,
    };
    Ok(PreviousSnapshot {
        folder: one.folder.clone(),
        manifest,
        lost: BTreeSet::new(),
        has_manifest: false,
    })
}

/// The files of `changes` that are intact, oldest first: those of the snapshot itself, and those of
/// others about runs that none of its own is about. Loads join files, so one run can be in a file of
/// its own in one snapshot and among others in the next; the file with more rows is preferred.
fn of_successive_runs(
    one: &Surveyed,
    histories: &[(&Path, Vec<LakeFile>)],
) -> Result<Vec<LakeFile>> {
    let mut found: Vec<((String, String), LakeFile)> = Vec::new();
    for file in self_named(&one.folder)? {
        let runs = changes::runs_of(&one.folder.join(&file.path))?;
        found.extend(runs.map(|runs| (runs, file)));
    }
    let others = histories
        .iter()
        .flat_map(|(folder, files)| files.iter().map(move |file| (*folder, file)));
    let mut others: Vec<(&Path, &LakeFile)> = others.collect();
    others.sort_by(|(_, left), (_, right)| (right.rows, &left.path).cmp(&(left.rows, &right.path)));
    for (folder, file) in others {
        let (from, to) = (folder.join(&file.path), one.folder.join(&file.path));
        let Some((first, last)) = changes::runs_of(&from)? else {
            continue;
        };
        let is_known =
            |((from, until), _): &((String, String), _)| *from <= last && first <= *until;
        if found.iter().any(is_known) || to.exists() {
            continue;
        }
        if std::fs::hard_link(&from, &to).is_ok() {
            found.push(((first, last), file.clone()));
        }
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

/// The files of `changes` in a snapshot's folder whose names match their content.
fn self_named(folder: &Path) -> Result<Vec<LakeFile>> {
    let root = folder.join(CHANGES_TABLE);
    let entries = match std::fs::read_dir(&root) {
        Ok(entries) => entries,
        Err(error) if is_damage(&error) => return Ok(Vec::new()),
        Err(error) => return Err(LoadError::io("listing", &root)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(LoadError::io("listing", &root))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(stem) = name.and_then(|name| name.strip_suffix(".parquet")) else {
            continue;
        };
        let sha256 = match hash_of(&path) {
            Ok(hash) => hash,
            Err(LoadError::Io { source, .. }) if is_damage(&source) => continue,
            Err(error) => return Err(error),
        };
        if stem.len() < 32 || !sha256.starts_with(stem) {
            continue;
        }
        let bytes = std::fs::metadata(&path)
            .map_err(LoadError::io("reading", &path))?
            .len();
        found.push(LakeFile {
            path: format!("{CHANGES_TABLE}/{stem}.parquet"),
            rows: changes::rows_of(&path)?,
            bytes,
            sha256,
        });
    }
    Ok(found)
}
