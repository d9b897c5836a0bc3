//! The interface between fetching and refreshing: where a request gets its access token.
//!
//! A refresh token can be used only once, so code that fetches pages never sees one. It asks a
//! [`TokenSource`] for an access token, and reports when the server has rejected it.

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use claimlake_contract::{GrantHandle, Secret, exposed_secret};
use serde::{Deserialize, Serialize};

use crate::ConsentError;

/// An access token of one grant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccessToken {
    /// The bearer token (RFC 6750).
    #[serde(with = "exposed_secret")]
    pub secret: Secret,
    /// When it expires, by this machine's clock.
    pub expires_at: DateTime<Utc>,
    /// Increases by one with every refresh of the grant, so that two tokens of a grant can be
    /// compared.
    pub generation: u64,
}

/// Lends access tokens and renews them.
///
/// A token is requested for every request, not kept by the caller. After a 401, a newer one is
/// requested once; if that is rejected too, the request has failed:
///
/// ```
/// use claimlake_consent::{AccessToken, ConsentError, TokenSource};
/// use claimlake_contract::GrantHandle;
///
/// async fn status(tokens: &impl TokenSource, grant: &GrantHandle) -> Result<u16, ConsentError> {
///     let token = tokens.access_token(grant).await?;
///     match fetch(&token).await {
///         401 => {
///             let newer = tokens.after_rejection(grant, &token).await?;
///             Ok(fetch(&newer).await)
///         }
///         status => Ok(status),
///     }
/// }
/// # async fn fetch(_: &AccessToken) -> u16 {
/// #     200
/// # }
/// ```
pub trait TokenSource: Send + Sync {
    /// An access token for `grant`, valid for five more minutes if the server allows it.
    fn access_token(
        &self,
        grant: &GrantHandle,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send;

    /// To be called after a 401: refreshes once for all callers, or returns the current token if it
    /// is of a later generation than the rejected one.
    fn after_rejection(
        &self,
        grant: &GrantHandle,
        rejected: &AccessToken,
    ) -> impl Future<Output = Result<AccessToken, ConsentError>> + Send;

    /// To be called if a response to a request with `token` shows that the consent has ended. The
    /// grant is then ended, unless it has newer tokens.
    fn consent_ended(
        &self,
        grant: &GrantHandle,
        token: &AccessToken,
        reason: &str,
    ) -> impl Future<Output = Result<(), ConsentError>> + Send;

    /// To be called if every request with `token` was refused, without a statement about the
    /// consent: the grant is then in doubt. Without a token: requests succeed again, and the doubt
    /// is over.
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
