//! Staged runs and records of loaded ones with their checksums.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use claimlake_contract::{MANIFEST_FILE, STAGED_FORMAT, SUMS_FILE, StagedManifest};
use claimlake_loader::check_staged_run;

use super::{
    BUILDING, DataDir, Format, REJECTS_FILE, SNAPSHOT_FILE, UNREAD_FILE, is_whole,
    read_staged_manifest,
};
use crate::removal;

/// What other programs keep of their own beside the tables that they stage.
pub(crate) const JOB_FOLDER: &str = "_claimlake";

impl DataDir {
    /// Removes a loaded run's rows. What was read, rejected and unread stays on record, since the
    /// next `transform` leaves out what is in the lake already.
    pub(crate) fn retire_staged_run(
        &self,
        folder: &Path,
        snapshot: Option<u64>,
    ) -> anyhow::Result<PathBuf> {
        let Some(name) = folder.file_name() else {
            return Ok(folder.to_path_buf());
        };
        let record = self.keep_record(folder, folder, name, snapshot)?;
        removal::remove(folder)?;
        Ok(record)
    }

    /// Puts a loaded run that another program staged on record, if it says what of landing it read. Its
    /// folder stays as it is.
    pub(crate) fn record_foreign_run(
        &self,
        folder: &Path,
        snapshot: Option<u64>,
    ) -> anyhow::Result<()> {
        let manifest = read_staged_manifest(folder)?;
        if !manifest.landing_runs.is_empty() {
            let name = format!("run={}", manifest.run);
            let others = folder.join(JOB_FOLDER);
            self.keep_record(folder, &others, name.as_ref(), snapshot)?;
        }
        Ok(())
    }

    /// The record `name` of a run whose manifest is in `folder`, and what was rejected in `others`.
    fn keep_record(
        &self,
        folder: &Path,
        others: &Path,
        name: &OsStr,
        snapshot: Option<u64>,
    ) -> anyhow::Result<PathBuf> {
        let record = self.transformed().join(name);
        // A record appears as a whole or not at all, because it may be read at any moment.
        let building = self.transformed().join(BUILDING);
        removal::remove(&building)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&building)
            .with_context(|| format!("making {}", building.display()))?;
        for (place, file) in [
            (others, REJECTS_FILE),
            (others, UNREAD_FILE),
            (folder, MANIFEST_FILE),
        ] {
            let from = place.join(file);
            if from.is_file() {
                fs::copy(&from, building.join(file))
                    .and_then(|_| File::open(building.join(file))?.sync_all())
                    .with_context(|| format!("keeping {}", from.display()))?;
            }
        }
        let number = snapshot.unwrap_or_default().to_string();
        keep_sums(folder, &building, &number)
            .with_context(|| format!("writing into {}", building.display()))?;
        write_private(&building.join(SNAPSHOT_FILE), &number)
            .with_context(|| format!("writing into {}", building.display()))?;
        removal::remove(&record)?;
        fs::rename(&building, &record)
            .with_context(|| format!("renaming {}", building.display()))?;
        removal::sync(&self.transformed())?;
        Ok(record)
    }
}

/// The manifest on record of a loaded run; `None` if it is damaged.
pub(crate) fn read_record(folder: &Path) -> anyhow::Result<Option<StagedManifest>> {
    match read_staged_manifest(folder) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(error) if is_of_other_format(folder) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether a manifest has another format, and so is of another version rather than damaged.
fn is_of_other_format(folder: &Path) -> bool {
    let text = fs::read(folder.join(MANIFEST_FILE)).unwrap_or_default();
    let format = serde_json::from_slice::<Format>(&text);
    format.is_ok_and(|found| found.format != STAGED_FORMAT)
}

/// The manifest of a staged run of which every file is as it was written; `None` if one is not.
pub(crate) fn read_whole_staged(folder: &Path) -> anyhow::Result<Option<StagedManifest>> {
    let Some(manifest) = read_record(folder)? else {
        return Ok(None);
    };
    let is_whole = is_whole(folder, &manifest) && check_staged_run(folder)?.is_empty();
    Ok(is_whole.then_some(manifest))
}

/// The checksums of a staged run that stay true in its record, and that of the snapshot's number.
pub(super) fn keep_sums(folder: &Path, building: &Path, number: &str) -> io::Result<()> {
    let text = match fs::read_to_string(folder.join(SUMS_FILE)) {
        Ok(text) => text,
        // An earlier version staged it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut kept = String::new();
    for line in text.lines() {
        let name = line.split_once("  ").map(|(_, name)| name);
        if name.is_some_and(|name| [REJECTS_FILE, UNREAD_FILE, MANIFEST_FILE].contains(&name)) {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept.push_str(&format!(
        "{}  {SNAPSHOT_FILE}\n",
        claimlake_loader::sha256_hex(number)
    ));
    write_private(&building.join(SUMS_FILE), &kept)
}

/// Removes a file from the checksums beside it, before it is written again.
pub(crate) fn drop_sum(file: &Path) -> io::Result<()> {
    let sums = file.with_file_name(SUMS_FILE);
    let text = match fs::read_to_string(&sums) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let kept: String = text
        .lines()
        .filter(|line| !line.ends_with(&format!("  {name}")))
        .map(|line| format!("{line}\n"))
        .collect();
    let beside = sums.with_extension("tmp");
    write_private(&beside, &kept)?;
    fs::rename(&beside, &sums)
}

pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
