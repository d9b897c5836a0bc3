//! What the references of landed lines were resolved to: found on import, kept beside the parts.
//!
//! Lines stay as they were received. A `references-NNNNN.ndjson.zst` lies beside the part with
//! that number, frame for frame, and is named by its manifest; who reads lines reads it with them.

mod file;
mod index;
mod resolve;
mod sent;
#[cfg(test)]
mod tests;

pub use file::LineReferences;
pub(crate) use file::{FrameRecords, ReferencesWriter, sibling_name};
pub(crate) use index::{TargetIndex, target_type};
pub(crate) use resolve::{Resolver, SentLine};
pub(crate) use sent::{
    identifier_of, identifiers_of, named_identifiers, subject_member, subject_of,
};
