//! Consents that were stored before the server had said whose they are.

use claimlake_contract::ApiVersion;
use claimlake_vault::{Vault, VaultError};

use crate::BrokerClient;

/// Finds out whose they are, through the broker. Whose the server still does not say stays as it
/// is: reading it says so.
///
/// # Errors
/// Where the vault cannot be read.
pub async fn identify_patients(
    vault: &Vault,
    broker: &BrokerClient,
    api: ApiVersion,
) -> Result<(), VaultError> {
    for grant in vault.grants()? {
        if grant.api != api || grant.patient.is_some() || !grant.state.is_usable() {
            continue;
        }
        if let Err(error) = broker.name(&grant.handle).await {
            tracing::warn!(grant = %grant.handle, error = %error, "whose a grant is could not be found out");
        }
    }
    Ok(())
}
