//! The source that a data directory belongs to.

use crate::sql::Sql;
use crate::{Vault, VaultError};

const READING: &str = "reading whose data directory this is";
const IDENTITY: &str = "SELECT identity FROM source";

impl Vault {
    /// Gives the data directory to a source, or checks that it is that source's already.
    ///
    /// # Errors
    /// [`VaultError::Invalid`] where it belongs to another source.
    pub fn bind_source(&self, identity: &str) -> Result<(), VaultError> {
        let owner: Option<String> = self.write(READING, |connection| {
            let insert = "INSERT OR IGNORE INTO source (only_row, identity) VALUES (1, ?1)";
            connection.run(READING, insert, [identity])?;
            connection.first(READING, IDENTITY, [], |row| row.get(0))
        })?;
        match owner {
            Some(owner) if owner != identity => Err(VaultError::Invalid(format!(
                "this data directory holds what was extracted from {owner}, not {identity}: name \
                 another one with --data"
            ))),
            _ => Ok(()),
        }
    }

    /// The source the data directory belongs to.
    ///
    /// # Errors
    /// Where the vault cannot be read.
    pub fn source(&self) -> Result<Option<String>, VaultError> {
        self.connection()
            .first(READING, IDENTITY, [], |row| row.get(0))
    }
}
