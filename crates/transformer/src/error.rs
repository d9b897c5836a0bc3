//! What can go wrong with a transform as a whole. One bad line is a reject, never an error.

use std::io;
use std::path::PathBuf;

use arrow_schema::ArrowError;
use claimlake_contract::io_advice;

/// An error of a transform.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransformError {
    /// The operating system refused.
    #[error("{doing} {path}: {source}{}", hint(.source))]
    Io {
        /// What was being done, such as `creating`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder of the landing zone could not be made or read.
    #[error(transparent)]
    Landing(#[from] claimlake_landing::LandingError),
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
        /// What there is too much of.
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

fn hint(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => {
            "; free space or choose another --data, then run again: nothing was half-written".into()
        }
        _ => io_advice(source).map_or(String::new(), |advice| format!("; {advice}")),
    }
}

impl TransformError {
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            doing,
            path,
            source,
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
            ArrowError::IoError(_, source) => Self::Io {
                doing: "writing",
                path,
                source,
            },
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
}
