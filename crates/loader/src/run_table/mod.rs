//! Tables about runs instead of resources: `changes`, which the loader writes itself, and tables
//! that the caller provides, such as `extract_status`. They have no owners, no view and no
//! partitions.

pub(crate) mod changes;
pub(crate) mod joined_changes;
pub(crate) mod replaced;
