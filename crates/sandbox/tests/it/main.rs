//! The sandbox over its socket, asked by a client that shares no code with it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failing test is its own message"
)]

mod account;
mod client;
mod faults;
mod grant;
mod happy;
mod life;
mod real_answers;
mod replay;
mod rules;
mod search;
mod token_rules;
mod transcripts;
