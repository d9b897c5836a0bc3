//! The sandbox over its socket, asked by a client that shares no code with it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test is its own message"
)]

mod account;
mod app;
mod client;
mod faults;
mod flow;
mod life;
mod replay;
mod rules;
mod search;
mod transcripts;
