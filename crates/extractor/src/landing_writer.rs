//! The thread that lands pages: checks, hashes, compresses, writes, syncs, checkpoints.
//!
//! Frames are written as pages come. A frame counts once its patient is committed; sealing the run
//! leaves out all others.

mod claim_kinds;
mod commit;
mod error;
mod gone;
mod landed_before;
mod patient_commit;
mod seal;
mod search_pass;
mod search_scope;
mod thread;

pub(crate) use claim_kinds::apply_to as has_claim_kinds;
pub(crate) use error::WriterError;
pub(crate) use patient_commit::{CheckpointDetail, PatientCommit, ResourceCommit, ResourceLanded};
pub(crate) use seal::begin;
pub(crate) use search_pass::{PassId, WritePolicy};
pub(crate) use search_scope::SearchScope;
pub(crate) use thread::{LandingHandle, PageJob};
