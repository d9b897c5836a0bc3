//! Checksums of files.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use claimlake_contract::hex;
use sha2::{Digest, Sha256};

use crate::LandingError;

/// The SHA-256 of a file, lower-case hex.
pub(crate) fn sha256_of(path: &Path) -> Result<String, LandingError> {
    let file = File::open(path).map_err(LandingError::io("opening", path))?;
    let mut file = BufReader::with_capacity(256 << 10, file);
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).map_err(LandingError::io("reading", path))?;
    Ok(hex(&hash.finalize()))
}
