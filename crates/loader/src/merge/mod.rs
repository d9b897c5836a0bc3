//! What changes: keys, columns, rows.

pub(crate) mod columns;
pub(crate) mod keys;
pub(crate) mod resource_key;
pub(crate) mod row_owners;
pub(crate) mod verdict;
