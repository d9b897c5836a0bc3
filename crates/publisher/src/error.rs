//! What can go wrong on the way to a target.
//!
//! Texts contain paths in the target, table names and what the store answered as a code or a
//! status. They never contain a credential, a query string, or a body that a server sent.

use std::io;
use std::path::{Path, PathBuf};

use claimlake_contract::io_advice;
use claimlake_loader::LoadError;

/// Why a lake was not published or compared. Readers of the target see the state from before, or
/// the complete new one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// The URL or a setting cannot be used.
    #[error("{0}")]
    Setting(String),
    /// The store refused, or did not answer.
    #[error("{operation}: {reason}")]
    Store {
        /// What was being done, and to what.
        operation: String,
        /// What the store answered, and what to do.
        reason: String,
    },
    /// The operating system refused.
    #[error("{operation} {}: {source}{}", path.display(), advice(source))]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Something is at the target that this lake's publisher did not write.
    #[error("{0}")]
    Foreign(String),
    /// Something of the target is missing, or differs from what was written there.
    #[error("{0}")]
    Damaged(String),
    /// Another process published a newer snapshot of this lake meanwhile, or many at once.
    #[error("{0}")]
    Lost(String),
    /// The local lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LoadError),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, PublishError>;

impl PublishError {
    /// Whether the command line, the pipeline file or the environment has to change.
    #[must_use]
    pub fn is_setting(&self) -> bool {
        matches!(self, Self::Setting(_))
    }

    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }
}

fn advice(error: &io::Error) -> String {
    io_advice(error).map_or_else(String::new, |advice| format!("; {advice}"))
}
