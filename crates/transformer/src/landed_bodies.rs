//! What landed, reduced to id and content hash: no view is evaluated.

use claimlake_contract::{ApiVersion, ResourceType};
use claimlake_fhir::content_hash;
use claimlake_landing::{SealedRun, chunks_of, read_chunk_into};

use crate::chunk::identity;

/// Bytes of lines that are in memory at once, about.
const CHUNK_BYTES: u64 = 4 << 20;

/// Calls `each` with API version, type, id and content hash of every line of sealed runs that can be
/// read and has an id.
pub fn landed_bodies(
    runs: &[SealedRun],
    mut each: impl FnMut(ApiVersion, &ResourceType, &str, [u8; 16]),
) {
    let mut spare = Vec::new();
    for part in runs.iter().flat_map(SealedRun::parts) {
        for chunk in chunks_of(&part, CHUNK_BYTES) {
            let read = read_chunk_into(&chunk, std::mem::take(&mut spare));
            for chunk in read.chunks {
                for (_, text, references) in chunk.lines() {
                    if let Some((id, _)) = identity(text) {
                        let hash = content_hash(part.api, text, references);
                        each(part.api, &part.resource, &id, hash);
                    }
                }
                spare = chunk.bytes;
            }
        }
    }
}
