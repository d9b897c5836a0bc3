//! Examines and cleans up the folder of a snapshot: can its manifest be used, and which files does
//! it not name?

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use claimlake_contract::{CHECKSUM_FILE, LAKE_FORMAT, LakeManifest, MANIFEST_FILE, hex};
use sha2::{Digest, Sha256};

use crate::damage::is_damage;
use crate::error::{LoadError, Result};
use crate::publish::manifest::read_manifest;

/// Whether a manifest can be used.
pub(super) enum Usable {
    /// It is intact.
    Yes(Box<LakeManifest>),
    /// It is missing or was changed.
    Damaged,
    /// It is intact, in a format that this version does not read.
    OfAnotherVersion,
}

/// Reads the manifest of a snapshot's folder.
///
/// # Errors
///
/// The operating system refuses to read it; a missing file is [`Usable::Damaged`].
pub(super) fn usable_manifest(folder: &Path) -> Result<Usable> {
    match read_manifest(folder) {
        Ok(manifest) => Ok(Usable::Yes(Box::new(manifest))),
        Err(LoadError::Io { source, .. }) if is_damage(&source) => Ok(Usable::Damaged),
        Err(error @ LoadError::Io { .. }) => Err(error),
        Err(_) if is_of_another_version(folder) => Ok(Usable::OfAnotherVersion),
        Err(_) => Ok(Usable::Damaged),
    }
}

/// Whether the manifest in a snapshot's folder is intact and has another format. Such a snapshot is
/// not damaged, and cannot be read here.
#[must_use]
pub fn is_of_another_version(folder: &Path) -> bool {
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let Ok(text) = std::fs::read(folder.join(MANIFEST_FILE)) else {
        return false;
    };
    let checksum = std::fs::read_to_string(folder.join(CHECKSUM_FILE)).unwrap_or_default();
    let is_as_published = checksum.split_whitespace().next() == Some(&hex(&Sha256::digest(&text)));
    let format = serde_json::from_slice::<Format>(&text);
    is_as_published && format.is_ok_and(|found| found.format != LAKE_FORMAT)
}

/// Deletes files of a snapshot that its manifest does not name; readers that list folders would
/// read them. A manifest of an earlier version does not name the files of `keys/`, so only the
/// folders of its tables are searched.
pub(super) fn remove_extra_files(folder: &Path, manifest: &LakeManifest) -> Result<()> {
    let mut named: BTreeSet<PathBuf> = manifest
        .all_files()
        .map(|file| folder.join(&file.path))
        .collect();
    named.extend([MANIFEST_FILE, CHECKSUM_FILE].map(|name| folder.join(name)));
    let mut folders = match manifest.owners {
        Some(_) => vec![folder.to_path_buf()],
        None => {
            let tables = manifest.tables.iter();
            tables
                .map(|table| folder.join(&table.layout.name))
                .collect()
        }
    };
    while let Some(next) = folders.pop() {
        let entries = match std::fs::read_dir(&next) {
            Ok(entries) => entries,
            Err(error) if is_damage(&error) => continue,
            Err(error) => return Err(LoadError::io("listing", &next)(error)),
        };
        for entry in entries {
            let path = entry.map_err(LoadError::io("listing", &next))?.path();
            let kind = std::fs::symlink_metadata(&path).map_err(LoadError::io("reading", &path))?;
            if kind.is_dir() && !named.contains(&path) {
                folders.push(path);
            } else if !kind.is_dir() && !named.contains(&path) {
                remove_file(&path)?;
            }
        }
    }
    Ok(())
}

/// Deletes a file; no error if there is none.
pub(super) fn remove_file(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(LoadError::io("removing", path)(error))
        }
        _ => Ok(()),
    }
}
