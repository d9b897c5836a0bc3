//! Consent without a person, for a sandbox on this machine that was started with `--auto-consent`.
//! It uses the same requests and the same storage as a real consent; only the browser is missing.

use chrono::{DateTime, Utc};
use claimlake_contract::{ApiVersion, ResourceType};
use claimlake_vault::{Stored, TokenLock, Vault};
use url::Url;

use super::ConsentError;
use super::app::{App, is_loopback};
use super::authorize::{AuthorizeRequest, CallbackKind, CallbackOutcome, read_callback, start};
use super::endpoint::{Endpoint, Posted};
use super::exchange::exchange_and_store;
use super::{read_error, scopes};

/// The most redirects that are followed.
const MOST_HOPS: usize = 8;

/// Stores consents of a sandbox's synthetic patients. Holds the token lock, so that no broker
/// refreshes at the same time.
#[derive(Debug)]
pub struct AutomaticConsent<'a> {
    endpoint: Endpoint,
    vault: &'a Vault,
    redirect_uri: String,
    resources: Option<Vec<ResourceType>>,
    _lock: TokenLock,
}

impl<'a> AutomaticConsent<'a> {
    /// Takes the token lock: no broker can run on this vault until this is dropped.
    ///
    /// # Errors
    /// Where the server is not on this machine, or another process holds the token lock.
    pub fn begin(
        app: App,
        vault: &'a Vault,
        redirect_uri: impl Into<String>,
    ) -> Result<Self, ConsentError> {
        if !is_loopback(app.base_url()) {
            return Err(ConsentError::Configuration {
                reason: "only a sandbox on this machine can consent for its people: set \
                         source.kind to blue_button and use authorize"
                    .into(),
            });
        }
        let lock = TokenLock::acquire_patiently(vault.data_dir())?;
        Ok(Self {
            endpoint: Endpoint::new(app)?,
            vault,
            redirect_uri: redirect_uri.into(),
            resources: None,
            _lock: lock,
        })
    }

    /// Requests the scopes for these resource types instead of all.
    #[must_use]
    pub fn for_resources(mut self, resources: &[ResourceType]) -> Self {
        self.resources = Some(resources.to_vec());
        self
    }

    /// Requests the consent of the synthetic patient with this login, and stores the grant.
    ///
    /// # Errors
    ///
    /// The sandbox does not consent automatically, or its answer cannot be used.
    pub async fn consent(
        &self,
        api: ApiVersion,
        login: &str,
        now: impl Fn() -> DateTime<Utc>,
    ) -> Result<Stored, ConsentError> {
        let mut request = AuthorizeRequest::new(api, self.redirect_uri.clone());
        if let Some(resources) = &self.resources {
            request.resources.clone_from(resources);
        }
        let started = start(self.endpoint.app(), self.vault, &request, now())?;
        let mut url = started.url;
        url.query_pairs_mut().append_pair("login", login);
        let callback = self.follow(url, &request.resources).await?;
        let CallbackKind::Answer(callback) = read_callback(&callback)? else {
            return Err(declined("the answer names no request"));
        };
        let code = match callback.outcome {
            CallbackOutcome::Code(code) => code,
            CallbackOutcome::Refused(error) if error.to_string() == "invalid_scope" => {
                return Err(scopes::refused(&scopes::scopes_for(&request.resources)?));
            }
            _ => return Err(declined("the sandbox did not consent")),
        };
        let pending = self
            .vault
            .take_authorization(&callback.state)?
            .ok_or_else(|| declined("the answer belongs to another request"))?;
        let state = &callback.state;
        exchange_and_store(&self.endpoint, self.vault, &pending, state, &code, now).await
    }

    /// Follows redirects until one leads to the redirect URI, which is returned. A redirect to
    /// another origin is an error.
    async fn follow(
        &self,
        mut url: Url,
        resources: &[ResourceType],
    ) -> Result<String, ConsentError> {
        for _ in 0..MOST_HOPS {
            let origin = url.origin();
            let answer = match self.endpoint.get(url.clone(), None).await {
                Posted::Answer(answer) => answer,
                Posted::NotSent(unreachable) => {
                    return Err(ConsentError::Transient {
                        reason: format!("asking the sandbox for consent: {}", unreachable.words()),
                    });
                }
                Posted::Lost(reason) => {
                    return Err(ConsentError::Transient {
                        reason: format!("asking the sandbox for consent: {reason}"),
                    });
                }
            };
            if answer.status == 400 && read_error(&answer.body).says.contains("invalid scopes") {
                return Err(scopes::refused(&scopes::scopes_for(resources)?));
            }
            let Some(location) = answer.location else {
                return Err(declined(&format!(
                    "the sandbox answered {} instead of consenting (it must run with \
                     --auto-consent)",
                    answer.status
                )));
            };
            if location.starts_with(&self.redirect_uri) {
                return Ok(location);
            }
            url = url
                .join(&location)
                .ok()
                .filter(|next| next.origin() == origin)
                .ok_or_else(|| declined("the sandbox redirects elsewhere"))?;
        }
        Err(declined("the sandbox redirects without end"))
    }
}

/// The error for everything that a sandbox with automatic consent would not do.
fn declined(reason: &str) -> ConsentError {
    ConsentError::Declined {
        reason: format!("asking the sandbox for consent: {reason}"),
    }
}

#[cfg(test)]
mod tests;
