//! `token` and `grants revoke`: hands out the access token of one grant, or revokes it. Both are
//! recorded in the access log.

use chrono::{DateTime, Utc};
use claimlake_contract::GrantHandle;
use claimlake_vault::{AccessAction, Vault};
use serde::Serialize;

use crate::token::TokenSource;
use crate::{BrokerClient, ConsentError, Revoked};

/// An access token for another program; never a refresh token.
#[derive(Serialize)]
pub struct LentToken {
    /// The bearer token in clear text, for standard output only.
    pub access_token: String,
    /// Always `Bearer`.
    pub token_type: &'static str,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

impl std::fmt::Debug for LentToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LentToken")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Returns a valid access token of a grant, from the broker.
///
/// # Errors
///
/// [`ConsentError::NeedsConsent`] if the grant has ended.
pub async fn lend(
    vault: &Vault,
    broker: &BrokerClient,
    grant: &GrantHandle,
) -> Result<LentToken, ConsentError> {
    let token = broker.access_token(grant).await?;
    // Logged before it is handed out: what cannot be logged does not leave.
    let lent = vault.grant(grant)?;
    vault
        .access_log()
        .append("token", AccessAction::Lent, &[&lent])?;
    Ok(LentToken {
        access_token: token.secret.expose().to_owned(),
        token_type: "Bearer",
        expires_at: token.expires_at,
    })
}

/// Revokes a grant at the server, verifies this, and removes its tokens from the vault.
///
/// # Errors
///
/// The server still accepts the token; nothing is removed then.
pub async fn revoke(
    vault: &Vault,
    broker: &BrokerClient,
    grant: &GrantHandle,
) -> Result<Revoked, ConsentError> {
    let outcome = broker.revoke(grant).await?;
    let revoked = vault.grant(grant)?;
    vault
        .access_log()
        .append("grants revoke", AccessAction::Revoked, &[&revoked])?;
    Ok(outcome)
}
