//! The lake on disk: snapshots, the one that is current, who may read.

pub(crate) mod access;
pub(crate) mod group_reach;
pub(crate) mod lake;
pub(crate) mod manifest;
pub(crate) mod publication;
pub(crate) mod retention;
pub(crate) mod rollback;
pub(crate) mod views_sql;
