//! A sealed part read once from its first byte to its last: hashed, and handed out in chunks.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use claimlake_contract::{Frame, hex};
use sha2::{Digest, Sha256};

use crate::chunk::decompress;
use crate::frame::{ENDS_EARLY, append_frame, checked_length};
use crate::{ChunkRead, ChunkRef, SealedPart, chunks_of};

/// Bytes between frames and behind them are read in pieces of this size.
const PIECE: usize = 1 << 16;

/// A part on its way from disk: the chunks come in order, and all that is read is hashed.
#[derive(Debug)]
pub struct PartStream {
    file: Result<File, io::Error>,
    chunks: std::vec::IntoIter<ChunkRef>,
    hash: Sha256,
    /// Where the part begins in the file.
    begins: u64,
    /// Where it ends, from its beginning; none if that is the end of the file.
    ends: Option<u64>,
    /// From the beginning of the part.
    position: u64,
}

/// A chunk as it is on disk, to be decompressed by whoever has the time.
#[derive(Debug)]
pub struct PackedChunk {
    /// The chunk.
    pub chunk: ChunkRef,
    /// Its frames, in order, or for each frame that cannot be read the reason.
    frames: Vec<Result<Vec<u8>, String>>,
}

/// A file as it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, lower-case hex.
    pub sha256: String,
}

impl PartStream {
    /// Opens the part, to be read in chunks of about `target_bytes` (decompressed). A part that
    /// cannot be opened gives chunks without frames, and the error at [`PartStream::end`].
    #[must_use]
    pub fn open(part: &SealedPart, target_bytes: u64) -> Self {
        let (mut begins, mut ends) = (0, None);
        let opened = part.open().and_then(|(mut file, slice)| {
            (begins, ends) = (slice.begins(), slice.length());
            file.seek(SeekFrom::Start(begins))?;
            Ok(file)
        });
        Self {
            file: opened,
            chunks: chunks_of(part, target_bytes).into_iter(),
            hash: Sha256::new(),
            begins,
            ends,
            position: 0,
        }
    }

    /// Reads what is left of the file: the whole of it, as it was read.
    ///
    /// # Errors
    /// When the file is not there or the part cannot be read to its end.
    pub fn end(mut self) -> io::Result<FoundFile> {
        self.read_up_to(u64::MAX)?;
        let digest = self.hash.finalize();
        Ok(FoundFile {
            bytes: self.position,
            sha256: hex(&digest),
        })
    }

    /// Reads and hashes up to this offset or the end of the file.
    fn read_up_to(&mut self, offset: u64) -> io::Result<()> {
        let offset = self.ends.map_or(offset, |ends| offset.min(ends));
        let mut file = match &self.file {
            Ok(file) => file,
            Err(error) => return Err(io::Error::new(error.kind(), error.to_string())),
        };
        let mut piece = Vec::new();
        while self.position < offset {
            let wanted = usize::try_from(offset - self.position).map_or(PIECE, |n| n.min(PIECE));
            piece.resize(wanted, 0);
            let length = file.read(&mut piece)?;
            if length == 0 {
                break;
            }
            self.hash.update(piece.get(..length).unwrap_or_default());
            self.position += length as u64;
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame) -> Result<Vec<u8>, String> {
        let length = checked_length(frame)?;
        let failed = |error: io::Error| format!("reading failed: {error}");
        let file = match &self.file {
            Ok(file) => file,
            Err(error) => return Err(format!("cannot be opened: {error}")),
        };
        let in_file = file.metadata().map_err(failed)?.len();
        let length_of_part = in_file.saturating_sub(self.begins);
        let length_of_part = self
            .ends
            .map_or(length_of_part, |ends| ends.min(length_of_part));
        if frame
            .offset
            .checked_add(frame.length)
            .is_none_or(|end| end > length_of_part)
        {
            return Err(ENDS_EARLY.to_owned());
        }
        let mut bytes = vec![0; length];
        if frame.offset < self.position {
            // A manifest whose frames overlap: read once more, hashed once only.
            file.read_exact_at(&mut bytes, self.begins + frame.offset)
                .map_err(failed)?;
            return Ok(bytes);
        }
        self.read_up_to(frame.offset).map_err(failed)?;
        let mut file = match &self.file {
            Ok(file) => file,
            Err(error) => return Err(format!("cannot be opened: {error}")),
        };
        file.read_exact(&mut bytes).map_err(failed)?;
        self.hash.update(&bytes);
        self.position += frame.length;
        Ok(bytes)
    }
}

impl Iterator for PartStream {
    type Item = PackedChunk;

    fn next(&mut self) -> Option<PackedChunk> {
        let chunk = self.chunks.next()?;
        let part = std::sync::Arc::clone(&chunk.part);
        let frames = chunk.frames.clone();
        let frames = frames.filter_map(|index| part.part.frames.get(index as usize));
        Some(PackedChunk {
            frames: frames.map(|frame| self.frame(frame)).collect(),
            chunk,
        })
    }
}

impl PackedChunk {
    /// Decompresses it, as [`crate::read_chunk`] does.
    #[must_use]
    pub fn decompress(&self) -> ChunkRead {
        let mut frames = self.frames.iter();
        decompress(
            &self.chunk,
            Vec::new(),
            |frame, decompressor, lines| match frames.next() {
                Some(Ok(bytes)) => append_frame(bytes, frame, decompressor, lines),
                Some(Err(reason)) => Err(reason.clone()),
                None => Err(ENDS_EARLY.to_owned()),
            },
        )
    }
}
