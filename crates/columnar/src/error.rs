//! What can go wrong while rows are sorted or written.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why rows were not sorted or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ColumnarError {
    /// The operating system refused.
    #[error("{operation} {}: {source}", path.display())]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Arrow data that cannot be read or put together.
    #[error("{operation}: {source}")]
    Arrow {
        /// What was being done.
        operation: String,
        /// Arrow's error.
        source: ArrowError,
    },
    /// A Parquet file that cannot be written.
    #[error("{operation}: {source}")]
    Parquet {
        /// What was being done.
        operation: String,
        /// The error of the `parquet` crate.
        source: ParquetError,
    },
    /// The source of the rows failed.
    #[error(transparent)]
    Input(Box<dyn std::error::Error + Send + Sync>),
    /// A row that is larger than a block may be.
    #[error("a row is larger than 4 GiB")]
    RowTooLarge,
    /// Columns that rows cannot be sorted by.
    #[error("table '{table}': {reason}")]
    Layout {
        /// The table.
        table: String,
        /// What is wrong, and which setting to change.
        reason: String,
    },
}

/// What kind of thing went wrong; see [`ColumnarError::kind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The operating system refused, as with a full disk.
    Io,
    /// Rows or spilled bytes that cannot be read or encoded.
    Data,
    /// The caller's source of rows failed.
    Input,
    /// Columns or settings that a table cannot have.
    Layout,
}

impl ColumnarError {
    /// The kind, for callers that only choose between retry, bad data and bad configuration.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::Arrow { .. } | Self::Parquet { .. } | Self::RowTooLarge => ErrorKind::Data,
            Self::Input(_) => ErrorKind::Input,
            Self::Layout { .. } => ErrorKind::Layout,
        }
    }

    /// Builds the closure that `map_err` needs. `operation` is a participle: the message begins
    /// with it.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }

    /// An error of Arrow during an operation.
    pub(crate) fn arrow(operation: impl Into<String>) -> impl FnOnce(ArrowError) -> Self {
        let operation = operation.into();
        move |source| Self::Arrow { operation, source }
    }

    /// An error of Parquet during an operation.
    pub(crate) fn parquet(operation: impl Into<String>) -> impl FnOnce(ParquetError) -> Self {
        let operation = operation.into();
        move |source| Self::Parquet { operation, source }
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, ColumnarError>;
