//! The one public error of this crate.

use std::path::{Path, PathBuf};

use claimlake_consent::chain;
use claimlake_contract::ExitCode;
use claimlake_landing::LandingError;
use claimlake_vault::{VaultError, VaultErrorKind};

use crate::landing_writer::WriterError;

/// An extraction or a recording that could not be carried on. What had landed is kept.
///
/// No text contains a token, a patient id or a query.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// A setting is wrong.
    #[error("{0}")]
    Settings(String),
    /// A patient that was named has no grant here. The id is not repeated: it is PHI.
    #[error(
        "there is no usable grant of that patient for this api: `claimlake grants list` shows \
         which there are"
    )]
    UnknownPatient,
    /// The HTTP client could not be made.
    #[error("{0}")]
    Client(String),
    /// The landing thread could not be started.
    #[error("starting the landing thread: {0}")]
    Thread(std::io::Error),
    /// Landing failed; the next extraction goes on from the last checkpoint.
    #[error("landing: {0}; what had landed is safe, run extract again to go on")]
    Landing(String),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Real patients are not recorded by accident.
    #[error(
        "recording anything but the sandbox writes protected health information to {}; \
         add --record-phi if that is what you want", dir.display()
    )]
    RecordingHoldsPhi {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder for a recording is not empty.
    #[error("the folder {} for the recording is not empty; name a new one", dir.display())]
    RecordingNotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// The recording could not be read or written.
    #[error("writing the recording in {}: {source}", dir.display())]
    Recording {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What an [`ExtractError`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractErrorKind {
    /// A setting or an argument: the same call fails again until it is changed.
    Configuration,
    /// This machine: a client or thread that could not be started.
    System,
    /// The landing zone.
    Landing,
    /// The vault.
    Vault,
    /// The recording.
    Recording,
}

impl ExtractError {
    /// What the error is about.
    #[must_use]
    pub fn kind(&self) -> ExtractErrorKind {
        match self {
            Self::Settings(_)
            | Self::UnknownPatient
            | Self::RecordingHoldsPhi { .. }
            | Self::RecordingNotEmpty { .. } => ExtractErrorKind::Configuration,
            Self::Vault(error) if error.kind() == VaultErrorKind::Configuration => {
                ExtractErrorKind::Configuration
            }
            Self::Client(_) | Self::Thread(_) => ExtractErrorKind::System,
            Self::Landing(_) => ExtractErrorKind::Landing,
            Self::Vault(_) => ExtractErrorKind::Vault,
            Self::Recording { .. } => ExtractErrorKind::Recording,
        }
    }

    /// Names `dir` as the recording that could not be read or written.
    pub(crate) fn recording<E>(dir: &Path) -> impl Fn(E) -> Self + Copy
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |error| Self::Recording {
            dir: dir.to_path_buf(),
            source: std::io::Error::other(error),
        }
    }

    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        match self.kind() {
            ExtractErrorKind::Configuration => ExitCode::Usage,
            _ => ExitCode::Failed,
        }
    }
}

impl From<WriterError> for ExtractError {
    fn from(error: WriterError) -> Self {
        Self::Landing(chain(&error))
    }
}

impl From<LandingError> for ExtractError {
    fn from(error: LandingError) -> Self {
        Self::Landing(chain(&error))
    }
}
