//! What can go wrong with the raw zone as a whole. One bad line is a reject, never an error.

use std::io;
use std::path::PathBuf;

use claimlake_contract::{IoFailure, LANDING_FORMAT};

/// An error of the raw zone. [`LandingError::kind`] says what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LandingError {
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The run folder exists: run ids are used once.
    #[error("{path} exists already; a run id is used once")]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// A part holds more than its format can number.
    #[error("the run in {path} has more parts than can be numbered")]
    TooManyParts {
        /// The run folder.
        path: PathBuf,
    },
    /// A manifest could not be written or read as JSON.
    #[error("manifest {path} is not valid: {source}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A run was landed by another version of claimlake.
    #[error(
        "manifest {path} has format {found}, and this version of claimlake reads {LANDING_FORMAT}: \
         use the claimlake that landed it, or a later one"
    )]
    OtherFormat {
        /// The manifest.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// A checkpointed frame is not in the part it should be in.
    #[error("part {path} does not hold the frame at byte {offset} that was checkpointed")]
    MissingFrame {
        /// The part.
        path: PathBuf,
        /// Where the frame should begin.
        offset: u64,
    },
    /// A run lies in a folder of several, and cannot be changed there.
    #[error("{path} has several runs: one of them cannot be changed alone")]
    Packed {
        /// The folder.
        path: PathBuf,
    },
    /// A damaged folder is not joined with others.
    #[error("{path} cannot be joined with other runs: {reason}")]
    NotJoined {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nothing says which API version resources belong to.
    #[error(
        "cannot tell the API version of the resources in {file}: none has a CMS URL; \
         name it with --api v2 or --api v3, or --api carin for claims of another payer"
    )]
    UnknownApi {
        /// The input, as given.
        file: String,
    },
    /// An import without input.
    #[error("nothing to import: name files, or - for standard input")]
    NoInput,
    /// Standard input was named more than once.
    #[error("standard input (-) can be imported only once in a command")]
    StdinTwice,
}

/// What the caller of the raw zone can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LandingErrorKind {
    /// Mend the disk or its permissions and run again.
    Io,
    /// Change the command line.
    Usage,
    /// Land again what is damaged or missing.
    Damaged,
    /// Use another version of claimlake.
    OtherFormat,
    /// Begin a run with another id, or a smaller one.
    Run,
}

/// The operation in the error about an input that cannot be opened.
pub(crate) const OPENING_INPUT: &str = "opening input";

impl LandingError {
    /// For `map_err`: an operating system error with what was being done.
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

    /// What the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> LandingErrorKind {
        match self {
            Self::UnknownApi { .. } | Self::NoInput | Self::StdinTwice => LandingErrorKind::Usage,
            Self::Io(refused)
                if refused.operation == OPENING_INPUT
                    && refused.source.kind() == io::ErrorKind::NotFound =>
            {
                LandingErrorKind::Usage
            }
            Self::Io(_) => LandingErrorKind::Io,
            Self::Manifest { .. } | Self::MissingFrame { .. } | Self::NotJoined { .. } => {
                LandingErrorKind::Damaged
            }
            Self::OtherFormat { .. } => LandingErrorKind::OtherFormat,
            Self::RunExists { .. } | Self::TooManyParts { .. } | Self::Packed { .. } => {
                LandingErrorKind::Run
            }
        }
    }
}
