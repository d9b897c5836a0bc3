//! Finds out which patients grants belong to whose token response did not name one.

use claimlake_contract::ApiVersion;
use claimlake_vault::{Vault, VaultError};

use crate::BrokerClient;

/// Asks the server, through the broker, about each such grant. A grant about which the server says
/// nothing stays as it is; the extraction reports it.
///
/// # Errors
///
/// The vault cannot be read. A failure about one grant is logged and does not stop the
/// others.
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
