//! The access log: who did what to which grant, apart from the run log.
//!
//! One JSON object a line in `access.log`, only ever appended. Each line carries a keyed hash over
//! itself and the line before, and the vault keeps the last one, so that a line that was changed,
//! taken out, put in or cut off at the end is found by [`AccessLog::verify`]. Whoever appends
//! compares the end of the file with what the vault has noted; where lines are missing, a line of
//! its own kind and a note in the vault say so from then on. A grant is named by a keyed hash: the
//! log can be shown to an auditor.

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
