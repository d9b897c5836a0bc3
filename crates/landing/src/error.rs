//! What can go wrong with the raw zone as a whole. One bad line is a reject, never an error.

use std::io;
use std::path::PathBuf;

use claimlake_contract::{LANDING_FORMAT, io_advice};

/// An error of the raw zone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LandingError {
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
    /// Nothing says which API version resources belong to.
    #[error(
        "cannot tell the API version of the resources in {file}: none has a CMS URL; \
         name it with --api v2 or --api v3"
    )]
    UnknownApi {
        /// The input, as given.
        file: String,
    },
    /// An import was asked for without input.
    #[error("nothing to import: name files, or - for standard input")]
    NoInput,
    /// Standard input was named more than once.
    #[error("standard input (-) can be imported only once in a command")]
    StdinTwice,
}

fn hint(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull => {
            "; free space or choose another --data, then run again: nothing was half-written".into()
        }
        _ => io_advice(source).map_or(String::new(), |advice| format!("; {advice}")),
    }
}

impl LandingError {
    /// For `map_err`: an operating system error with what was being done.
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

    /// Whether the command line, rather than the disk, is what has to change.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        match self {
            Self::UnknownApi { .. } | Self::NoInput | Self::StdinTwice => true,
            Self::Io { doing, source, .. } => {
                *doing == "opening input" && source.kind() == io::ErrorKind::NotFound
            }
            _ => false,
        }
    }
}
