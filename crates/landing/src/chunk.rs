//! Reading a sealed part in chunks of lines, from any number of threads.

use std::ops::Range;
use std::sync::Arc;

use claimlake_contract::{Frame, ReferenceRecord};
use zstd::bulk::Decompressor;

use crate::SealedPart;
use crate::frame::{LARGEST_FRAME, append_frame, read_raw};
use crate::references::file::{FrameRecords, LineReferences};

/// Room that a chunk has behind its lines, for readers that put an end mark there.
const ROOM_BEHIND: usize = 64;

/// Successive frames of one part, decompressible by themselves.
#[derive(Debug, Clone)]
pub struct ChunkRef {
    /// The part.
    pub part: Arc<SealedPart>,
    /// The frames, by their index in the part.
    pub frames: Range<u32>,
    /// The line of the part that the chunk begins with, from 1.
    pub first_line: u64,
    /// Lines in the chunk.
    pub lines: u64,
    /// Its size when decompressed.
    pub uncompressed: u64,
}

/// Decompressed lines of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whole lines, each ended by a newline.
    pub bytes: Vec<u8>,
    /// The line of the part that `bytes` begins with, from 1.
    pub first_line: u64,
    /// What the references of its lines were resolved to.
    pub references: LineReferences,
}

impl Chunk {
    /// Each line that is not empty, without its newline: its number in the part, its text, and what
    /// its references were resolved to.
    pub fn lines(&self) -> impl Iterator<Item = (u64, &[u8], &[ReferenceRecord])> {
        let lines = self.bytes.split(|byte| *byte == b'\n');
        (self.first_line..)
            .zip(lines)
            .filter(|(_, line)| !line.is_empty())
            .map(|(number, line)| (number, line, self.references.of_line(number)))
    }
}

/// A frame that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedFrame {
    /// The part, relative to the data directory.
    pub file: String,
    /// The frame, by its index in the part.
    pub frame: u32,
    /// The first line that is lost, from 1.
    pub first_line: u64,
    /// Lines that are lost.
    pub lines: u64,
    /// Why, as text.
    pub reason: String,
}

/// The result of reading a chunk: normally one [`Chunk`]; if frames are damaged, the pieces between
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChunkRead {
    /// What could be read, in landing order.
    pub chunks: Vec<Chunk>,
    /// What could not.
    pub damaged: Vec<DamagedFrame>,
}

/// Groups the frames of a part into chunks of about `target_bytes` (decompressed) or one frame.
#[must_use]
pub fn chunks_of(part: &SealedPart, target_bytes: u64) -> Vec<ChunkRef> {
    let part = Arc::new(part.clone());
    let mut chunks: Vec<ChunkRef> = Vec::new();
    let mut next_line = 1;
    for (index, frame) in (0u32..).zip(&part.part.frames) {
        let joins = chunks.last().is_some_and(|chunk| {
            chunk.uncompressed.saturating_add(frame.uncompressed) <= target_bytes
        });
        if !joins {
            chunks.push(ChunkRef {
                part: Arc::clone(&part),
                frames: index..index,
                first_line: next_line,
                lines: 0,
                uncompressed: 0,
            });
        }
        if let Some(chunk) = chunks.last_mut() {
            chunk.frames.end = index + 1;
            chunk.lines += frame.lines;
            chunk.uncompressed = chunk.uncompressed.saturating_add(frame.uncompressed);
        }
        next_line += frame.lines;
    }
    chunks
}

/// Reads one chunk. Damage is returned, not an error: the other frames are still read.
#[must_use]
pub fn read_chunk(chunk: &ChunkRef) -> ChunkRead {
    read_chunk_into(chunk, Vec::new())
}

/// Like [`read_chunk`], in the memory of `spare`, such as the bytes of a chunk that is done with.
#[must_use]
pub fn read_chunk_into(chunk: &ChunkRef, spare: Vec<u8>) -> ChunkRead {
    let mut compressed = Vec::new();
    let file = chunk.part.open();
    let file = file.map_err(|error| format!("cannot be opened: {error}"));
    decompress(chunk, spare, |frame, decompressor, lines| {
        let (file, slice) = file.as_ref().map_err(Clone::clone)?;
        read_raw(file, slice.begins(), frame, &mut compressed)?;
        append_frame(&compressed, frame, decompressor, lines)
    })
}

/// Decompresses the frames of a chunk with `append`, which appends one frame's lines or leaves
/// the lines as they were; the first lines are put into the memory of `spare`.
pub(crate) fn decompress(
    chunk: &ChunkRef,
    mut spare: Vec<u8>,
    mut append: impl FnMut(&Frame, &mut Decompressor<'_>, &mut Vec<u8>) -> Result<(), String>,
) -> ChunkRead {
    let mut read = ChunkRead::default();
    let mut line = chunk.first_line;
    spare.clear();
    let mut current = Chunk {
        bytes: spare,
        first_line: line,
        references: LineReferences::default(),
    };
    let records = FrameRecords::of(&chunk.part);
    let mut decompressor =
        Decompressor::new().map_err(|error| format!("cannot be decompressed: {error}"));
    for index in chunk.frames.clone() {
        let Some(frame) = chunk.part.part.frames.get(index as usize) else {
            break;
        };
        let room = chunk.uncompressed.min(LARGEST_FRAME);
        let outcome = match decompressor.as_mut() {
            Err(reason) => Err(reason.clone()),
            Ok(decompressor) => {
                if current.bytes.is_empty() {
                    current
                        .bytes
                        .reserve(usize::try_from(room).unwrap_or(0) + ROOM_BEHIND);
                }
                let before = current.bytes.len();
                // A frame is read together with its references or not at all: without them its
                // lines mean something else.
                append(frame, decompressor, &mut current.bytes).and_then(|()| {
                    let records = records.read(index as usize);
                    let records = records.inspect_err(|_| current.bytes.truncate(before))?;
                    current.references.extend(line, records);
                    Ok(())
                })
            }
        };
        line += frame.lines;
        if let Err(reason) = outcome {
            read.damaged.push(DamagedFrame {
                file: chunk.part.relative.clone(),
                frame: index,
                first_line: line - frame.lines,
                lines: frame.lines,
                reason,
            });
            let next = Chunk {
                bytes: Vec::new(),
                first_line: line,
                references: LineReferences::default(),
            };
            push_filled(&mut read.chunks, std::mem::replace(&mut current, next));
        }
    }
    push_filled(&mut read.chunks, current);
    read
}

fn push_filled(chunks: &mut Vec<Chunk>, chunk: Chunk) {
    if !chunk.bytes.is_empty() {
        chunks.push(chunk);
    }
}

/// Reads a part in chunks of about `target_bytes` (decompressed), one after the other.
pub fn read_chunks(
    part: &SealedPart,
    target_bytes: u64,
) -> impl Iterator<Item = ChunkRead> + use<> {
    let chunks = chunks_of(part, target_bytes).into_iter();
    chunks.map(|chunk| read_chunk(&chunk))
}
