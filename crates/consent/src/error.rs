//! What can go wrong between app, authorization server and broker. No text contains a secret, a
//! patient id or anything that the server sent.

use std::sync::Arc;

use claimlake_vault::{VaultError, VaultErrorKind};

/// Why there is no consent or no token.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConsentError {
    /// The registration or a setting is wrong: no grant gets a token until it is corrected.
    #[error("{reason}")]
    Configuration {
        /// What is wrong, and which setting to change.
        reason: String,
    },
    /// The person refused, or the sandbox did not consent.
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
    /// No browser came back in time.
    #[error("{reason}")]
    TimedOut {
        /// What was waited for and what is next.
        reason: String,
    },
    /// The grant has ended: only the beneficiary can renew it. Other grants are not affected.
    #[error("the grant needs a new consent: {reason}")]
    NeedsConsent {
        /// What ended it.
        reason: String,
    },
    /// The server denies a refresh without a reason: the grant has ended, or the app may not use
    /// this API version. The next run tries again.
    #[error("the consent is in doubt: {reason}")]
    Doubtful {
        /// What the server answered, and what decides its meaning.
        reason: String,
    },
    /// The server could not answer; the same may succeed later.
    #[error("{reason}")]
    Transient {
        /// What was tried.
        reason: String,
    },
    /// The token endpoint could not answer; the grant is not affected. It was tried as often as is
    /// safe: another attempt now would give the same result.
    #[error("no access token at the moment: {reason}")]
    NoToken {
        /// What was tried.
        reason: String,
    },
    /// No token may be requested for some time; the grant is not affected.
    #[error("no access token before a while: {reason}")]
    Parked {
        /// Why, and from when on.
        reason: String,
    },
    /// No grant can get a token now: the token endpoint cannot be used, or the broker does not
    /// answer.
    #[error("{reason}")]
    Unavailable {
        /// What was tried, and what to check.
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
    /// An error of the vault.
    #[error(transparent)]
    Vault(Arc<VaultError>),
}

/// What the caller can do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Correct a setting, the registration or the vault's key (exit code 2).
    Configuration,
    /// Ask the person for a new consent (exit code 4).
    NeedsConsent,
    /// Start the authorization again.
    BeginAgain,
    /// Try again later; nothing has to be changed.
    TryLater,
    /// Check this machine: broker, disk, vault.
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
