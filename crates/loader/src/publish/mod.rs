//! The lake on disk: how a finished build becomes the current snapshot, which snapshots are kept,
//! and who may read them. What goes into a snapshot is decided elsewhere.

pub(crate) mod access;
pub(crate) mod group_reach;
pub(crate) mod lake;
pub(crate) mod manifest;
pub(crate) mod publication;
pub(crate) mod retention;
pub(crate) mod rollback;
pub(crate) mod views_sql;
