//! Which rows belong to which resource: recorded beside the tables, never in them.
//!
//! A table's rows have no column that says so: readers do not need it, and it would be the widest of all.
//! A load that takes rows of a resource away reads here in which partitions they are, and rewrites those
//! alone.
//!
//! All tables of a resource type that share a partition are a group, and have one file: for each
//! resource, in the order of the rows, how many it has in each table ([`group_file`]). A load
//! writes those of the groups in which a table changed, and links the others.

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
