//! What can go wrong between staged runs and a published snapshot.
//!
//! Every error leaves the lake as it was: nothing that a failed load wrote is visible, because a
//! snapshot becomes visible by a rename that is the last step. Error texts contain paths, table and
//! column names, never a value of a row.

use std::io;
use std::path::{Path, PathBuf};

use arrow_schema::ArrowError;
use claimlake_columnar::ColumnarError;
use claimlake_contract::io_advice;
use parquet::errors::ParquetError;

/// What to do about a file of a snapshot that is not as its manifest says.
const REPAIR: &str = "`verify` names every damaged file; to make all tables anew from landing, run \
     `transform --full`, then `load --rebuild`";

/// Why a load, a listing or a rollback did not happen. The lake is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The operating system refused.
    ///
    /// Also a full disk; see [`LoadError::is_retryable`].
    #[error("{operation} {}: {source}{}", path.display(), io_hint(operation, source))]
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
    /// A Parquet file that cannot be read or written.
    #[error("{operation}: {source}")]
    Parquet {
        /// What was being done.
        operation: String,
        /// The error of the `parquet` crate.
        source: ParquetError,
    },
    /// A staged run that cannot be loaded.
    ///
    /// It is missing a file, has a wrong checksum, or was written by another version. The lake is
    /// not involved.
    #[error("staged run {}: {reason}; run `transform --full`, then `load`", path.display())]
    Staged {
        /// The staged run's folder, or the file in it.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A snapshot that is not as it was published.
    ///
    /// For example a manifest that was edited, or a file in a format that this version does not
    /// know.
    #[error("the lake at {}: {reason}", path.display())]
    Lake {
        /// The file or folder in the lake.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of a snapshot that is not as the snapshot's manifest says.
    ///
    /// Unlike [`Self::Lake`], the file can be replaced: `load --rebuild` does so.
    #[error("the lake at {}: {reason}; {}", path.display(), REPAIR)]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A table whose columns differ from the lake's in more than added columns.
    ///
    /// Added columns are allowed (older rows have nulls); a missing column or another type is not.
    #[error(
        "table '{table}' differs from the lake's: {difference}; to make it anew from all of \
         landing, run `transform --full`, then `load --rebuild`"
    )]
    Schema {
        /// The table.
        table: String,
        /// What differs.
        difference: String,
    },
    /// A layout that the table's columns do not allow.
    ///
    /// For example a partition column of a type that has no folder name.
    #[error("table '{table}': {reason}")]
    Layout {
        /// The table.
        table: String,
        /// What is wrong, and which setting mends it.
        reason: String,
    },
    /// Somebody else is writing to the lake.
    ///
    /// The lock (`flock` on `.lock`) is not waited for.
    #[error("the lake at {} is being written by another load; wait for it to end", path.display())]
    Locked {
        /// The lake.
        path: PathBuf,
    },
    /// The lake was rolled back and waits for a person.
    ///
    /// Without this, the nightly load would silently undo `snapshots rollback`.
    #[error(
        "the lake is pinned to snapshot {snapshot} by `snapshots rollback`; to load on from it, \
         pass --unpin"
    )]
    Pinned {
        /// The snapshot it is pinned to.
        snapshot: u64,
    },
    /// A full staged run lacks what the lake holds.
    ///
    /// Resources that the staged run marks as gone do not count.
    #[error(
        "the staged run was made from all of landing, yet lacks {missing} of the resources that \
         the lake holds; a part of landing may be damaged (see `verify`); to publish without \
         them, pass --drop-absent"
    )]
    Absent {
        /// How many are missing.
        missing: u64,
    },
    /// Rows of the lake and new ones would be decided by different rules.
    ///
    /// Comparing decisions of two rules could leave a claim with two current versions, or none.
    #[error(
        "which rows of table '{table}' are current was decided by another rule, or by an earlier \
         version of claimlake; to decide it anew for all, run `transform --full`, then `load`"
    )]
    OtherRule {
        /// The table.
        table: String,
    },
    /// A request that makes no sense.
    ///
    /// Also a group that does not exist, or a snapshot number that is not in the lake.
    #[error("{0}")]
    Request(String),
}

/// A source of rows that a merge reads passes its errors through.
impl From<LoadError> for ColumnarError {
    fn from(error: LoadError) -> Self {
        Self::Input(Box::new(error))
    }
}

/// The reverse of the above: an error that a row source passed through `columnar` comes back as the
/// [`LoadError`] it was, so that damage is still recognized as damage.
impl From<ColumnarError> for LoadError {
    fn from(error: ColumnarError) -> Self {
        match error {
            ColumnarError::Io {
                operation,
                path,
                source,
            } => Self::Io {
                operation,
                path,
                source,
            },
            ColumnarError::Arrow { operation, source } => Self::Arrow { operation, source },
            ColumnarError::Parquet { operation, source } => Self::Parquet { operation, source },
            ColumnarError::Layout { table, reason } => Self::Layout { table, reason },
            ColumnarError::Input(error) => match error.downcast::<Self>() {
                Ok(error) => *error,
                Err(error) => Self::Request(error.to_string()),
            },
            other => Self::Request(other.to_string()),
        }
    }
}

/// What a caller can do about a [`LoadError`].
///
/// The command's exit code and its advice follow from this; the text of an error is for people
/// only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// A file cannot be read or written: see to its owner, mode or disk, then load again.
    Io,
    /// Staged rows or a layout cannot be used: transform again, or mend the pipeline.
    Input,
    /// The lake is damaged: make it anew from landing.
    Damage,
    /// Another load writes: wait for it to end.
    Locked,
    /// A decision is needed, and the message names the flag or command for it.
    Decision,
}

impl LoadError {
    /// What a caller can do about it.
    #[must_use]
    pub fn kind(&self) -> LoadErrorKind {
        match self {
            Self::Io { .. } => LoadErrorKind::Io,
            Self::Damaged { .. } | Self::Lake { .. } => LoadErrorKind::Damage,
            Self::Locked { .. } => LoadErrorKind::Locked,
            Self::Pinned { .. } | Self::Absent { .. } | Self::OtherRule { .. } => {
                LoadErrorKind::Decision
            }
            _ => LoadErrorKind::Input,
        }
    }

    /// Whether the lake is not as it was published, so that it is to be made anew from landing.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        self.kind() == LoadErrorKind::Damage
    }

    /// Whether trying again later may help, nothing else changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            LoadError::Locked { .. } => true,
            LoadError::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::Interrupted | io::ErrorKind::StorageFull | io::ErrorKind::TimedOut
            ),
            _ => false,
        }
    }

    /// Builds the closure that `map_err` needs. `operation` is a participle ("reading"):
    /// the message begins with it.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| LoadError::Io {
            operation,
            path,
            source,
        }
    }

    /// An Arrow error about data in memory.
    pub(crate) fn arrow(operation: impl Into<String>) -> impl FnOnce(ArrowError) -> Self {
        let operation = operation.into();
        move |source| LoadError::Arrow { operation, source }
    }

    /// What Arrow says while it reads or writes a file of the loader's own. A full disk comes
    /// wrapped in Arrow's error and is unwrapped.
    pub(crate) fn arrow_file(
        operation: &'static str,
        path: &Path,
    ) -> impl FnOnce(ArrowError) -> Self {
        let path = path.to_path_buf();
        move |source| match source {
            ArrowError::IoError(_, source) => LoadError::Io {
                operation,
                path,
                source,
            },
            source => LoadError::Arrow {
                operation: format!("{operation} {}", path.display()),
                source,
            },
        }
    }

    /// An error that Arrow reports while it reads a staged file. An error of the operating system
    /// is not damage.
    pub(crate) fn staged_file(path: &Path, error: ArrowError) -> Self {
        match refused(error) {
            Ok(source) => LoadError::io("reading", path)(source),
            Err(error) => LoadError::staged(path, format!("it is broken: {error}")),
        }
    }

    /// An error that Arrow reports while it reads a file of the lake.
    pub(crate) fn lake_file(path: &Path, error: ArrowError) -> Self {
        match refused(error) {
            Ok(source) => LoadError::io("reading", path)(source),
            Err(error) => LoadError::lake(path, format!("it is broken: {error}")),
        }
    }

    /// A Parquet error that is not about a damaged file of the lake.
    pub(crate) fn parquet(operation: impl Into<String>) -> impl FnOnce(ParquetError) -> Self {
        let operation = operation.into();
        move |source| LoadError::Parquet { operation, source }
    }

    /// A problem of a staged run; the text adds what to do.
    pub(crate) fn staged(path: &Path, reason: impl Into<String>) -> Self {
        LoadError::Staged {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    /// A file that differs from its manifest; the text adds what to do.
    pub(crate) fn damaged(path: &Path, reason: impl Into<String>) -> Self {
        LoadError::Damaged {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    /// A snapshot that cannot be used; `reason` must say what to do.
    pub(crate) fn lake(path: &Path, reason: impl Into<String>) -> Self {
        LoadError::Lake {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}

/// Separates an error of the operating system from a broken file. An Arrow file that ends too early
/// gives an I/O error as well, but one without an error number.
fn refused(error: ArrowError) -> std::result::Result<io::Error, ArrowError> {
    match error {
        ArrowError::IoError(_, source) if source.raw_os_error().is_some() => Ok(source),
        other => Err(other),
    }
}

/// What a person can do about the errors that need one.
///
/// `operation` is the first word of the message; it decides whether the advice is about reading or
/// about writing.
fn io_hint(operation: &str, error: &io::Error) -> String {
    const BEFORE: &str = "the previous snapshot remains current";
    let reads = ["listing", "opening", "reading", "resolving"].contains(&operation);
    match error.kind() {
        io::ErrorKind::StorageFull => format!(" ({BEFORE}; free some space and load again)"),
        io::ErrorKind::PermissionDenied if reads => {
            format!(" ({BEFORE}; who loads must be allowed to read it)")
        }
        io::ErrorKind::PermissionDenied => {
            format!(
                " ({BEFORE}; the lake must be writable: check its owner and mode, see [load] dir)"
            )
        }
        _ => match io_advice(error) {
            Some(advice) => format!(" ({BEFORE}; {advice})"),
            None => String::new(),
        },
    }
}

/// The result of everything in this crate.
pub type Result<T> = std::result::Result<T, LoadError>;

#[cfg(test)]
mod tests;
