//! Reading and writing references files, frame for frame with their part.

use std::fs::File;
use std::path::{Path, PathBuf};

use claimlake_contract::{Frame, LandingReferences, ReferenceRecord};
use zstd::bulk::{Compressor, Decompressor};

use crate::folder::{file_name, remove_if_there};
use crate::frame::read_raw;
use crate::frame_file::FrameFile;
use crate::part_name::references_name;
use crate::{LandingError, SealedPart};

/// The records of a chunk's lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineReferences(Vec<ReferenceRecord>);

impl LineReferences {
    /// The records of a line of the part, counted from 1.
    #[must_use]
    pub fn of_line(&self, line: u64) -> &[ReferenceRecord] {
        let first = self.0.partition_point(|record| record.line < line);
        let rest = self.0.get(first..).unwrap_or_default();
        let end = rest.partition_point(|record| record.line == line);
        rest.get(..end).unwrap_or_default()
    }

    /// Adds the records of the next frame, whose first line is `first_line` of the part.
    pub(crate) fn extend(&mut self, first_line: u64, records: Vec<ReferenceRecord>) {
        self.0
            .extend(records.into_iter().map(|record| ReferenceRecord {
                line: first_line + record.line - 1,
                ..record
            }));
    }
}

/// The records of a part's frames, read one frame at a time.
#[derive(Debug)]
pub(crate) struct FrameRecords<'p> {
    part: &'p SealedPart,
    /// Where in the file the references begin, too.
    file: Option<Result<(File, u64), String>>,
}

impl<'p> FrameRecords<'p> {
    pub(crate) fn of(part: &'p SealedPart) -> Self {
        let file = part.open_references().map(|opened| {
            let opened = opened.map(|(file, slice)| (file, slice.begins()));
            opened.map_err(|error| format!("they cannot be opened: {error}"))
        });
        Self { part, file }
    }

    /// The records of a frame; their lines count from the frame's first.
    ///
    /// # Errors
    /// Why they cannot be read. The frame is then as good as damaged: without them its lines say
    /// something else.
    pub(crate) fn read(&self, index: usize) -> Result<Vec<ReferenceRecord>, String> {
        let Some((frame, bytes)) = self.raw(index)? else {
            return Ok(Vec::new());
        };
        let failed = |what: &str| format!("its references are damaged ({what})");
        let size = usize::try_from(frame.uncompressed).map_err(|_| failed("impossible size"))?;
        let text = Decompressor::new()
            .and_then(|mut decompressor| decompressor.decompress(&bytes, size))
            .map_err(|_| failed("a frame does not decompress"))?;
        let lines = self.part.part.frames.get(index).map_or(0, |of| of.lines);
        let mut records: Vec<ReferenceRecord> = Vec::new();
        for line in text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let record: ReferenceRecord =
                serde_json::from_slice(line).map_err(|_| failed("a record is not one"))?;
            let in_order = records.last().is_none_or(|last| last.line <= record.line);
            if !in_order || record.line == 0 || record.line > lines {
                return Err(failed("a record is of no line"));
            }
            records.push(record);
        }
        match records.len() as u64 == frame.lines {
            true => Ok(records),
            false => Err(failed("a frame has another number of records")),
        }
    }

    /// A frame as it is on disk; `None` if it has no records.
    pub(crate) fn raw(&self, index: usize) -> Result<Option<(Frame, Vec<u8>)>, String> {
        let (Some(references), Some(file)) = (&self.part.part.references, &self.file) else {
            return Ok(None);
        };
        let damaged = |what: &str| format!("its references are damaged ({what})");
        let (file, begins) = file.as_ref().map_err(|error| damaged(error))?;
        let frame = references.frames.get(index);
        let frame = *frame.ok_or_else(|| damaged("a frame is missing in the manifest"))?;
        if frame.length == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        read_raw(file, *begins, &frame, &mut bytes).map_err(|reason| damaged(&reason))?;
        Ok(Some((frame, bytes)))
    }
}

/// Writes the references file of one part.
pub(crate) struct ReferencesWriter {
    file: FrameFile,
    path: PathBuf,
    compressor: Compressor<'static>,
}

impl ReferencesWriter {
    /// Creates the file beside a part that already has `frames` frames without records.
    pub(crate) fn create(part: &Path, frames: usize) -> Result<Self, LandingError> {
        let path = part.with_file_name(references_name(file_name(part)));
        remove_if_there(&path)?;
        let mut file = FrameFile::create(path.clone())?;
        file.frames = vec![EMPTY; frames];
        let compressor = Compressor::new(crate::WriterOptions::default().level)
            .map_err(LandingError::io("compressing for", &path))?;
        Ok(Self {
            file,
            path,
            compressor,
        })
    }

    /// The records of the part's next frame.
    pub(crate) fn append(&mut self, records: &[ReferenceRecord]) -> Result<(), LandingError> {
        if records.is_empty() {
            self.file.frames.push(EMPTY);
            return Ok(());
        }
        let mut text = Vec::new();
        for record in records {
            serde_json::to_writer(&mut text, record).map_err(|source| LandingError::Manifest {
                path: self.path.clone(),
                source,
            })?;
            text.push(b'\n');
        }
        let compressed = self
            .compressor
            .compress(&text)
            .map_err(LandingError::io("compressing for", &self.path))?;
        self.append_packed(&compressed, records.len() as u64, text.len() as u64)
    }

    /// The same for records that are compressed already.
    pub(crate) fn append_packed(
        &mut self,
        compressed: &[u8],
        lines: u64,
        uncompressed: u64,
    ) -> Result<(), LandingError> {
        self.file.append(compressed, lines, uncompressed)?;
        Ok(())
    }

    /// Makes the file durable; returns what the manifest records about it.
    pub(crate) fn finish(mut self) -> Result<LandingReferences, LandingError> {
        self.file.sync()?;
        Ok(LandingReferences {
            file: file_name(&self.path).to_owned(),
            lines: self.file.lines,
            bytes: self.file.bytes,
            sha256: self.file.sha256(),
            frames: self.file.frames,
        })
    }
}

const EMPTY: Frame = Frame {
    offset: 0,
    length: 0,
    lines: 0,
    uncompressed: 0,
};
