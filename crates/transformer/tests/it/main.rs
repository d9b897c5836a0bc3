//! Whole transforms: landed lines in, a staged run out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test is its own message"
)]

mod bad_input;
mod cells;
mod flatten;
mod lossless;
mod order;
mod partitions;
mod periods;
mod scene;
mod staging;
mod tasks;
