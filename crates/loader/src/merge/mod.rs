//! What changes: keys, columns, rows.

pub(crate) mod columns;
pub(crate) mod current;
pub(crate) mod current_rows;
pub(crate) mod key_walk;
pub(crate) mod keys;
pub(crate) mod resource_key;
pub(crate) mod row_owners;
pub(crate) mod verdict;
