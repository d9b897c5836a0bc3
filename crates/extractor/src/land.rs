//! The thread that lands pages: checks, hashes, compresses, writes, syncs, checkpoints.
//!
//! Nothing here runs on the network's thread. Frames are written as pages come; whether they
//! count is decided when their person is complete, and frames that do not are left out when the
//! run is sealed.

mod commit;
mod round;
mod thread;

pub(crate) use commit::{CheckpointDetail, PersonCommit, ResourceCommit, ResourceLanded};
pub(crate) use round::{Lands, ReadId, id_hash};
pub(crate) use thread::{LandError, Lander, PageJob};
