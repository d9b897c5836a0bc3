//! The progress of extraction: the state of every patient and resource type, known resources, full
//! reads, and the checkpoints of unfinished runs.

mod checkpoints;
mod full_read;
mod known_resources;
mod states;
#[cfg(test)]
pub(crate) mod tests;

pub use checkpoints::Checkpoint;
pub(crate) use checkpoints::checkpoint_place;
pub use full_read::FullRead;
pub use known_resources::KnownResources;
pub use states::{ExtractState, StateChange};
pub(crate) use states::{extract_states, known_place};
