//! Compares staged runs, and the records of loaded ones, with the checksums beside their manifests.
//! `verify` reports what differs, and `transform` creates such a run again; a load compares the files
//! that it reads itself.

use std::path::Path;

use claimlake_contract::{KEYS_TABLE, MANIFEST_FILE, SUMS_FILE, StagedManifest};

use crate::damage::is_damage;
use crate::error::{LoadError, Result};
use crate::file_hash::{check_hash, hash_of};
use crate::staged_run::StagedRun;
use crate::sums::sums;

/// A file that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedFile {
    /// Relative to the folder of its run.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// The damaged files of a staged run: every file that has a checksum is compared with it.
///
/// # Errors
/// The operating system refuses.
pub fn check_staged_run(folder: &Path) -> Result<Vec<DamagedFile>> {
    let mut damaged = check_record(folder)?;
    let run = match StagedRun::open(folder) {
        Ok(run) => run,
        Err(LoadError::Staged { path, reason }) => {
            add(&mut damaged, folder, &path, reason);
            return Ok(damaged);
        }
        Err(error) => return Err(error),
    };
    for file in run.manifest.tables.iter().flat_map(|table| &table.files) {
        match check_hash(&folder.join(&file.file), file) {
            Ok(()) => {}
            Err(LoadError::Staged { path, reason }) => add(&mut damaged, folder, &path, reason),
            Err(error) => return Err(error),
        }
    }
    Ok(damaged)
}

/// Adds a file unless it is already listed: the manifest can be found damaged twice.
fn add(damaged: &mut Vec<DamagedFile>, folder: &Path, path: &Path, reason: String) {
    let file = path.strip_prefix(folder).unwrap_or(path);
    let file = file.display().to_string();
    if !damaged.iter().any(|known| known.file == file) {
        damaged.push(DamagedFile { file, reason });
    }
}

/// What of a staged run's other files, or of the record of a loaded one, is damaged: its manifest, its
/// keys, its rejects, what no view read. A file of rejects that is no longer there has lived for as
/// long as the pipeline says, and so has the table of keys in a record.
///
/// # Errors
///
/// The operating system refuses.
pub fn check_record(folder: &Path) -> Result<Vec<DamagedFile>> {
    let mut damaged = Vec::new();
    let Some(sums) = sums(folder)? else {
        return Ok(damaged);
    };
    if !sums.iter().any(|(_, name)| name == MANIFEST_FILE) {
        let path = folder.join(SUMS_FILE);
        add(&mut damaged, folder, &path, "it names no manifest".into());
    }
    let is_staged = folder.join(KEYS_TABLE).is_dir();
    for (sha256, name) in sums {
        let path = folder.join(&name);
        let may_be_missing = !is_staged && (name != MANIFEST_FILE && name != "snapshot");
        if may_be_missing && !path.exists() {
            continue;
        }
        match hash_of(&path) {
            Ok(found) if found == sha256 => {}
            Ok(_) => add(&mut damaged, folder, &path, "its checksum differs".into()),
            Err(LoadError::Io { source, .. }) if is_damage(&source) => {
                add(&mut damaged, folder, &path, source.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(damaged)
}

/// Whether the folder of a staged run, or of the record of one, has a manifest that can be read.
#[must_use]
pub fn is_staged_manifest(folder: &Path) -> bool {
    let text = std::fs::read(folder.join(MANIFEST_FILE)).unwrap_or_default();
    serde_json::from_slice::<StagedManifest>(&text).is_ok()
}
