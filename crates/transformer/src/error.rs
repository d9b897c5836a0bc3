//! What can go wrong with a transform as a whole. One bad line is a reject, never an error.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use claimlake_contract::IoFailure;
use claimlake_landing::LandingError;

/// An error of a transform. [`TransformError::kind`] says what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// A folder or file could not be made as those of the landing zone are.
    #[error(transparent)]
    Landing(#[from] LandingError),
    /// Columns could not be put together or written.
    #[error("writing staged rows of table {table}: {source}")]
    Arrow {
        /// The table.
        table: String,
        /// Why.
        source: ArrowError,
    },
    /// A manifest or a reject could not be written as JSON.
    #[error("writing {file} of the staged run: {source}")]
    Json {
        /// The file.
        file: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// The staged run exists: run ids are used once.
    #[error("{path} exists already; a run id is used once")]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// More parts, or lines in a part, than a landing order can number.
    #[error("{what} is more than one staged run can number; transform fewer runs at once")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
    },
    /// The threads could not be started, or one of them ended early.
    #[error("running on {threads} threads: {reason}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        reason: String,
    },
}

/// What the caller of a transform can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransformErrorKind {
    /// Mend the disk or its permissions and run again.
    Io,
    /// Begin a run with another id, or of fewer landing runs.
    Run,
    /// Report it: rows, JSON or threads failed for a reason of their own.
    Internal,
}

impl TransformError {
    pub(crate) fn io(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| {
            Self::Io(IoFailure {
                operation,
                path,
                source,
            })
        }
    }

    pub(crate) fn arrow(table: &str) -> impl FnOnce(ArrowError) -> Self {
        let table = table.to_owned();
        move |source| Self::Arrow { table, source }
    }

    /// An error of writing a table's rows to this file. A full disk is reported as such.
    pub(crate) fn writing(table: &str, path: PathBuf) -> impl FnOnce(ArrowError) -> Self {
        let table = table.to_owned();
        move |source| match source {
            ArrowError::IoError(_, source) => Self::io("writing", path)(source),
            source => Self::Arrow { table, source },
        }
    }

    /// An error of writing JSON to this file.
    pub(crate) fn json(
        file: &'static str,
        path: PathBuf,
    ) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| match source.is_io() {
            true => Self::io("writing", path)(source.into()),
            false => Self::Json { file, source },
        }
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> TransformErrorKind {
        match self {
            Self::Io(_) | Self::Landing(_) => TransformErrorKind::Io,
            Self::RunExists { .. } | Self::TooMany { .. } => TransformErrorKind::Run,
            Self::Arrow { .. } | Self::Json { .. } | Self::Threads { .. } => {
                TransformErrorKind::Internal
            }
        }
    }
}
