//! What joining runs, or giving them folders of their own again, leaves for the next command that
//! writes: folders and files that readers still had, and what a kill left.

use std::path::Path;

use claimlake_contract::{LandingLayout, MANIFEST_FILE};

use super::manifest::{MANIFESTS, file_number};
use crate::folder::{entries, file_name, remove_folder_if_there, remove_if_there, sync_folder};
use crate::listed::Place;
use crate::manifest_file::{sum_of, sums, write_sums};
use crate::unnamed_files::named_files;
use crate::{LandingError, listed_runs};

/// Removes folders of runs that a folder of several has, and files that their manifests replaced. The
/// caller has locked landing.
///
/// # Errors
/// When the disk refuses.
pub fn remove_leftovers(layout: &LandingLayout) -> Result<(), LandingError> {
    let listed = listed_runs(layout)?;
    for folder in &listed.replaced {
        remove_folder_if_there(folder)?;
    }
    for compacted in &listed.compacted {
        remove_ours(&compacted.folder, &|name| compacted.manifest.is_named(name))?;
        keep_one_sum(&compacted.folder)?;
    }
    for run in &listed.sealed {
        let is_own = matches!(run.place, Place::Own(_));
        if is_own && has_joined_files(&run.folder)? {
            let Ok(sealed) = run.read() else {
                continue;
            };
            let is_named = |name: &str| named_files(&sealed.manifest).any(|named| named == name);
            remove_ours(&run.folder, &is_named)?;
            keep_one_sum(&run.folder)?;
        }
    }
    Ok(())
}

/// Whether a kill left files here before, or after, they were the ones that are read.
fn has_joined_files(folder: &Path) -> Result<bool, LandingError> {
    let paths = entries(folder)?;
    Ok(paths
        .iter()
        .any(|path| file_name(path).starts_with(MANIFESTS)))
}

/// Removes the files that have names as they are given here, and that are not kept. The file whose
/// name shows that there is something to remove goes last.
pub(super) fn remove_ours(
    folder: &Path,
    is_kept: &dyn Fn(&str) -> bool,
) -> Result<(), LandingError> {
    let mut paths = entries(folder)?;
    paths.retain(|path| {
        let name = file_name(path);
        let is_ours = file_number(name).is_some() || name.ends_with(".tmp");
        is_ours && !is_kept(name)
    });
    paths.sort_by_key(|path| file_name(path).starts_with(MANIFESTS));
    for path in &paths {
        remove_if_there(path)?;
    }
    match paths.is_empty() {
        true => Ok(()),
        false => sync_folder(folder),
    }
}

/// Between two manifests the checksum file has the sums of both.
fn keep_one_sum(folder: &Path) -> Result<(), LandingError> {
    let sums = sums(folder);
    if sums.len() < 2 {
        return Ok(());
    }
    let path = folder.join(MANIFEST_FILE);
    let text = std::fs::read(&path).map_err(LandingError::io("reading", &path))?;
    let found = sum_of(&text);
    match sums.contains(&found) {
        true => write_sums(folder, &[found]),
        false => Ok(()),
    }
}
