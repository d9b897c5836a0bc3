//! A file, or the piece of a file that holds what was a file before.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use claimlake_contract::hex;
use sha2::{Digest, Sha256};

use crate::{FoundFile, LandingError};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// Where the bytes of a part or of its references lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileSlice {
    pub(crate) path: PathBuf,
    /// Beginning and length; none if it is the whole file, however long that is.
    piece: Option<(u64, u64)>,
}

impl FileSlice {
    pub(crate) fn whole(path: PathBuf) -> Self {
        Self { path, piece: None }
    }

    pub(crate) fn piece(path: PathBuf, begins: u64, length: u64) -> Self {
        let piece = Some((begins, length));
        Self { path, piece }
    }

    pub(crate) fn begins(&self) -> u64 {
        self.piece.map_or(0, |(begins, _)| begins)
    }

    /// Beginning and length, if it is not the whole file.
    pub(crate) fn bounds(&self) -> Option<(u64, u64)> {
        self.piece
    }

    /// Its length, if it is not the whole file.
    pub(crate) fn length(&self) -> Option<u64> {
        self.piece.map(|(_, length)| length)
    }

    /// Reads it in pieces; how many bytes there are.
    pub(crate) fn read(&self, mut visit: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<u64> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.begins()))?;
        let mut limited = file.take(self.length().unwrap_or(u64::MAX));
        let (mut piece, mut bytes) = (vec![0; PIECE], 0);
        loop {
            let length = limited.read(&mut piece)?;
            if length == 0 {
                return Ok(bytes);
            }
            visit(piece.get(..length).unwrap_or_default())?;
            bytes += length as u64;
        }
    }

    /// What is on disk now.
    pub(crate) fn found(&self) -> io::Result<FoundFile> {
        let mut hash = Sha256::new();
        let bytes = self.read(|piece| {
            hash.update(piece);
            Ok(())
        })?;
        Ok(FoundFile {
            bytes,
            sha256: hex(&hash.finalize()),
        })
    }

    /// What is wrong with it, if anything.
    pub(crate) fn damage(&self, sha256: &str) -> Result<Option<String>, LandingError> {
        match self.found() {
            Ok(found) if found.sha256 == sha256 => Ok(None),
            Ok(_) => Ok(Some("its checksum differs from the manifest's".into())),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Err(LandingError::io("opening", &self.path)(error))
            }
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}
