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
    let found = format_of(&text).map_err(broken)?;
    if found != LANDING_FORMAT {
        return Err(LandingError::OtherFormat {
            path: path.to_path_buf(),
            found,
        });
    }
    serde_json::from_slice(&text).map_err(broken)
}

/// The format of a manifest, which may be another version's and have other keys.
pub(crate) fn format_of(text: &[u8]) -> serde_json::Result<u32> {
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    serde_json::from_slice(text).map(|Format { format }| format)
}
