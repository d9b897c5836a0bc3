//! Reading a sealed part in chunks of whole lines, from any number of threads.

use std::fs::File;
use std::io::{self, Cursor};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use claimlake_contract::Frame;
use zstd::bulk::Decompressor;

use crate::SealedPart;
use crate::references::{FrameRecords, LineReferences};

/// A frame that claims to be larger than this when decompressed is taken for damaged.
const LARGEST_FRAME: u64 = 1 << 30;

/// Room that a chunk has behind its lines, for readers that put an end mark there.
const ROOM_BEHIND: usize = 64;

/// A run of whole frames of one part, decompressible by itself.
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
    /// Why, in words.
    pub reason: String,
}

/// What a chunk held: normally one [`Chunk`]; where frames are damaged, the runs between them.
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

/// Reads one chunk. Damage is returned, not an error: the other frames are read all the same.
#[must_use]
pub fn read_chunk(chunk: &ChunkRef) -> ChunkRead {
    read_chunk_into(chunk, Vec::new())
}

/// Like [`read_chunk`], in the memory of `spare`, such as the bytes of a chunk that is done with.
#[must_use]
pub fn read_chunk_into(chunk: &ChunkRef, spare: Vec<u8>) -> ChunkRead {
    let mut compressed = Vec::new();
    let file = File::open(&chunk.part.path).map_err(|error| format!("cannot be opened: {error}"));
    decompress(chunk, spare, |frame, decompressor, lines| {
        let file = file.as_ref().map_err(Clone::clone)?;
        let length = checked_length(frame)?;
        compressed.resize(length, 0);
        file.read_exact_at(&mut compressed, frame.offset)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => ENDS_EARLY.to_owned(),
                _ => format!("reading failed: {error}"),
            })?;
        append_frame(&compressed, frame, decompressor, lines)
    })
}

pub(crate) const ENDS_EARLY: &str = "the file ends before the frame does";

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
                // Without its references a frame says something else: it is read whole or not.
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

const IMPOSSIBLE_SIZE: &str = "the manifest gives it an impossible size";

/// The length of the frame on disk, where its sizes are possible at all.
pub(crate) fn checked_length(frame: &Frame) -> Result<usize, String> {
    if frame.uncompressed > LARGEST_FRAME || frame.length > 2 * LARGEST_FRAME {
        return Err(IMPOSSIBLE_SIZE.to_owned());
    }
    usize::try_from(frame.length).map_err(|_| IMPOSSIBLE_SIZE.to_owned())
}

/// Appends the frame's lines to `lines`, or leaves `lines` as it was.
pub(crate) fn append_frame(
    compressed: &[u8],
    frame: &Frame,
    decompressor: &mut Decompressor<'_>,
    lines: &mut Vec<u8>,
) -> Result<(), String> {
    let uncompressed =
        usize::try_from(frame.uncompressed).map_err(|_| IMPOSSIBLE_SIZE.to_owned())?;
    let before = lines.len();
    lines.reserve(uncompressed);
    // Appends: what is before the cursor stays, nothing has to be zeroed first.
    let mut appending = Cursor::new(&mut *lines);
    appending.set_position(before as u64);
    let outcome = decompressor.decompress_to_buffer(compressed, &mut appending);
    let reason = match outcome {
        Ok(found) if found == uncompressed => {
            let text = &lines[before..];
            if memchr::memchr_iter(b'\n', text).count() as u64 == frame.lines {
                return Ok(());
            }
            "the frame does not hold the lines the manifest says".to_owned()
        }
        Ok(_) => "the frame has another length than the manifest says".to_owned(),
        Err(error) => format!("the frame does not decompress: {error}"),
    };
    lines.truncate(before);
    Err(reason)
}

/// Reads the chunks of a part one after the other.
#[derive(Debug)]
pub struct ChunkReader {
    chunks: std::vec::IntoIter<ChunkRef>,
}

impl ChunkReader {
    /// A reader of `part` in chunks of about `target_bytes`.
    #[must_use]
    pub fn new(part: &SealedPart, target_bytes: u64) -> Self {
        Self {
            chunks: chunks_of(part, target_bytes).into_iter(),
        }
    }
}

impl Iterator for ChunkReader {
    type Item = ChunkRead;

    fn next(&mut self) -> Option<ChunkRead> {
        self.chunks.next().map(|chunk| read_chunk(&chunk))
    }
}
