//! What stops an extraction as a whole.

use claimlake_contract::ExitCode;
use claimlake_landing::LandingError;
use claimlake_vault::VaultError;

use crate::land::LandError;
use crate::record::RecordError;
use claimlake_consent::chain;

/// An extraction that could not be carried on. What had landed is kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// A setting is wrong.
    #[error("{0}")]
    Settings(String),
    /// A person that was named has no grant here. The name is not repeated: it is PHI.
    #[error(
        "there is no usable grant of that person for this api: `claimlake grants list` shows \
         who there is"
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
    /// The recording failed.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl ExtractError {
    /// The code to exit with.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Settings(_) | Self::UnknownPatient => ExitCode::Usage,
            Self::Vault(error) if error.is_configuration() => ExitCode::Usage,
            Self::Record(RecordError::Phi { .. } | RecordError::NotEmpty { .. }) => ExitCode::Usage,
            _ => ExitCode::Failed,
        }
    }
}

impl From<LandError> for ExtractError {
    fn from(error: LandError) -> Self {
        Self::Landing(chain(&error))
    }
}

impl From<LandingError> for ExtractError {
    fn from(error: LandingError) -> Self {
        Self::Landing(chain(&error))
    }
}
