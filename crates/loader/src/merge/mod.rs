//! What changes: keys, columns, rows.

pub(crate) mod candidate;
pub(crate) mod candidate_file;
pub(crate) mod columns;
pub(crate) mod current;
pub(crate) mod decision;
pub(crate) mod key_event;
pub(crate) mod key_walk;
pub(crate) mod keys;
mod picked_rows;
pub(crate) mod staged_keys;
mod staged_resources;
