//! Every line of a sealed run, one after the other.

use claimlake_contract::ReferenceRecord;

use crate::{SealedRun, read_chunks};

/// Bytes of lines that are in memory at once, about.
const CHUNK_BYTES: u64 = 1 << 20;

/// Calls `visit` with every line that can be read, without its newline, and with what its
/// references were resolved to; returns how many frames cannot be read.
pub(crate) fn each_line(run: &SealedRun, mut visit: impl FnMut(&[u8], &[ReferenceRecord])) -> u64 {
    let mut unreadable = 0;
    for read in run.parts().flat_map(|part| read_chunks(&part, CHUNK_BYTES)) {
        unreadable += read.damaged.len() as u64;
        for (_, line, references) in read.chunks.iter().flat_map(|chunk| chunk.lines()) {
            visit(line, references);
        }
    }
    unreadable
}
