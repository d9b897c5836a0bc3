//! Files in the folder of a sealed run that its manifest does not name: what a kill left there.

use std::path::Path;

use claimlake_contract::{CHECKSUM_FILE, LandingManifest, MANIFEST_FILE};

use crate::folder::{entries, file_name, sync_folder};
use crate::{LandingError, SealedRun};

/// Removes the files of a run's folder that its manifest does not name.
pub(crate) fn remove_unnamed_files(
    folder: &Path,
    manifest: &LandingManifest,
) -> Result<(), LandingError> {
    for path in entries(folder)? {
        if !is_named(&path, manifest) {
            std::fs::remove_file(&path).map_err(LandingError::io("removing", &path))?;
        }
    }
    Ok(())
}

/// Removes the parts beside a sealed manifest that it does not name, as a kill after sealing leaves
/// them. Returns how many there were.
///
/// # Errors
/// When the disk refuses.
pub fn remove_unnamed_parts(run: &SealedRun) -> Result<usize, LandingError> {
    let mut removed = 0;
    let folder = run.own_folder()?;
    for path in entries(folder)? {
        let name = file_name(&path);
        let is_part = name.starts_with("part-") || name.ends_with(".tmp");
        if is_part && path.is_file() && !is_named(&path, &run.manifest) {
            std::fs::remove_file(&path).map_err(LandingError::io("removing", &path))?;
            removed += 1;
        }
    }
    if removed > 0 {
        sync_folder(folder)?;
    }
    Ok(removed)
}

fn is_named(path: &Path, manifest: &LandingManifest) -> bool {
    named_files(manifest).any(|named| named == file_name(path))
}

/// The names of all files of a sealed run.
pub(crate) fn named_files(manifest: &LandingManifest) -> impl Iterator<Item = &str> {
    let parts = manifest.parts.iter().flat_map(|part| {
        let references = part.references.as_ref().map(|of| of.file.as_str());
        [Some(part.file.as_str()), references].into_iter().flatten()
    });
    [MANIFEST_FILE, CHECKSUM_FILE].into_iter().chain(parts)
}
