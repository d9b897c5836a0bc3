//! The token broker of the data directory.

use std::sync::Arc;

use claimlake_consent::{BrokerClient, BrokerLaunch};
use claimlake_vault::Vault;

use crate::access;
use crate::failure::Outcome;
use crate::invocation::Invocation;

/// Does something through the broker of the data directory.
pub(crate) fn with_broker<T>(
    vault: &Arc<Vault>,
    invocation: &Invocation,
    action: impl AsyncFnOnce(&BrokerClient) -> Result<T, claimlake_consent::ConsentError>,
) -> Outcome<T> {
    let app = access::app(&invocation.pipeline()?.source)?;
    let runtime = crate::runtime::on_this_thread()?;
    let done = runtime.block_on(async {
        let broker = BrokerClient::connect(&app, vault, BrokerLaunch::this_program()?).await?;
        action(&broker).await
    });
    done.map_err(access::oauth_failure)
}
