//! The files of a vault in the data directory.

/// The database.
pub const VAULT_FILE: &str = "vault.db";

/// The file that names the vault of a data directory; written once the vault has its keys.
pub const VAULT_ID_FILE: &str = "vault.id";

/// The token lock.
pub const LOCK_FILE: &str = "vault.lock";

/// The access log.
pub const ACCESS_LOG_FILE: &str = "access.log";
