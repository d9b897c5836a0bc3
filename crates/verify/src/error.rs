//! Why a lake could not be verified at all; what is merely wrong in it is in the report.

use std::path::{Path, PathBuf};

/// A failure of `verify` itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read.
    #[error("reading {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Landing could not be listed.
    #[error(transparent)]
    Landing(#[from] claimlake_landing::LandingError),
    /// The lake's current snapshot cannot be used.
    #[error("reading the lake: {0}")]
    Lake(String),
    /// The views could not be compiled or run.
    #[error("evaluating the views: {0}")]
    Views(String),
    /// Arrow refused something that the views or a file produced.
    #[error("comparing rows: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::Arrow(error.into())
    }
}

/// What a caller can do about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or folder cannot be read: see to its owner, mode or disk.
    Io,
    /// The lake is damaged or of another version.
    Lake,
    /// The pipeline's views are wrong.
    Views,
    /// Data that cannot be compared.
    Data,
}

impl Error {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Landing(_) => ErrorKind::Io,
            Self::Lake(_) => ErrorKind::Lake,
            Self::Views(_) => ErrorKind::Views,
            Self::Arrow(_) => ErrorKind::Data,
        }
    }

    /// Names `path` as the place of `source`.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}
