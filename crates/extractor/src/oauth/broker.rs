//! The token broker: a process of its own that alone refreshes, so that nothing that happens to
//! a run can cost a consent.
//!
//! A client (`extract`, `token`, `authorize`, …) connects to the broker of its data directory by
//! a Unix socket, and starts one where there is none: the same binary in a session of its own. It
//! holds the token lock while it lives, writes the intent of a refresh before the POST and the
//! outcome before anyone uses it, outlives killed clients, and ends when the last has gone and
//! nothing is under way.

mod client;
mod connection;
mod process;
mod protocol;
mod refresher;
mod server;
mod socket;

pub use client::{BrokerClient, BrokerLaunch};
pub use process::broker_main;
pub(crate) use refresher::Refresher;
