//! Writes a file of frames, and collects what the manifest records about them.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use claimlake_contract::{Frame, hex};
use sha2::{Digest, Sha256};

use crate::LandingError;
use crate::folder::create_private_file;

/// A file of frames that is being written.
pub(crate) struct FrameFile {
    file: File,
    path: PathBuf,
    hash: Sha256,
    is_synced: bool,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    pub(crate) frames: Vec<Frame>,
}

impl FrameFile {
    pub(crate) fn create(path: PathBuf) -> Result<Self, LandingError> {
        Ok(Self {
            file: create_private_file(&path)?,
            path,
            hash: Sha256::new(),
            is_synced: false,
            bytes: 0,
            lines: 0,
            frames: Vec::new(),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends a frame that is compressed already; where it is now.
    pub(crate) fn append(
        &mut self,
        compressed: &[u8],
        lines: u64,
        uncompressed: u64,
    ) -> Result<Frame, LandingError> {
        self.file
            .write_all(compressed)
            .map_err(LandingError::io("writing", &self.path))?;
        self.hash.update(compressed);
        self.is_synced = false;
        let frame = Frame {
            offset: self.bytes,
            length: compressed.len() as u64,
            lines,
            uncompressed,
        };
        self.bytes += frame.length;
        self.lines += lines;
        self.frames.push(frame);
        Ok(frame)
    }

    /// Makes the frames durable.
    pub(crate) fn sync(&mut self) -> Result<(), LandingError> {
        if !self.is_synced {
            self.file
                .sync_data()
                .map_err(LandingError::io("syncing", &self.path))?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// The SHA-256 of the file, lower-case hex.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }
}
