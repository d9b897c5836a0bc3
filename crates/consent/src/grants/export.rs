//! `grants export`: grants with their tokens, encrypted for a recipient's public key (the `age`
//! format).

use chrono::{DateTime, Utc};
use claimlake_vault::{AccessAction, Grant, GrantState, Recipient, TokenLock, Vault, seal_to};
use zeroize::Zeroizing;

use super::file::GrantRecord;
use super::list::GrantFilter;
use crate::ConsentError;

/// Who is to read an export.
#[derive(Debug, Clone)]
pub enum ExportTo {
    /// In plain text: `--reveal-secrets`.
    Recipient(Recipient),
    /// Anybody: `--reveal-secrets`.
    Plain,
}

/// The grants that match the filter, one JSON object per line.
///
/// Waits until no broker is running: a token that is exported while it is being replaced would be
/// invalid. As soon as someone else refreshes one of these tokens, it can no longer be used here:
/// each token has one owner.
///
/// # Errors
///
/// A broker does not end, or the access log cannot be written; nothing is exported then.
pub fn export(
    vault: &Vault,
    filter: &GrantFilter,
    to: &ExportTo,
    now: DateTime<Utc>,
) -> Result<Zeroizing<String>, ConsentError> {
    let _lock = TokenLock::acquire_patiently(vault.data_dir())?;
    let grants: Vec<Grant> = vault
        .grants()?
        .into_iter()
        .filter(|grant| grant.state != GrantState::Revoked && filter.passes(grant, now))
        .collect();
    let mut plain = Zeroizing::new(String::new());
    for grant in &grants {
        let tokens = vault.tokens(&grant.handle)?;
        let line = serde_json::to_string(&GrantRecord::new(grant, &tokens)).map_err(|error| {
            ConsentError::Configuration {
                reason: format!("writing a grant: {error}"),
            }
        })?;
        plain.push_str(&Zeroizing::new(line));
        plain.push('\n');
    }
    // Logged before it is handed out: what cannot be logged does not leave.
    let named: Vec<&Grant> = grants.iter().collect();
    vault
        .access_log()
        .append("grants export", AccessAction::Exported, &named)?;
    match to {
        ExportTo::Plain => Ok(plain),
        ExportTo::Recipient(recipient) => Ok(Zeroizing::new(seal_to(recipient, plain.as_bytes())?)),
    }
}
