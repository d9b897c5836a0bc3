//! What waits to be loaded, and what is on record of loaded runs, against their checksums.

use std::path::{Path, PathBuf};

use claimlake_loader::DamagedFile;

use crate::error::Error;
use crate::report::Check;

/// Staged runs: every file as it was written.
pub(crate) fn check_staged(folders: &[PathBuf]) -> Result<Check, Error> {
    let check = Check::hard("staged_runs", "staged runs against their checksums");
    each(check, folders, "staged", claimlake_loader::check_staged_run)
}

/// The records of loaded runs.
pub(crate) fn check_records(folders: &[PathBuf]) -> Result<Check, Error> {
    let check = Check::hard(
        "loaded_runs",
        "records of loaded runs against their checksums",
    );
    each(check, folders, "transformed", |folder| {
        let damaged = claimlake_loader::check_record(folder)?;
        if !damaged.is_empty() || claimlake_loader::is_staged_manifest(folder) {
            return Ok(damaged);
        }
        Ok(vec![DamagedFile {
            file: "manifest.json".into(),
            reason: "it cannot be read".into(),
        }])
    })
}

fn each(
    mut check: Check,
    folders: &[PathBuf],
    zone: &str,
    look: impl Fn(&Path) -> claimlake_loader::Result<Vec<DamagedFile>>,
) -> Result<Check, Error> {
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let found = look(folder).map_err(|error| Error::Lake(error.to_string()))?;
        if found.is_empty() {
            check.pass();
        }
        for DamagedFile { file, reason } in found {
            check.fail(|| format!("{zone}/{name}/{file}: {reason}"));
        }
    }
    Ok(check)
}
