//! Makes an import visible in one step: a file that exists, locked, while it runs.
//!
//! Readers ignore the folders of a marked run. A marker whose lock is free was left by an
//! import that was killed; the next import removes it and what it marks.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use claimlake_contract::{LandingLayout, RunId};

use crate::LandingError;
use crate::folder::{
    create_private_file, entries, file_name, remove_folder_if_there, remove_if_there, sync_folder,
};

const MARKER: &str = "importing-run=";
const NEW_MARKER: &str = "new-marker-run=";
const SPOOL: &str = "stdin-run=";

pub(crate) struct ImportMarker {
    root: PathBuf,
    run: RunId,
    /// Locked as long as it is open.
    _file: File,
}

impl ImportMarker {
    pub(crate) fn create(layout: &LandingLayout, run: &RunId) -> Result<Self, LandingError> {
        let root = layout.root().to_path_buf();
        // Locked under another name first: the marker is never seen unlocked.
        let new = root.join(format!("{NEW_MARKER}{run}"));
        let file = create_private_file(&new)?;
        file.lock().map_err(LandingError::io("locking", &new))?;
        let path = root.join(format!("{MARKER}{run}"));
        std::fs::rename(&new, &path).map_err(LandingError::io("creating", &path))?;
        sync_folder(&root)?;
        Ok(Self {
            root,
            run: run.clone(),
            _file: file,
        })
    }

    /// Makes the run visible.
    pub(crate) fn commit(self) -> Result<(), LandingError> {
        remove_spools(&self.root, &self.run)?;
        let path = self.root.join(format!("{MARKER}{}", self.run));
        std::fs::remove_file(&path).map_err(LandingError::io("removing", &path))?;
        sync_folder(&self.root)
    }

    /// Removes everything of the run.
    pub(crate) fn abandon(self, layout: &LandingLayout) -> Result<(), LandingError> {
        remove_run(layout, &self.run)
    }
}

/// Where the stream that is the input of this number is copied to.
pub(crate) fn spool_path(layout: &LandingLayout, run: &RunId, number: usize) -> PathBuf {
    layout.root().join(format!("{SPOOL}{run}.{number}"))
}

fn remove_spools(root: &Path, run: &RunId) -> Result<(), LandingError> {
    let prefix = format!("{SPOOL}{run}");
    for path in entries(root)? {
        if file_name(&path).starts_with(&prefix) {
            remove_if_there(&path)?;
        }
    }
    Ok(())
}

/// The runs whose import has not ended.
pub(crate) fn runs_under_import(layout: &LandingLayout) -> Result<BTreeSet<RunId>, LandingError> {
    Ok(markers(layout)?.into_iter().map(|(run, _)| run).collect())
}

/// Removes what killed imports left behind.
pub(crate) fn clear_abandoned(layout: &LandingLayout) -> Result<(), LandingError> {
    for (run, path) in markers(layout)? {
        let file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            file => file.map_err(LandingError::io("opening", &path))?,
        };
        match file.try_lock() {
            Ok(()) => {
                tracing::info!(run.id = %run, "removing what an interrupted import left behind");
                remove_run(layout, &run)?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                return Err(LandingError::io("locking", path)(error));
            }
        }
    }
    Ok(())
}

fn markers(layout: &LandingLayout) -> Result<Vec<(RunId, PathBuf)>, LandingError> {
    let mut found = Vec::new();
    for path in entries(layout.root())? {
        if let Some(Ok(run)) = file_name(&path).strip_prefix(MARKER).map(str::parse) {
            found.push((run, path));
        }
    }
    Ok(found)
}

fn remove_run(layout: &LandingLayout, run: &RunId) -> Result<(), LandingError> {
    for api in folders_with_prefix(layout.root(), "api=")? {
        for resource in folders_with_prefix(&api, "resource=")? {
            remove_folder_if_there(&resource.join(format!("run={run}")))?;
        }
    }
    remove_if_there(&layout.rejected_file(run))?;
    remove_spools(layout.root(), run)?;
    // The marker goes last: until then the run is not visible.
    remove_if_there(&layout.root().join(format!("{MARKER}{run}")))?;
    sync_folder(layout.root())
}

fn folders_with_prefix(root: &Path, prefix: &str) -> Result<Vec<PathBuf>, LandingError> {
    let mut found = entries(root)?;
    found.retain(|path| file_name(path).starts_with(prefix));
    Ok(found)
}
