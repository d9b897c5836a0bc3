//! Reading and writing references files, frame for frame with their part.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use claimlake_contract::{Frame, LandingReferences, ReferenceRecord, hex};
use sha2::{Digest, Sha256};
use zstd::bulk::{Compressor, Decompressor};

use crate::folder::create_private_file;
use crate::{LandingError, SealedPart};

/// Records of one frame that claim to be larger than this when decompressed are damaged.
const LARGEST_FRAME: u64 = 1 << 30;

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

/// The references file of `part-00000.ndjson.zst` is `references-00000.ndjson.zst`.
pub(crate) fn sibling_name(part_file: &str) -> String {
    part_file.replacen("part-", "references-", 1)
}

/// The records of a part's frames, read one frame at a time.
#[derive(Debug)]
pub(crate) struct FrameRecords<'p> {
    part: &'p SealedPart,
    file: Option<Result<File, String>>,
}

impl<'p> FrameRecords<'p> {
    pub(crate) fn of(part: &'p SealedPart) -> Self {
        let path = part.references_path();
        let file = path.map(|path| {
            File::open(path).map_err(|error| format!("they cannot be opened: {error}"))
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

    /// A frame as it is on disk; none where it has no records.
    pub(crate) fn raw(&self, index: usize) -> Result<Option<(Frame, Vec<u8>)>, String> {
        let (Some(references), Some(file)) = (&self.part.part.references, &self.file) else {
            return Ok(None);
        };
        let damaged = |what: &str| format!("its references are damaged ({what})");
        let file = file.as_ref().map_err(|error| damaged(error))?;
        let frame = references.frames.get(index);
        let frame = *frame.ok_or_else(|| damaged("a frame is missing in the manifest"))?;
        if frame.length == 0 {
            return Ok(None);
        }
        if frame.uncompressed > LARGEST_FRAME || frame.length > 2 * LARGEST_FRAME {
            return Err(damaged("impossible size"));
        }
        let length = usize::try_from(frame.length).map_err(|_| damaged("impossible size"))?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, frame.offset)
            .map_err(|_| damaged("the file ends early"))?;
        Ok(Some((frame, bytes)))
    }
}

/// Writes the references file of one part.
pub(crate) struct ReferencesWriter {
    file: File,
    path: PathBuf,
    hash: Sha256,
    compressor: Compressor<'static>,
    references: LandingReferences,
}

impl ReferencesWriter {
    /// Creates the file for a part that has `frames` frames without records already.
    pub(crate) fn create(
        folder: &Path,
        part_file: &str,
        frames: usize,
    ) -> Result<Self, LandingError> {
        let name = sibling_name(part_file);
        let path = folder.join(&name);
        crate::import::marker::remove_if_there(&path)?;
        let file = create_private_file(&path)?;
        let compressor = Compressor::new(crate::WriterOptions::default().level)
            .map_err(LandingError::io("compressing for", &path))?;
        Ok(Self {
            file,
            path,
            hash: Sha256::new(),
            compressor,
            references: LandingReferences {
                file: name,
                lines: 0,
                bytes: 0,
                sha256: String::new(),
                frames: vec![EMPTY; frames],
            },
        })
    }

    /// The records of the part's next frame.
    pub(crate) fn append(&mut self, records: &[ReferenceRecord]) -> Result<(), LandingError> {
        if records.is_empty() {
            self.references.frames.push(EMPTY);
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
        self.append_raw(&compressed, records.len() as u64, text.len() as u64)
    }

    /// The same, of records that are compressed already.
    pub(crate) fn append_raw(
        &mut self,
        compressed: &[u8],
        lines: u64,
        uncompressed: u64,
    ) -> Result<(), LandingError> {
        self.file
            .write_all(compressed)
            .map_err(LandingError::io("writing", &self.path))?;
        self.hash.update(compressed);
        self.references.frames.push(Frame {
            offset: self.references.bytes,
            length: compressed.len() as u64,
            lines,
            uncompressed,
        });
        self.references.bytes += compressed.len() as u64;
        self.references.lines += lines;
        Ok(())
    }

    /// Makes the file durable; what the manifest is to say of it.
    pub(crate) fn finish(mut self) -> Result<LandingReferences, LandingError> {
        self.file
            .sync_all()
            .map_err(LandingError::io("syncing", &self.path))?;
        self.references.sha256 = hex(&self.hash.finalize());
        Ok(self.references)
    }
}

const EMPTY: Frame = Frame {
    offset: 0,
    length: 0,
    lines: 0,
    uncompressed: 0,
};
