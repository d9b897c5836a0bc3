//! Makes an extraction's run visible in one step: a file that exists until every resource
//! type of the run is sealed. Readers ignore the folders of a marked run.

use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use claimlake_contract::{LandingLayout, RunId};

use crate::LandingError;
use crate::folder::{create_private_dir, entries, file_name, remove_if_there, sync_folder};

const MARKER: &str = "extracting-run=";

/// Marks a run as unfinished, before its first folder is made.
///
/// # Errors
/// When the disk refuses.
pub fn mark_unfinished(layout: &LandingLayout, run: &RunId) -> Result<(), LandingError> {
    create_private_dir(layout.root())?;
    let path = marker(layout, run);
    std::fs::File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(LandingError::io("creating", path))?;
    sync_folder(layout.root())
}

/// Makes a run visible: all its folders are sealed, or gone.
///
/// # Errors
/// When the disk refuses.
pub fn mark_finished(layout: &LandingLayout, run: &RunId) -> Result<(), LandingError> {
    if !layout.root().try_exists().unwrap_or(false) {
        return Ok(());
    }
    remove_if_there(&marker(layout, run))?;
    sync_folder(layout.root())
}

/// The runs that are marked: under way, or killed.
///
/// # Errors
/// When the folder cannot be listed.
pub fn unfinished_runs(layout: &LandingLayout) -> Result<Vec<RunId>, LandingError> {
    let mut runs: Vec<RunId> = entries(layout.root())?
        .iter()
        .filter_map(|path| file_name(path).strip_prefix(MARKER)?.parse().ok())
        .collect();
    runs.sort();
    Ok(runs)
}

fn marker(layout: &LandingLayout, run: &RunId) -> PathBuf {
    layout.root().join(format!("{MARKER}{run}"))
}
