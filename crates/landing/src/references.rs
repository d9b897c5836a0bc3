//! The targets to which the references of landed lines were resolved: found on import, stored
//! beside the parts.
//!
//! Lines stay as they were received. `references-NNNNN.ndjson.zst` belongs to the part with that
//! number, frame by frame, and the manifest lists it; every reader of lines reads it too.

pub(crate) mod file;
pub(crate) mod index;
pub(crate) mod resolve;
#[cfg(test)]
mod tests;
