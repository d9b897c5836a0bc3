//! What the operating system refused, and what was being done then.

use std::io;
use std::path::PathBuf;

use crate::io_advice;

/// A refusal of the operating system. Its text ends with what can be done about it, where there is
/// something ([`io_advice`]).
#[derive(Debug, thiserror::Error)]
#[error("{operation} {path}: {source}{}", hint(.source))]
pub struct IoFailure {
    /// What was being done, such as `creating`.
    pub operation: &'static str,
    /// The file or folder.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

fn hint(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => {
            "; free space or choose another --data, then run again: nothing was half-written".into()
        }
        _ => io_advice(source).map_or(String::new(), |advice| format!("; {advice}")),
    }
}
