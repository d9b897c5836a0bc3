//! The loader as others use it: staged runs in, a lake out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test is its own message, in what tests share as well"
)]

mod bad_input;
mod basic;
mod current;
mod current_also;
mod current_rule;
mod earlier_owners;
mod evolution;
mod gone;
mod histories;
mod histories_in_loads;
mod joined_changes;
mod killed;
mod lake_rows;
mod null_partitions;
mod owner_files;
mod periods;
mod protected;
mod signed;
mod snapshots;
mod sorting;
mod spark;
mod sql_views;
mod staged_runs;
mod tombstones;
