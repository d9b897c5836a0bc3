//! Damaged runs and parts taken out of the raw zone: moved below `landing/damaged`, never removed.
//!
//! What is left is sealed again, so that everything a manifest names can be read. The caller reads
//! from the server again, or imports again, what the damaged part had.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use claimlake_contract::{
    ApiVersion, GrantHandle, LandingLayout, LandingOrigin, MANIFEST_FILE, ResourceType, RunId,
};

use crate::compacted::leftovers::remove_leftovers;
use crate::compacted::whole::unpack_damaged;
use crate::folder::{create_private_dir, entries, remove_folder_if_there, sync_folder};
use crate::sealed::{LandingRuns, UnsealedRun};
use crate::unfinished::unfinished_runs;
use crate::unnamed_files::{named_files, remove_unnamed_files};
use crate::{LandingError, SealedRun, landing_runs, manifest_file, read_chunks};

mod signs;

use signs::{free_name, is_damaged_sum, is_other_format, origin_in, place_of, without_parts};

/// The folder for what was set aside, below `landing`.
const FOLDER: &str = "damaged";

/// A part, or all of a run of one resource type, that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// What it was, relative to the data directory.
    pub place: String,
    /// Where it is now, relative to the data directory.
    pub kept_in: String,
    /// What is wrong with it.
    pub reason: String,
    /// API version and type of its resources; none of what could not be landed.
    pub of: Option<(ApiVersion, ResourceType)>,
    /// Lines that it had, where that is known.
    pub lines: u64,
    /// The grants whose resources it had; `None` if its manifest does not say it.
    pub grants: Option<Vec<GrantHandle>>,
}

/// Sets aside what is damaged among the runs that `chosen` takes (by run and, where known, origin),
/// and seals again what is left. A checksum that was lost beside a manifest that is as it was is
/// written again. The caller has locked landing.
///
/// `is_loaded` says of a run whether the lake or a staged run has it: without a manifest, such a run
/// was sealed once.
///
/// # Errors
/// When the disk refuses; run again, it goes on.
pub fn set_aside_damaged(
    layout: &LandingLayout,
    chosen: &dyn Fn(&RunId, Option<LandingOrigin>) -> bool,
    is_loaded: &dyn Fn(&RunId) -> bool,
) -> Result<Vec<SetAside>, LandingError> {
    let zone = Zone { layout };
    remove_leftovers(layout)?;
    unpack_damaged(layout, chosen)?;
    let LandingRuns {
        sealed,
        unsealed,
        damaged,
        ..
    } = landing_runs(layout)?;
    let mut done = Vec::new();
    for damaged in damaged {
        let Some(folder) = damaged.path.parent() else {
            continue;
        };
        let text = std::fs::read(&damaged.path).unwrap_or_default();
        let Some((api, resource, run)) = place_of(folder) else {
            continue;
        };
        if !is_other_format(&text) && chosen(&run, origin_in(folder, &text)) {
            done.push(zone.move_run(folder, (api, resource), damaged.reason)?);
        }
    }
    let waiting = unfinished_runs(layout)?;
    for run in unsealed {
        let was_sealed = !waiting.contains(&run.run) && is_loaded(&run.run);
        if was_sealed && !run.has_manifest()? && chosen(&run.run, origin_in(&run.folder, &[])) {
            let reason = "it has no manifest.json".to_owned();
            done.push(zone.move_run(&run.folder, (run.api, run.resource), reason)?);
        }
    }
    for path in unreadable_rejected(layout)? {
        let run = claimlake_contract::partition_value(&path, "run");
        let run = run.and_then(|name| name.strip_suffix(".ndjson.zst")?.parse().ok());
        let is_chosen = |run| chosen(&run, Some(LandingOrigin::Import));
        if run.is_some_and(is_chosen) {
            done.push(SetAside {
                kept_in: zone.rename(&path)?,
                place: zone.below(&path),
                reason: "it does not decompress".into(),
                of: None,
                lines: 0,
                grants: Some(Vec::new()),
            });
        }
    }
    // Those in folders of several runs are whole.
    for run in sealed.iter().filter(|run| !run.is_packed()) {
        if chosen(&run.manifest.run, Some(run.manifest.origin)) {
            zone.check(run, &mut done)?;
        }
    }
    Ok(done)
}

/// Sets aside the folder of a run that can no longer be sealed, whatever is in it.
///
/// # Errors
/// The disk fails.
pub fn set_aside_unsealed(
    layout: &LandingLayout,
    run: &UnsealedRun,
) -> Result<SetAside, LandingError> {
    let of = (run.api, run.resource.clone());
    Zone { layout }.move_run(&run.folder, of, "it has no manifest.json".into())
}

/// Files of what could not be landed that cannot be read to their end.
///
/// # Errors
/// When the folder cannot be listed or a file cannot be opened.
pub fn unreadable_rejected(layout: &LandingLayout) -> Result<Vec<PathBuf>, LandingError> {
    let mut unreadable = Vec::new();
    for path in entries(&layout.root().join("rejected"))? {
        if !path.to_string_lossy().ends_with(".ndjson.zst") {
            continue;
        }
        let file = std::fs::File::open(&path).map_err(LandingError::io("opening", &path))?;
        let length = file.metadata().map_or(0, |found| found.len());
        let read = zstd::stream::read::Decoder::new(file)
            .and_then(|mut text| std::io::copy(&mut text, &mut std::io::sink()));
        // There is no file where nothing was rejected.
        if length == 0 || read.is_err() {
            unreadable.push(path);
        }
    }
    unreadable.sort();
    Ok(unreadable)
}

/// How many files were set aside, and how many bytes they have.
///
/// # Errors
/// When the folder cannot be listed.
pub fn set_aside_files(layout: &LandingLayout) -> Result<(u64, u64), LandingError> {
    let (mut files, mut bytes) = (0, 0);
    let mut folders = vec![layout.root().join(FOLDER)];
    while let Some(folder) = folders.pop() {
        for path in entries(&folder)? {
            if path.is_dir() {
                folders.push(path);
            } else {
                let found = std::fs::metadata(&path);
                files += 1;
                bytes += found.map_err(LandingError::io("reading", &path))?.len();
            }
        }
    }
    Ok((files, bytes))
}

/// Removes all that was set aside: it is not known whose lines are in it.
///
/// # Errors
/// When the disk refuses.
pub fn remove_set_aside(layout: &LandingLayout) -> Result<(), LandingError> {
    remove_folder_if_there(&layout.root().join(FOLDER))
}

/// The parts of a run that are not as they were sealed, by position, and why.
///
/// # Errors
/// When a file cannot be read.
pub(crate) fn damaged_parts(run: &SealedRun) -> Result<Vec<(usize, String)>, LandingError> {
    let mut damaged = Vec::new();
    for (index, part) in run.parts().enumerate() {
        let files = [Some(&part.slice), part.references.as_ref()];
        let sums = [
            Some(&part.part.sha256),
            part.part.references.as_ref().map(|of| &of.sha256),
        ];
        for (slice, sum) in files.iter().flatten().zip(sums.into_iter().flatten()) {
            if let Some(reason) = slice.damage(sum)? {
                damaged.push((index, reason));
                break;
            }
        }
    }
    Ok(damaged)
}

/// The other parts with frames that cannot be read, though their checksums are right: a removal of
/// earlier versions sealed damaged frames again.
pub(crate) fn undecodable_parts(
    run: &SealedRun,
    others: &[(usize, String)],
) -> Vec<(usize, String)> {
    let is_other = |index: usize| others.iter().all(|(other, _)| *other != index);
    let parts = run.parts().enumerate();
    parts
        .filter(|(index, _)| is_other(*index))
        .filter(|(_, part)| read_chunks(part, 1 << 20).any(|read| !read.damaged.is_empty()))
        .map(|(index, _)| (index, "a frame of it does not decompress".to_owned()))
        .collect()
}

struct Zone<'l> {
    layout: &'l LandingLayout,
}

impl Zone<'_> {
    /// A sealed run: its checksum, its parts, and files that its manifest does not name.
    fn check(&self, run: &SealedRun, done: &mut Vec<SetAside>) -> Result<(), LandingError> {
        let manifest = &run.manifest;
        let of = (manifest.api, manifest.resource.clone());
        let mut damaged = damaged_parts(run)?;
        damaged.extend(undecodable_parts(run, &damaged));
        if let Some(reason) = self.check_checksum(run, damaged.is_empty())? {
            // Which fields of the damaged manifest are true is unknown.
            done.push(self.move_run(&run.folder, of, reason)?);
            return Ok(());
        }
        if !damaged.is_empty() {
            self.move_parts(run, &damaged, done)?;
        }
        self.move_unnamed(run, done)
    }

    /// Why the manifest is not the one that was sealed. Where only the checksum was lost, it is
    /// written again.
    fn check_checksum(
        &self,
        run: &SealedRun,
        parts_are_whole: bool,
    ) -> Result<Option<String>, LandingError> {
        let path = run.folder.join(MANIFEST_FILE);
        let text = std::fs::read(&path).map_err(LandingError::io("reading", &path))?;
        let found = manifest_file::sum_of(&text);
        let sums = manifest_file::sums(&run.folder);
        if sums.contains(&found) {
            return Ok(None);
        }
        let said = sums.first().map_or("", String::as_str);
        if is_damaged_sum(said, &found) && parts_are_whole {
            manifest_file::write(&run.folder, &run.manifest)?;
            return Ok(None);
        }
        Ok(Some("its checksum differs: the manifest was edited".into()))
    }

    /// Moves parts with their reference files; the manifest then lists the other parts. The
    /// previous manifest is moved with them.
    fn move_parts(
        &self,
        run: &SealedRun,
        damaged: &[(usize, String)],
        done: &mut Vec<SetAside>,
    ) -> Result<(), LandingError> {
        let target = self.target(&run.folder)?;
        let before = target.join(MANIFEST_FILE);
        if !before.exists() {
            std::fs::copy(run.folder.join(MANIFEST_FILE), &before)
                .map_err(LandingError::io("copying to", &before))?;
        }
        let is_damaged = |index: u32| damaged.iter().any(|(at, _)| *at == index as usize);
        for (index, reason) in damaged {
            let Some(part) = run.manifest.parts.get(*index) else {
                continue;
            };
            let references = part.references.as_ref().map(|of| of.file.as_str());
            for name in [Some(part.file.as_str()), references].into_iter().flatten() {
                let (from, to) = (run.folder.join(name), free_name(&target.join(name)));
                // Beside its old name until the manifest no longer names it.
                if from.exists() && std::fs::hard_link(&from, &to).is_err() {
                    std::fs::copy(&from, &to).map_err(LandingError::io("copying to", &to))?;
                }
            }
            let number = u32::try_from(*index).unwrap_or(u32::MAX);
            let patients = run.manifest.patients.iter();
            let theirs = patients
                .filter(|patient| patient.frames.iter().any(|(part, _)| *part == number))
                .map(|patient| patient.grant.clone());
            done.push(SetAside {
                place: self.below(&run.folder.join(&part.file)),
                kept_in: self.below(&target),
                reason: reason.clone(),
                of: Some((run.manifest.api, run.manifest.resource.clone())),
                lines: part.lines,
                grants: Some(theirs.collect()),
            });
        }
        sync_folder(&target)?;
        let manifest = without_parts(&run.manifest, &is_damaged);
        manifest_file::write(&run.folder, &manifest)?;
        remove_unnamed_files(&run.folder, &manifest)?;
        sync_folder(&run.folder)
    }

    /// Moves files that no manifest names.
    fn move_unnamed(&self, run: &SealedRun, done: &mut Vec<SetAside>) -> Result<(), LandingError> {
        let manifest = manifest_file::read(&run.folder.join(MANIFEST_FILE))?;
        let named: BTreeSet<PathBuf> = named_files(&manifest)
            .map(|name| run.folder.join(name))
            .collect();
        for path in entries(&run.folder)? {
            if named.contains(&path) {
                continue;
            }
            let target = self.target(&run.folder)?;
            let to = free_name(&target.join(path.file_name().unwrap_or_default()));
            std::fs::rename(&path, &to).map_err(LandingError::io("setting aside", &path))?;
            done.push(SetAside {
                place: self.below(&path),
                kept_in: self.below(&target),
                reason: "no manifest names it".into(),
                of: Some((manifest.api, manifest.resource.clone())),
                lines: 0,
                grants: Some(Vec::new()),
            });
        }
        Ok(())
    }

    fn move_run(
        &self,
        folder: &Path,
        of: (ApiVersion, ResourceType),
        reason: String,
    ) -> Result<SetAside, LandingError> {
        Ok(SetAside {
            kept_in: self.rename(folder)?,
            place: self.below(folder),
            reason,
            of: Some(of),
            lines: 0,
            grants: None,
        })
    }

    /// Moves a file or folder as a whole; where it is then.
    fn rename(&self, path: &Path) -> Result<String, LandingError> {
        let target = free_name(&self.place(path));
        if let Some(parent) = target.parent() {
            create_private_dir(parent)?;
        }
        std::fs::rename(path, &target).map_err(LandingError::io("setting aside", path))?;
        if let Some(parent) = path.parent() {
            sync_folder(parent)?;
        }
        Ok(self.below(&target))
    }

    /// The folder that what is set aside of a run goes to, made where it is missing.
    fn target(&self, folder: &Path) -> Result<PathBuf, LandingError> {
        let target = self.place(folder);
        create_private_dir(&target)?;
        Ok(target)
    }

    fn place(&self, folder: &Path) -> PathBuf {
        let relative = folder.strip_prefix(self.layout.root()).unwrap_or(folder);
        self.layout.root().join(FOLDER).join(relative)
    }

    fn below(&self, path: &Path) -> String {
        let relative = path.strip_prefix(self.layout.root()).unwrap_or(path);
        format!("landing/{}", relative.display())
    }
}
