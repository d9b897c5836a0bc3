//! `manifest.json` of a landing run, written last and read first.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use claimlake_contract::{CHECKSUM_FILE, LANDING_FORMAT, LandingManifest, MANIFEST_FILE, hex};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::LandingError;
use crate::folder::write_by_rename;

/// What a manifest says before it lists parts and runs is within as many bytes.
const HEAD: u64 = 512;

pub(crate) fn write(folder: &Path, manifest: &LandingManifest) -> Result<(), LandingError> {
    let path = folder.join(MANIFEST_FILE);
    let text =
        serde_json::to_vec(manifest).map_err(|source| LandingError::Manifest { path, source })?;
    write_text(folder, &text)
}

pub(crate) fn write_text(folder: &Path, text: &[u8]) -> Result<(), LandingError> {
    write_sums(folder, &[sum_of(text)])?;
    // The manifest is what seals the run, so it comes last.
    write_by_rename(&folder.join(MANIFEST_FILE), text)
}

/// The checksum file: a line for each sum that the manifest may have.
pub(crate) fn write_sums(folder: &Path, sums: &[String]) -> Result<(), LandingError> {
    let lines = sums.iter().map(|sum| format!("{sum}  {MANIFEST_FILE}\n"));
    let text: String = lines.collect();
    write_by_rename(&folder.join(CHECKSUM_FILE), text.as_bytes())
}

/// The sums in the checksum file of a folder; none if it cannot be read.
pub(crate) fn sums(folder: &Path) -> Vec<String> {
    let text = std::fs::read(folder.join(CHECKSUM_FILE)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    words.map(str::to_owned).collect()
}

pub(crate) fn sum_of(text: &[u8]) -> String {
    hex(&Sha256::digest(text))
}

/// The beginning of the manifest in a folder; none if there is no manifest.
///
/// # Errors
/// When the folder cannot be looked into. What cannot be read is empty.
pub(crate) fn head(folder: &Path) -> Result<Option<Vec<u8>>, LandingError> {
    let path = folder.join(MANIFEST_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => {
            let is_there = path.try_exists();
            let is_there = is_there.map_err(LandingError::io("looking for", &path))?;
            return Ok(is_there.then(Vec::new));
        }
    };
    let mut head = Vec::new();
    // Whoever reads the rest meets the same error.
    let _ = file.take(HEAD).read_to_end(&mut head);
    Ok(Some(head))
}

pub(crate) fn read(path: &Path) -> Result<LandingManifest, LandingError> {
    let text = std::fs::read(path).map_err(LandingError::io("reading", path))?;
    parse(path, &text)
}

pub(crate) fn parse(path: &Path, text: &[u8]) -> Result<LandingManifest, LandingError> {
    let broken = |source| LandingError::Manifest {
        path: path.to_path_buf(),
        source,
    };
    let found = format_of(text).map_err(broken)?;
    if found != LANDING_FORMAT {
        return Err(LandingError::OtherFormat {
            path: path.to_path_buf(),
            found,
        });
    }
    serde_json::from_slice(text).map_err(broken)
}

/// The format of a manifest, which may be another version's and have other keys.
pub(crate) fn format_of(text: &[u8]) -> serde_json::Result<u32> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    serde_json::from_slice(text).map(|Format { format }| format)
}
