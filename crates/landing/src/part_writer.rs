//! Writes one part, and beside it the targets to which the references of its lines were resolved.

use std::path::PathBuf;

use claimlake_contract::{Frame, LandingPart, ReferenceRecord};

use crate::LandingError;
use crate::folder::{file_name, remove_if_there};
use crate::frame_file::FrameFile;
use crate::references::file::ReferencesWriter;

/// A part that is being written, with the references of its lines.
pub(crate) struct PartWriter {
    pub(crate) part: FrameFile,
    /// Made with the first record.
    references: Option<ReferencesWriter>,
}

/// What the references of a frame's lines were resolved to.
pub(crate) enum FrameReferences<'r> {
    /// As records, whose lines count from the frame's first.
    Records(&'r [ReferenceRecord]),
    /// As a frame that another file has.
    Packed(Frame, Vec<u8>),
}

impl FrameReferences<'_> {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Records(records) if records.is_empty())
    }
}

impl PartWriter {
    /// Creates a part in place of one that may be there.
    pub(crate) fn replace(path: PathBuf) -> Result<Self, LandingError> {
        remove_if_there(&path)?;
        Self::create(path)
    }

    /// Creates a part, which must not exist.
    pub(crate) fn create(path: PathBuf) -> Result<Self, LandingError> {
        Ok(Self {
            part: FrameFile::create(path)?,
            references: None,
        })
    }

    /// Appends a frame that is compressed already; where it is now.
    pub(crate) fn append(
        &mut self,
        compressed: &[u8],
        lines: u64,
        uncompressed: u64,
        references: &FrameReferences<'_>,
    ) -> Result<Frame, LandingError> {
        if self.references.is_none() && !references.is_empty() {
            let before = self.part.frames.len();
            self.references = Some(ReferencesWriter::create(self.part.path(), before)?);
        }
        match (&mut self.references, references) {
            (None, _) => {}
            (Some(file), FrameReferences::Records(records)) => file.append(records)?,
            (Some(file), FrameReferences::Packed(frame, bytes)) => {
                file.append_packed(bytes, frame.lines, frame.uncompressed)?;
            }
        }
        self.part.append(compressed, lines, uncompressed)
    }

    /// Makes the part durable; returns what the manifest records about it.
    pub(crate) fn finish(mut self) -> Result<LandingPart, LandingError> {
        self.part.sync()?;
        Ok(LandingPart {
            file: file_name(self.part.path()).to_owned(),
            lines: self.part.lines,
            bytes: self.part.bytes,
            sha256: self.part.sha256(),
            references: self.references.map(ReferencesWriter::finish).transpose()?,
            frames: self.part.frames,
        })
    }
}
