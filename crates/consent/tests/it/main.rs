//! OAuth against a sandbox, with a broker that is a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failing test is its own message"
)]

mod authorize;
mod broker;
mod broker_unwell;
mod grants;
mod migrate;
mod world;
