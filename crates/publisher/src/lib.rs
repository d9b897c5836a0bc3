#![doc = include_str!("../README.md")]

mod azure;
mod blocking;
mod checkpoints;
mod commits;
mod compare;
mod contents;
mod delta;
mod earlier;
mod error;
mod found;
mod http;
mod identity;
mod names;
mod newest_state;
mod publish;
mod request;
mod s3;
mod state;
mod store;
mod target;
mod texts;
mod upload;
mod wanted;

#[cfg(test)]
mod tests;

pub use compare::{Comparison, Difference, Repair, compare};
pub use error::{PublishError, Result};
pub use identity::LakeId;
pub use newest_state::PublishedState;
pub use publish::publish;
pub use request::{Earlier, PublishOutcome, PublishRequest, TableComment};
pub use target::{OpenTarget, Target};
