//! `manifest.json` of a landing run, written last and read first.

use std::path::Path;

use claimlake_contract::{CHECKSUM_FILE, LANDING_FORMAT, LandingManifest, MANIFEST_FILE, hex};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::LandingError;
use crate::folder::write_by_rename;

pub(crate) fn write(folder: &Path, manifest: &LandingManifest) -> Result<(), LandingError> {
    let path = folder.join(MANIFEST_FILE);
    let text = serde_json::to_vec(manifest).map_err(|source| LandingError::Manifest {
        path: path.clone(),
        source,
    })?;
    let checksum = format!("{}  {MANIFEST_FILE}\n", hex(&Sha256::digest(&text)));
    // The manifest is what seals the run, so it comes last.
    write_by_rename(&folder.join(CHECKSUM_FILE), checksum.as_bytes())?;
    write_by_rename(&path, &text)
}

pub(crate) fn read(path: &Path) -> Result<LandingManifest, LandingError> {
    let text = std::fs::read(path).map_err(LandingError::io("reading", path))?;
    let broken = |source| LandingError::Manifest {
        path: path.to_path_buf(),
        source,
    };
    // The manifest of another version may have other keys.
    let Format { format } = serde_json::from_slice(&text).map_err(broken)?;
    if format != LANDING_FORMAT {
        return Err(LandingError::OtherFormat {
            path: path.to_path_buf(),
            found: format,
        });
    }
    serde_json::from_slice(&text).map_err(broken)
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}
