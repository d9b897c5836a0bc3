//! Removes a folder that readers find by its name or its manifest.
//!
//! It is first renamed to a name that no reader recognizes: after a kill, either all of it is
//! there, or nothing that anybody reads. [`clear`] deletes what a killed removal left.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::crash;

/// What the name of a folder begins with while it is being removed.
const REMOVING: &str = ".removing-";

/// Removes a folder and all that is in it; one that is not there is removed already.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    match set_aside(folder)? {
        Some(aside) => {
            crash::point("set-aside");
            remove_tree(&aside)
        }
        None => Ok(()),
    }
}

/// Removes what killed removals left in a folder; the caller holds its lock.
pub(crate) fn clear(parent: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(parent) {
        Err(error) if is_not_there(&error) => return Ok(()),
        entries => entries.with_context(|| format!("listing {}", parent.display()))?,
    };
    for entry in entries {
        let path = entry
            .with_context(|| format!("listing {}", parent.display()))?
            .path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(REMOVING)) {
            remove_tree(&path)?;
        }
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(crate) fn sync(folder: &Path) -> anyhow::Result<()> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .with_context(|| format!("syncing {}", folder.display()))
}

/// Renames it; `None` if it is not there.
fn set_aside(folder: &Path) -> anyhow::Result<Option<PathBuf>> {
    let (Some(name), Some(parent)) = (folder.file_name(), folder.parent()) else {
        return Ok(None);
    };
    let mut aside = std::ffi::OsString::from(REMOVING);
    aside.push(name);
    let aside = parent.join(aside);
    remove_tree(&aside)?;
    match fs::rename(folder, &aside) {
        Err(error) if is_not_there(&error) => return Ok(None),
        done => done.with_context(|| format!("removing {}", folder.display()))?,
    }
    sync(parent)?;
    Ok(Some(aside))
}

fn remove_tree(folder: &Path) -> anyhow::Result<()> {
    let removed = match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => fs::remove_file(folder),
        removed => removed,
    };
    match removed {
        Err(error) if !is_not_there(&error) => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

fn is_not_there(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{clear, remove, set_aside};

    #[test]
    fn a_removal_that_ends_after_any_of_its_steps_leaves_no_folder_of_that_name() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run=1");
        let make = || {
            fs::create_dir_all(folder.join("eob")).unwrap();
            fs::write(folder.join("manifest.json"), "{}").unwrap();
        };
        make();
        let aside = set_aside(&folder).unwrap().unwrap();
        assert!(!folder.exists() && aside.join("manifest.json").is_file());
        assert_eq!(
            claimlake_contract::partition_value(&aside, "run"),
            None,
            "a reader takes it for a run"
        );
        // One of the same name, while what is left of the former is there.
        make();
        remove(&folder).unwrap();
        assert!(!folder.exists() && !aside.exists());
        assert_eq!(set_aside(&folder).unwrap(), None);
        make();
        set_aside(&folder).unwrap();
        fs::create_dir_all(parent.path().join("run=2")).unwrap();
        clear(parent.path()).unwrap();
        assert!(!aside.exists() && parent.path().join("run=2").exists());
        clear(&parent.path().join("nowhere")).unwrap();
        remove(&parent.path().join("nowhere")).unwrap();
    }
}
