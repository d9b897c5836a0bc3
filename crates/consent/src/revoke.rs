//! Revokes a grant: first at the server, then verified, and only then in the vault. If anything is
//! uncertain the tokens stay, so that the revocation can be repeated.

use std::sync::Arc;

use claimlake_contract::{ApiVersion, GrantHandle, Secret};
use claimlake_vault::GrantState;
use serde::{Deserialize, Serialize};

use super::ConsentError;
use super::broker::Refresher;
use super::classify::{Meaning, RequestKind, classify};
use super::endpoint::{Endpoint, Posted};
use super::vault_work::VaultWork as _;

/// How a revocation ended. In both cases the vault has no token of the grant any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revoked {
    /// The server ended the grant, and now refuses its token.
    Verified,
    /// The grant had ended before.
    AlreadyGone,
}

/// Revokes a grant with its current access token, at the endpoint that ends the grant itself.
///
/// The refresh token is revoked as well (RFC 7009, section 2.1), with its `token_type_hint`:
/// without a hint, the server reports success and does nothing. Its answers are therefore not
/// trusted: the grant counts as revoked once its access token is refused.
///
/// The order: (1) get a current access token, which may need a refresh; (2) revoke the grant, then
/// the refresh token; (3) ask userinfo with the access token, which must be refused; (4) delete the
/// tokens in the vault. A failure before the last step leaves the tokens, so that the same call can
/// be repeated.
pub(crate) async fn revoke(
    refresher: &Arc<Refresher>,
    handle: &GrantHandle,
) -> Result<Revoked, ConsentError> {
    let of = handle.clone();
    let grant = refresher.with_vault(move |vault| vault.grant(&of)).await?;
    if grant.state == GrantState::Revoked {
        return Ok(Revoked::AlreadyGone);
    }
    let access = match refresher.token(handle, None).await {
        Ok(access) => access,
        Err(ConsentError::NeedsConsent { .. }) => {
            set_revoked(refresher, handle, "it had ended before").await?;
            return Ok(Revoked::AlreadyGone);
        }
        Err(error @ ConsentError::Configuration { .. }) => return Err(error),
        Err(error) => {
            return Err(ConsentError::Transient {
                reason: format!("getting the token to revoke: {error}"),
            });
        }
    };
    let endpoint = refresher.endpoint();
    let of = handle.clone();
    let tokens = refresher.with_vault(move |vault| vault.tokens(&of));
    let refresh_token = tokens.await?.refresh_token;
    let url = endpoint.app().revoke_url(grant.api);
    let form = [
        ("token", access.secret.expose()),
        ("token_type_hint", "access_token"),
    ];
    let request = endpoint.request_name("POST", &url);
    refuse_misconfiguration(endpoint.post(url, &form).await, &request)?;
    if let Some(refresh_token) = &refresh_token {
        let url = endpoint.app().revoke_token_url(grant.api);
        let form = [
            ("token", refresh_token.expose()),
            ("token_type_hint", "refresh_token"),
        ];
        let request = endpoint.request_name("POST", &url);
        refuse_misconfiguration(endpoint.post(url, &form).await, &request)?;
    }
    if !is_refused(endpoint, grant.api, &access.secret).await? {
        return Err(ConsentError::Transient {
            reason: "the server still accepts the token after its revocation: try again, or let \
                     the person withdraw the consent at Medicare.gov"
                .into(),
        });
    }
    set_revoked(refresher, handle, "revoked from here").await?;
    Ok(Revoked::Verified)
}

async fn set_revoked(
    refresher: &Refresher,
    handle: &GrantHandle,
    reason: &'static str,
) -> Result<(), ConsentError> {
    let of = handle.clone();
    refresher
        .with_vault(move |vault| vault.set_grant_state(&of, GrantState::Revoked, Some(reason)))
        .await?;
    Ok(())
}

/// Returns an error if the registration is wrong. Every other answer is left to the verification:
/// the server even answers 500 for a token that is gone.
fn refuse_misconfiguration(posted: Posted, request: &str) -> Result<(), ConsentError> {
    match posted {
        Posted::Answer(answer) => {
            let error = super::answer::read_error(&answer.body);
            match classify(RequestKind::Refresh, answer.status, &error) {
                (Meaning::StopTheRun, reason) if answer.status != 200 => {
                    Err(ConsentError::Configuration {
                        reason: format!("revoking: {request}: {}: {reason}", answer.head()),
                    })
                }
                _ => Ok(()),
            }
        }
        Posted::NotSent(unreachable) => Err(ConsentError::Transient {
            reason: format!("revoking: {request}: {}", unreachable.words()),
        }),
        Posted::Lost(_) => Ok(()),
    }
}

/// Whether the server refuses the access token.
async fn is_refused(
    endpoint: &Endpoint,
    api: ApiVersion,
    bearer: &Secret,
) -> Result<bool, ConsentError> {
    let url = endpoint.app().userinfo_url(api);
    let request = endpoint.request_name("GET", &url);
    let unknown = |reason: &str| ConsentError::Transient {
        reason: format!("verifying the revocation: {request}: {reason}"),
    };
    match endpoint.get(url, Some(bearer)).await {
        Posted::Answer(answer) if answer.status == 401 => Ok(true),
        Posted::Answer(answer) if answer.status < 500 => Ok(false),
        Posted::Answer(answer) => Err(unknown(&answer.head())),
        Posted::NotSent(unreachable) => Err(unknown(unreachable.words())),
        Posted::Lost(reason) => Err(unknown(reason)),
    }
}
