//! The lines of landed parts.

use claimlake_contract::ReferenceRecord;
use claimlake_landing::{ChunkRead, ChunkRef};
use claimlake_viewdef::json::PADDING;

/// How many bytes of text are processed together: few enough for a core's cache, because they are
/// read more than once.
pub(crate) const CHUNK_BYTES: u64 = 1 << 20;

/// Calls `visit` with the padded buffer, where each line begins and ends in it, its number, and
/// what its references were resolved to. Lines that are not UTF-8 are passed over.
pub(crate) fn for_each_line(
    read: ChunkRead,
    mut visit: impl FnMut(&[u8], (usize, usize), u64, &[ReferenceRecord]),
) {
    for chunk in read.chunks {
        let mut buffer = chunk.bytes;
        let length = buffer.len();
        buffer.resize(length + PADDING, b'\n');
        let is_utf8 = buffer.is_ascii() || std::str::from_utf8(&buffer).is_ok();
        let mut start = 0;
        let mut line = chunk.first_line;
        while start < length {
            let rest = buffer.get(start..length).unwrap_or_default();
            let end = memchr::memchr(b'\n', rest).map_or(length, |offset| start + offset);
            if is_utf8 || std::str::from_utf8(rest.get(..end - start).unwrap_or_default()).is_ok() {
                let references = chunk.references.of_line(line);
                visit(&buffer, (start, end), line, references);
            }
            start = end + 1;
            line += 1;
        }
    }
}

/// The frame of the part that a line of the chunk lies in.
pub(crate) fn frame_of(chunk: &ChunkRef, line: u64) -> u32 {
    let mut next = chunk.first_line;
    for index in chunk.frames.clone() {
        let frame = chunk.part.part.frames.get(index as usize);
        next += frame.map_or(0, |frame| frame.lines);
        if line < next {
            return index;
        }
    }
    chunk.frames.end
}
