//! What changes: keys, columns, rows.
//!
//! Keys come first. [`staged_keys`] sorts those of the staged runs and keeps the newest body of each
//! resource; [`key_walk`] compares them with the key file of the snapshot before, both sorted by
//! resource, and decides of each ([`key_event`]) whether it is new, changed, the same, older or gone.
//! What it decides of staged bodies goes to disk in landing order ([`decision`]), where the tables' rows
//! find it. [`current`] then decides, group by group, which version of a claim is current; it needs the
//! rows of one table and no key ([`ruled_tables`]). Nothing here has all resources in memory but those whose rows change.

pub(crate) mod candidate;
pub(crate) mod candidate_file;
pub(crate) mod columns;
pub(crate) mod current;
pub(crate) mod decision;
pub(crate) mod key_event;
pub(crate) mod key_walk;
pub(crate) mod keys;
mod picked_rows;
mod ruled_tables;
pub(crate) mod staged_keys;
mod staged_resources;
