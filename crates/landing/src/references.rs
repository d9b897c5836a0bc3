//! What the references of landed lines were resolved to: found on import, kept beside the parts.
//!
//! Lines stay as they were received. A `references-NNNNN.ndjson.zst` lies beside the part with
//! that number, frame for frame, and is named by its manifest; who reads lines reads it with them.

pub(crate) mod file;
pub(crate) mod index;
pub(crate) mod resolve;
#[cfg(test)]
mod tests;
