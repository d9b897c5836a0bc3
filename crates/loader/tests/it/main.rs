//! The loader as others use it: staged runs in, a lake out.

mod basic;
mod lake_rows;
mod staged_runs;
