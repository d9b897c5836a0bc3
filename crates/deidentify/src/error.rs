//! What can go wrong while a copy is made. Texts contain paths, tables and columns, never a value of a row.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use claimlake_columnar::ColumnarError;
use claimlake_contract::io_advice;
use claimlake_loader::LoadError;
use parquet::errors::ParquetError;

/// Why a copy was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeidentifyError {
    /// The place for the copy is not one that can be used.
    #[error("{0}")]
    Setting(String),
    /// The policy does not fit itself or the lake.
    #[error("the policy: {0}")]
    Policy(String),
    /// The snapshot disappeared while it was read.
    #[error(
        "the lake changed while it was read: {} is not there any more; run again", path.display()
    )]
    Changed {
        /// The file that is gone.
        path: PathBuf,
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
    /// A file of a table cannot be read.
    #[error("reading {}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// The error of the `parquet` crate.
        source: ParquetError,
    },
    /// Rows that cannot be put together.
    #[error("{operation}: {source}")]
    Arrow {
        /// What was being done.
        operation: &'static str,
        /// Arrow's error.
        source: ArrowError,
    },
    /// A copy that is not as it was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LoadError),
    /// Rows cannot be sorted or written.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, DeidentifyError>;

impl DeidentifyError {
    /// Whether the command line or the policy has to change.
    #[must_use]
    pub fn is_setting(&self) -> bool {
        matches!(self, Self::Setting(_) | Self::Policy(_))
    }

    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            operation,
            path,
            source,
        }
    }

    pub(crate) fn arrow(operation: &'static str) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Arrow { operation, source }
    }

    pub(crate) fn parquet(path: &Path) -> impl Fn(ParquetError) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Parquet {
            path: path.clone(),
            source,
        }
    }
}

fn advice(error: &io::Error) -> String {
    io_advice(error).map_or_else(String::new, |advice| format!("; {advice}"))
}
