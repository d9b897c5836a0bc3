//! The thread that lands pages: checks, hashes, compresses, writes, syncs, checkpoints.
//!
//! Nothing here runs on the network's thread. Frames are written as pages come; whether they
//! count is decided when their person is complete, and frames that do not are left out when the
//! run is sealed.

mod commit;
mod gone;
mod kind;
mod landed_before;
mod round;
mod seal;
mod thread;

pub(crate) use commit::{CheckpointDetail, PersonCommit, ResourceCommit, ResourceLanded};
pub(crate) use gone::Asked;
pub(crate) use kind::are_in as has_kinds;
pub(crate) use round::{Lands, ReadId};
pub(crate) use seal::begin;
pub(crate) use thread::{LandError, Lander, PageJob};
