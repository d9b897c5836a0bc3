//! Messages as lines of bounded length: neither side believes the other to any extent.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};
use zeroize::Zeroizing;

/// No message is longer.
pub(super) const LONGEST_LINE: u64 = 1 << 20;

/// Reads one line into `line`, which is emptied first; false where there is none any more.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where the line is too long or ends in the middle.
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
