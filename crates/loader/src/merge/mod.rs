//! What changes in a load: keys, columns, rows.
//!
//! Keys come first. [`staged_keys`] sorts those of the staged runs and keeps the newest body of
//! each resource. [`key_walk`] compares them with the key file of the previous snapshot, and
//! [`key_event`] decides for each resource whether it is new, changed, the same, older or gone. The
//! decisions about staged bodies go to disk in landing order ([`decision`]), where the rows of the
//! tables find them. Then [`current`] decides, group by group, which version of a claim is current;
//! it needs the rows of one table and no keys. Resources whose rows change are looked up by key, in
//! a sorted file if they are many ([`resource_list`]).

pub(crate) mod candidate;
pub(crate) mod candidate_file;
pub(crate) mod columns;
pub(crate) mod current;
pub(crate) mod decision;
pub(crate) mod ended_periods;
pub(crate) mod key_event;
pub(crate) mod key_walk;
pub(crate) mod keys;
mod picked_rows;
pub(crate) mod record_sorter;
pub(crate) mod resource_list;
mod resource_sorter;
mod ruled_tables;
pub(crate) mod staged_keys;
mod staged_resources;
