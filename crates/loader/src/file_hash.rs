//! Hashes of files, and of texts that go into one.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use claimlake_contract::{StagedFile, hex};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::Xxh3;

use crate::error::{LoadError, Result};

/// SHA-256 of a text, lower-case hex.
///
/// ```
/// // FIPS 180-2, appendix B.1.
/// let hash = claimlake_loader::sha256_hex("abc");
/// assert!(hash.starts_with("ba7816bf8f01cfea414140de5dae2223"));
/// ```
#[must_use]
pub fn sha256_hex(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Compares a staged file with its hash in the manifest. `transform` records XXH3 for its own
/// files, which is several times faster than SHA-256 and enough against accidents; files that
/// another program staged have SHA-256 only.
///
/// # Errors
///
/// [`LoadError::Staged`] if the hash differs; [`LoadError::Io`] if the file cannot be read.
pub(crate) fn check_hash(path: &Path, file: &StagedFile) -> Result<()> {
    let is_same = match &file.xxh3 {
        Some(xxh3) => {
            let mut hash = Xxh3::new();
            read_through(path, |bytes| hash.update(bytes))?;
            format!("{:032x}", hash.digest128()) == *xxh3
        }
        None => hash_of(path)? == file.sha256,
    };
    if is_same {
        return Ok(());
    }
    Err(LoadError::staged(
        path,
        "its checksum is not the manifest's",
    ))
}

/// The SHA-256 of a file, as lower-case hex digits. The file is read in blocks, never as a whole.
pub(crate) fn hash_of(path: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    read_through(path, |bytes| hash.update(bytes))?;
    Ok(hex(&hash.finalize()))
}

/// Passes the bytes of a file to `take`, block by block.
fn read_through(path: &Path, mut take: impl FnMut(&[u8])) -> Result<()> {
    let mut opened = File::open(path).map_err(LoadError::io("opening", path))?;
    let mut buffer = vec![0; 256 << 10];
    loop {
        let read = opened
            .read(&mut buffer)
            .map_err(LoadError::io("reading", path))?;
        if read == 0 {
            return Ok(());
        }
        take(&buffer[..read]);
    }
}
