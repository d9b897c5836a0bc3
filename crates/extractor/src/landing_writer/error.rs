//! Why landing failed: a copy for each caller that waits for the thread.

use std::sync::Arc;

use claimlake_landing::LandingError;
use claimlake_vault::VaultError;

/// Landing failed: the run cannot continue.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriterError {
    #[error(transparent)]
    Landing(Arc<LandingError>),
    #[error(transparent)]
    Vault(Arc<VaultError>),
    #[error("the landing thread has stopped")]
    Stopped,
}

impl From<LandingError> for WriterError {
    fn from(error: LandingError) -> Self {
        Self::Landing(Arc::new(error))
    }
}

impl From<VaultError> for WriterError {
    fn from(error: VaultError) -> Self {
        Self::Vault(Arc::new(error))
    }
}
