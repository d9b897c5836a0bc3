//! What can go wrong between the app and the authorization server, without secrets or PHI.

use claimlake_vault::VaultError;

/// An authorization, exchange, refresh or revocation that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OauthError {
    /// The registration or a setting is wrong.
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
    /// The grant has ended.
    #[error("the grant needs a new consent: {reason}")]
    NeedsConsent {
        /// What ended it.
        reason: String,
    },
    /// The server could not answer; the same may succeed later.
    #[error("{reason}")]
    Transient {
        /// What was tried.
        reason: String,
    },
    /// The broker could not be reached or has stopped.
    #[error("{reason}")]
    Broker {
        /// What was tried.
        reason: String,
    },
    /// The vault refused.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl OauthError {
    /// Whether the settings are at fault (exit 2).
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            OauthError::Configuration { .. } => true,
            OauthError::Vault(error) => error.is_configuration(),
            _ => false,
        }
    }

    /// Whether a person is needed (exit 4).
    #[must_use]
    pub fn needs_consent(&self) -> bool {
        matches!(self, OauthError::NeedsConsent { .. })
    }

    /// Whether the same may succeed later without anything being changed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            OauthError::Transient { .. } => true,
            OauthError::Vault(error) => error.is_retryable(),
            _ => false,
        }
    }
}
