//! Where a request gets its access token from: the border between fetching and refreshing.
//!
//! A refresh token works once, so nothing that fetches pages ever sees one. It asks a
//! [`TokenSource`] for an access token and says when the server has refused it.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, Secret, exposed_secret};
use serde::{Deserialize, Serialize};

use crate::ConsentError;

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

/// Lends access tokens and renews them.
pub trait TokenSource: Send + Sync {
    /// An access token for `grant`, valid for five more minutes where the server allows it.
    fn access_token(
        &self,
        grant: &GrantHandle,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send;

    /// The answer to a 401: refreshes once for all callers, or hands out the current token where
    /// it is newer than the `rejected` one.
    fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send;

    /// A resource's answer to `token` has shown that the consent is over: the grant's state
    /// follows, unless it has other tokens by now.
    fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> impl Future<Output = Result<(), ConsentError>> + Send;

    /// Every resource was refused to `token`, but not in words about the consent: the grant is in
    /// doubt. Without a token, resources are answered again, and the doubt is over.
    fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> impl Future<Output = Result<(), ConsentError>> + Send;
}

impl<T: TokenSource> TokenSource for Arc<T> {
    fn access_token(
        &self,
        grant: &GrantHandle,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send {
        T::access_token(self, grant)
    }

    fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send {
        T::after_rejection(self, grant, rejected)
    }

    fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> impl Future<Output = Result<(), ConsentError>> + Send {
        T::consent_ended(self, grant, token, reason)
    }

    fn note_refused(
        &self,
        grant: &GrantHandle,
        token: Option<&AccessToken>,
    ) -> impl Future<Output = Result<(), ConsentError>> + Send {
        T::note_refused(self, grant, token)
    }
}
