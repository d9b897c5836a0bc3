//! On which thread the vault is used.

use claimlake_vault::{Vault, VaultError};

/// Who works on the vault. It may be locked by another process for seconds: where other tasks wait
/// for the same thread, another one does the work.
pub(crate) trait VaultWork {
    /// Does work on the vault.
    fn with_vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> impl Future<Output = Result<T, VaultError>> + Send;
}

/// Runs on this thread: nothing else waits for it.
impl VaultWork for Vault {
    async fn with_vault<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Vault) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        work(self)
    }
}
