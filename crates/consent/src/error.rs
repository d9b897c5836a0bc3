//! What can go wrong between app, authorization server and broker, without secrets or PHI.

use std::sync::Arc;

use claimlake_vault::{VaultError, VaultErrorKind};

/// Why there is no consent or no token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// The registration or a setting is wrong: no grant gets a token before that is mended.
    #[error("{reason}")]
    Configuration {
        /// What is wrong and which setting mends it.
        reason: String,
    },
    /// The person, or the server on their behalf, said no.
    #[error("{reason}")]
    Declined {
        /// What happened and what is next.
        reason: String,
    },
    /// The callback or its code cannot be used.
    #[error("{reason}")]
    Callback {
        /// What is wrong with it and what is next.
        reason: String,
    },
    /// Nobody came back in time.
    #[error("{reason}")]
    TimedOut {
        /// What was waited for and what is next.
        reason: String,
    },
    /// The grant has ended: only the beneficiary can renew it. Others go on without it.
    #[error("the grant needs a new consent: {reason}")]
    NeedsConsent {
        /// What ended it.
        reason: String,
    },
    /// The server denies a refresh without a reason: the grant has ended, or the app may not use
    /// this API version. The next run tries again.
    #[error("the consent is in doubt: {reason}")]
    Doubtful {
        /// What was heard, and what decides it.
        reason: String,
    },
    /// The server could not answer; the same may succeed later.
    #[error("{reason}")]
    Transient {
        /// What was tried.
        reason: String,
    },
    /// The token endpoint could not answer now; the grant is unharmed. It was tried as often as is
    /// safe: asking again at once brings the same.
    #[error("no access token at the moment: {reason}")]
    NoToken {
        /// What was tried.
        reason: String,
    },
    /// The token is not to be asked for again before some time has passed; the grant is unharmed.
    #[error("no access token before a while: {reason}")]
    Parked {
        /// Why, and from when on.
        reason: String,
    },
    /// No grant gets a token now: the token endpoint cannot be used, or the broker does not answer.
    #[error("{reason}")]
    Unavailable {
        /// What was tried and what to look at.
        reason: String,
    },
    /// The broker could not be reached, or ended in the middle of a request.
    #[error("{reason}")]
    Broker {
        /// What was tried.
        reason: String,
    },
    /// The broker has stopped or is stopping.
    #[error("the token broker has stopped")]
    Stopped,
    /// The vault refused.
    #[error(transparent)]
    Vault(Arc<VaultError>),
}

/// What whoever meets an error can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Mend a setting, the registration or the vault's key (exit 2).
    Configuration,
    /// Ask the person for a new consent (exit 4).
    NeedsConsent,
    /// Begin the authorization again.
    BeginAgain,
    /// Try the same later: nothing has to be changed.
    TryLater,
    /// Look at this machine: the broker, the disk, the vault.
    Machine,
}

impl ConsentError {
    /// What can be done about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Configuration { .. } => ErrorKind::Configuration,
            Self::Vault(error) => match error.kind() {
                VaultErrorKind::Configuration => ErrorKind::Configuration,
                VaultErrorKind::TryLater => ErrorKind::TryLater,
                VaultErrorKind::Restore | VaultErrorKind::Machine => ErrorKind::Machine,
            },
            Self::NeedsConsent { .. } => ErrorKind::NeedsConsent,
            Self::Declined { .. } | Self::Callback { .. } | Self::TimedOut { .. } => {
                ErrorKind::BeginAgain
            }
            Self::Doubtful { .. }
            | Self::Transient { .. }
            | Self::NoToken { .. }
            | Self::Parked { .. } => ErrorKind::TryLater,
            Self::Unavailable { .. } | Self::Broker { .. } | Self::Stopped => ErrorKind::Machine,
        }
    }
}

impl From<VaultError> for ConsentError {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}
