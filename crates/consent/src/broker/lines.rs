//! Messages as lines of limited length. The limit applies in both directions: a process at the
//! other end that is broken or hostile must not make this one run out of memory.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use zeroize::Zeroizing;

/// The longest message in bytes.
pub(super) const LONGEST_LINE: u64 = 1 << 20;

/// Reads one line into `line`, which is emptied first; false at the end of the stream. `line` is
/// overwritten in memory when it is dropped, since messages contain tokens.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidData`] if the line is too long or incomplete.
pub(super) async fn read_line(
    reader: &mut (impl AsyncBufRead + Unpin),
    line: &mut Zeroizing<String>,
) -> io::Result<bool> {
    line.clear();
    let length = reader.take(LONGEST_LINE).read_line(line).await?;
    if length > 0 && !line.ends_with('\n') {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(length > 0)
}

/// A message as a line.
///
/// # Errors
/// Where it cannot be written as JSON.
pub(super) fn json_line(message: &impl serde::Serialize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(serde_json::to_vec(message)?);
    line.push(b'\n');
    Ok(line)
}
