//! What the references of landed lines were resolved to: found on import, kept beside the parts.
//!
//! Lines stay as they were received. A `references-NNNNN.ndjson.zst` lies beside the part with
//! that number, frame for frame, and is named by its manifest; who reads lines reads it with them.

mod file;
mod index;
mod resolve;
#[cfg(test)]
mod tests;

pub use file::LineReferences;
pub(crate) use file::{FrameRecords, ReferencesWriter, sibling_name};
pub(crate) use index::TargetIndex;
pub(crate) use resolve::{Resolver, SentLine};
