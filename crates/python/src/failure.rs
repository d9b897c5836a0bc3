//! Errors on their way to Python: each becomes an exception of `claimlake.errors`, which says by its
//! `kind` what can be done about it.

use arrow_schema::ArrowError;
use claimlake_landing::{LandingError, LandingErrorKind};
use claimlake_loader::{LoadError, LoadErrorKind};
use claimlake_transformer::TransformError;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// What the caller can do about it. The names are those of `kind` in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A view or a pipeline is wrong.
    View,
    /// What was given cannot be read.
    Input,
    /// The lake is damaged, or there is none.
    Lake,
    /// The lake was written by another version.
    OtherVersion,
    /// The snapshot is no longer there.
    SnapshotGone,
    /// Landing cannot be read.
    Landing,
    /// The operating system refused.
    Io,
    /// A fault of claimlake.
    Internal,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Kind::View => "view",
            Kind::Input => "input",
            Kind::Lake => "lake",
            Kind::OtherVersion => "other_version",
            Kind::SnapshotGone => "snapshot_gone",
            Kind::Landing => "landing",
            Kind::Io => "io",
            Kind::Internal => "internal",
        }
    }
}

/// An error that is not an exception yet: it can be made without Python's lock.
#[derive(Debug)]
pub(crate) enum Failure {
    /// One of ours.
    Ours(Kind, String),
    /// One that Python raised, such as `KeyboardInterrupt`.
    Python(PyErr),
}

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(kind: Kind, words: impl Into<String>) -> Self {
        Self::Ours(kind, words.into())
    }

    pub(crate) fn io(what: &str) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.to_owned();
        move |error| Self::new(Kind::Io, format!("{what}: {error}"))
    }
}

impl From<Failure> for PyErr {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Python(error) => error,
            Failure::Ours(kind, words) => Python::attach(|py| exception(py, kind, words)),
        }
    }
}

/// The exception that Python's side of the package defines for this kind.
fn exception(py: Python<'_>, kind: Kind, words: String) -> PyErr {
    let made = py
        .import("claimlake.errors")
        .and_then(|module| module.getattr("error_of"))
        .and_then(|error_of| error_of.call1((kind.as_str(), words.clone())));
    match made {
        Ok(exception) => PyErr::from_value(exception),
        // Only if the package is not whole.
        Err(_) => PyRuntimeError::new_err(words),
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<TransformError> for Failure {
    fn from(error: TransformError) -> Self {
        let kind = match error.kind() {
            claimlake_transformer::TransformErrorKind::Io => Kind::Io,
            _ => Kind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<LandingError> for Failure {
    fn from(error: LandingError) -> Self {
        let kind = match error.kind() {
            LandingErrorKind::Usage => Kind::Input,
            _ => Kind::Landing,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        let kind = match error.kind() {
            LoadErrorKind::Io => Kind::Io,
            _ => Kind::Lake,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        // Such as a full disk below rows that wait to be read.
        let kind = match error {
            ArrowError::IoError(..) => Kind::Io,
            _ => Kind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<parquet::errors::ParquetError> for Failure {
    fn from(error: parquet::errors::ParquetError) -> Self {
        Self::new(Kind::Io, error.to_string())
    }
}

/// Lets Ctrl-C in: to be called now and then by what takes long.
pub(crate) fn check_signals() -> Result<()> {
    Python::attach(|py| py.check_signals()).map_err(Failure::Python)
}
