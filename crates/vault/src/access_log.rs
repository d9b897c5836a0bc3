//! The access log: who did what to which grant, separate from the run history.
//!
//! `access.log` has one JSON object per line and is only ever appended to. Each line has a keyed
//! hash over itself and the line before, and the vault records the last one, so
//! [`AccessLog::verify`] finds lines that were changed, removed, inserted, or cut off at the end. A
//! command that appends first compares the end of the file with the vault's record; if lines are
//! missing, a line of the action `gap` and a record in the vault report this from then on. Grants
//! are named by keyed hashes, so the log can be shown to an auditor.

mod chain;
mod check;
mod end;
mod forgotten;
mod line;
mod lock;
mod log;
pub(crate) mod outside;

pub use check::AccessLogCheck;
pub use line::{AccessAction, AccessLine, MissingLines};
pub use log::AccessLog;

#[cfg(test)]
mod gap_tests;
#[cfg(test)]
mod number_tests;
#[cfg(test)]
mod restore_tests;
#[cfg(test)]
mod tests;
