//! The commands, one file each.

pub(crate) mod access_log;
pub(crate) mod authorize;
pub(crate) mod changes;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod extract;
pub(crate) mod forget;
pub(crate) mod grants;
pub(crate) mod import;
pub(crate) mod load;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod report;
pub(crate) mod retention;
pub(crate) mod run;
#[cfg(feature = "sandbox")]
pub(crate) mod sandbox;
pub(crate) mod snapshots;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod transform;
pub(crate) mod vault;
pub(crate) mod verify;
pub(crate) mod view;
pub(crate) mod views;
