//! Where a request gets its access token from: the border between fetching and refreshing.
//!
//! A refresh token works once, so nothing that fetches pages ever sees one. It asks a
//! [`TokenSource`] for an access token and says when the server has refused it.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, Secret, exposed_secret};
use serde::{Deserialize, Serialize};

/// An access token on loan: bound to the grant it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The bearer itself.
    #[serde(with = "exposed_secret")]
    pub secret: Secret,
    /// When it ends, by the clock of this machine.
    pub expires_at: DateTime<Utc>,
    /// Grows by one with every refresh of the grant.
    pub generation: u64,
}

/// Why there is no access token. The texts hold neither a secret nor a patient's id.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// The grant has ended: only the beneficiary can renew it. The run goes on without it.
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
    /// The app's registration or settings are wrong: no grant will get a token before that is mended.
    #[error("{reason}")]
    Configuration {
        /// What is wrong and which setting mends it.
        reason: String,
    },
    /// The token endpoint could not answer now; the grant is unharmed. Whoever refreshes has tried
    /// again as often as is safe: asking again at once brings the same.
    #[error("no access token at the moment: {reason}")]
    Transient {
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
    /// The broker has stopped or is stopping.
    #[error("the token broker has stopped")]
    Stopped,
}

/// Lends access tokens and renews them.
pub trait TokenSource: Send + Sync {
    /// An access token for `grant`, valid for five more minutes where the server allows it.
    fn access_token(
        &self,
        grant: &GrantHandle,
    ) -> impl Future<Output = Result<AccessToken, TokenError>> + Send;

    /// The answer to a 401: refreshes once for all callers, or hands out the current token where
    /// it is newer than the `rejected` one.
    fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> impl Future<Output = Result<AccessToken, TokenError>> + Send;

    /// A resource's answer to `token` has shown that the consent is over: the grant's state
    /// follows, unless it has other tokens by now.
    fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> impl Future<Output = Result<(), TokenError>> + Send;

    /// Every resource was refused to `token`, but not in words about the consent: the grant is in
    /// doubt. Without a token, resources are answered again, and the doubt is over.
    fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> impl Future<Output = Result<(), TokenError>> + Send;
}

impl<T: TokenSource> TokenSource for Arc<T> {
    fn access_token(
        &self,
        grant: &GrantHandle,
    ) -> impl Future<Output = Result<AccessToken, TokenError>> + Send {
        T::access_token(self, grant)
    }

    fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> impl Future<Output = Result<AccessToken, TokenError>> + Send {
        T::after_rejection(self, grant, rejected)
    }

    fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> impl Future<Output = Result<(), TokenError>> + Send {
        T::consent_ended(self, grant, token, reason)
    }

    fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> impl Future<Output = Result<(), TokenError>> + Send {
        T::note_refused(self, grant, token)
    }
}
