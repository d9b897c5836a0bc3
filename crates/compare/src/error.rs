//! What can go wrong while two lakes are compared. Texts contain paths, tables and columns, never a
//! value of a row.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use claimlake_columnar::ColumnarError;
use claimlake_contract::io_advice;
use claimlake_loader::LoadError;
use parquet::errors::ParquetError;

/// Why two lakes were not compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// A lake, or the place for the output, is not one that can be used.
    #[error("{0}")]
    Setting(String),
    /// A snapshot disappeared while it was read.
    #[error(
        "the {side} lake changed while it was read: {} is not there any more, as a load has removed \
         that snapshot; run again, or name a snapshot that stays", path.display()
    )]
    Changed {
        /// Which of the two.
        side: &'static str,
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
    /// A lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LoadError),
    /// Rows cannot be sorted or written.
    #[error(transparent)]
    Columnar(#[from] ColumnarError),
    /// The rules name what does not fit together.
    #[error("the rules of comparing: {0}")]
    Rules(String),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, CompareError>;

impl CompareError {
    /// Whether the command line or the lakes that it names have to change.
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

    pub(crate) fn arrow(operation: &'static str) -> impl FnOnce(ArrowError) -> Self {
        move |source| Self::Arrow { operation, source }
    }
}

fn advice(error: &io::Error) -> String {
    io_advice(error).map_or_else(String::new, |advice| format!("; {advice}"))
}
