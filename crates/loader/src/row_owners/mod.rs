//! Which rows belong to which resource: recorded beside the tables, never in them.
//!
//! A table has no column for this: readers do not need it, and it would be the widest of all. A
//! load that removes rows of a resource reads here in which partitions they are, and rewrites only
//! those.
//!
//! All tables of one resource type that share a partition form a *group*, and each group has one
//! file. For each resource, in the order of the rows, it has the number of rows in each table
//! ([`group_file`]). A load writes the files of the groups in which a table changed, and links the
//! others.
//!
//! The steps of a load: [`touched`] finds the partitions to rewrite; while a table is written,
//! [`spool`] notes the owner of each row; [`next`] writes the group files from these notes
//! ([`merged`]). [`snapshot`] reads the files of a published snapshot, and [`earlier`] those of
//! earlier versions.

pub(crate) mod earlier;
mod earlier_file;
pub(crate) mod group;
pub(crate) mod group_file;
mod merged;
pub(crate) mod next;
pub(crate) mod runs;
pub(crate) mod snapshot;
pub(crate) mod spool;
mod table_files;
pub(crate) mod touched;

/// The folder of a snapshot that holds what the loader must know, and nothing for readers.
pub(crate) const KEYS_FOLDER: &str = "keys";
