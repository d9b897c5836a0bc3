//! `manifest.json` of a snapshot, and its checksum in the file beside it.
//!
//! The manifest is written last and names every other file with its hash. So a folder without a
//! manifest is an unfinished build, and the checksum of one small file protects all of the
//! snapshot.

use std::io::Write as _;
use std::path::Path;

use claimlake_contract::{CHECKSUM_FILE, LAKE_FORMAT, LakeManifest, MANIFEST_FILE, hex};
use sha2::{Digest, Sha256};

use crate::error::{LoadError, Result};
use crate::publish::access::Access;

/// What to do with a lake that another version wrote.
pub(crate) const OTHER_VERSION: &str = "use the claimlake that published it, go back with \
     `snapshots rollback N`, or move the lake away and make it anew with `transform --full`, then `load`";

/// Reads the manifest of the snapshot in `folder` and compares it with its checksum.
///
/// # Errors
///
/// [`LoadError::Lake`] if it is missing, was edited, belongs to another snapshot or has another
/// format. The format is read before the rest: a manifest of another version may have other keys.
/// The message says how to continue.
pub fn read_manifest(folder: &Path) -> Result<LakeManifest> {
    let path = folder.join(MANIFEST_FILE);
    let way_on = "`transform --full`, then `load --rebuild` makes it anew from landing, `snapshots \
         rollback N` goes back to a whole snapshot";
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(LoadError::lake(
                folder,
                format!("the snapshot has no manifest.json; {way_on}"),
            ));
        }
        Err(error) => return Err(LoadError::io("reading", &path)(error)),
    };
    let checksum_path = folder.join(CHECKSUM_FILE);
    let checksum = std::fs::read_to_string(&checksum_path)
        .map_err(LoadError::io("reading", &checksum_path))?;
    if checksum != checksum_line(&text) {
        return Err(LoadError::lake(
            &path,
            format!(
                "the manifest was edited after it was published (its checksum differs); {way_on}"
            ),
        ));
    }
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let broken = |error: serde_json::Error| {
        LoadError::lake(&path, format!("the manifest is broken: {error}; {way_on}"))
    };
    let Format { format } = serde_json::from_slice(&text).map_err(broken)?;
    if format != LAKE_FORMAT {
        return Err(LoadError::lake(
            &path,
            format!(
                "it has format {format}, and this version of claimlake reads {LAKE_FORMAT}: \
                 {OTHER_VERSION}"
            ),
        ));
    }
    let manifest: LakeManifest = serde_json::from_slice(&text).map_err(broken)?;
    if number_of(folder).is_some_and(|number| number != manifest.snapshot) {
        let reason = format!(
            "the manifest is that of snapshot {}; {way_on}",
            manifest.snapshot
        );
        return Err(LoadError::lake(&path, reason));
    }
    Ok(manifest)
}

/// The content of the checksum file: one line that `sha256sum -c` accepts.
fn checksum_line(manifest: &[u8]) -> String {
    format!("{}  {MANIFEST_FILE}\n", hex(&Sha256::digest(manifest)))
}

/// The number in the name of a snapshot's folder, after links (such as `current`) are resolved;
/// `None` if it is not a number.
fn number_of(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    folder.file_name()?.to_str()?.parse().ok()
}

/// Writes the checksum, then the manifest, which is the last file of a snapshot.
pub(crate) fn write(folder: &Path, manifest: &LakeManifest, access: &Access) -> Result<()> {
    let path = folder.join(MANIFEST_FILE);
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| {
        LoadError::lake(&path, format!("the manifest cannot be written: {error}"))
    })?;
    text.push(b'\n');
    let checksum = checksum_line(&text);
    write_file(&folder.join(CHECKSUM_FILE), checksum.as_bytes(), access)?;
    write_file(&path, &text, access)
}

/// Creates a file with the lake's mode and group. It is not synced: [`super::lake::Lake::place`]
/// syncs everything at once.
pub(crate) fn write_file(path: &Path, bytes: &[u8], access: &Access) -> Result<()> {
    let mut file = access.create_file(path)?;
    file.write_all(bytes)
        .map_err(LoadError::io("writing", path))
}
