//! zstd frames: each decompresses by itself to whole lines.

use std::fs::File;
use std::io::{self, Cursor};
use std::os::unix::fs::FileExt;

use claimlake_contract::Frame;
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::slice::FileSlice;

/// A frame that claims to be larger than this when decompressed is taken for damaged.
pub(crate) const LARGEST_FRAME: u64 = 1 << 30;

pub(crate) const ENDS_EARLY: &str = "the file ends before the frame does";
const IMPOSSIBLE_SIZE: &str = "the manifest gives it an impossible size";

/// A compressor of frames that carry their checksum and their size.
pub(crate) fn compressor(level: i32) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(level)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
    Ok(compressor)
}

/// The length of the frame on disk, where its sizes are possible at all.
pub(crate) fn checked_length(frame: &Frame) -> Result<usize, String> {
    if frame.uncompressed > LARGEST_FRAME || frame.length > 2 * LARGEST_FRAME {
        return Err(IMPOSSIBLE_SIZE.to_owned());
    }
    usize::try_from(frame.length).map_err(|_| IMPOSSIBLE_SIZE.to_owned())
}

/// Reads the frame as it is on disk in place of what is in `compressed`. Offsets of frames count from
/// `begins`.
pub(crate) fn read_raw(
    file: &File,
    begins: u64,
    frame: &Frame,
    compressed: &mut Vec<u8>,
) -> Result<(), String> {
    compressed.resize(checked_length(frame)?, 0);
    file.read_exact_at(compressed, begins.saturating_add(frame.offset))
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => ENDS_EARLY.to_owned(),
            _ => format!("reading failed: {error}"),
        })
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

/// The lines of one frame of a part; `None` if it is damaged.
pub(crate) fn frame_text(part: &FileSlice, frame: &Frame) -> Option<Vec<u8>> {
    let mut compressed = Vec::new();
    let file = File::open(&part.path).ok()?;
    read_raw(&file, part.begins(), frame, &mut compressed).ok()?;
    let mut text = Vec::new();
    let mut decompressor = Decompressor::new().ok()?;
    append_frame(&compressed, frame, &mut decompressor, &mut text).ok()?;
    Some(text)
}
