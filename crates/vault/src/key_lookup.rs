//! Reads the key of a vault again, since another process may have replaced it after the vault was
//! opened.

use std::path::PathBuf;
use std::sync::Arc;

use claimlake_contract::{Clock, Secret};

use crate::{KeySource, Vault, VaultError, opening};

/// Looks up the key of one vault where the vault that was opened found its own.
#[derive(Debug, Clone)]
pub struct KeyLookup {
    pub(crate) data_dir: PathBuf,
    pub(crate) source: KeySource,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) place: String,
}

impl KeyLookup {
    /// The key that opens the vault now.
    ///
    /// # Errors
    /// Those of [`Vault::open`].
    pub fn read(&self) -> Result<Secret, VaultError> {
        let vault = Vault::open(&self.data_dir, &self.source, Arc::clone(&self.clock))?;
        Ok(vault.key_for_broker())
    }

    /// The error that the key found there does not open the vault.
    #[must_use]
    pub fn wrong_key(&self) -> VaultError {
        VaultError::WrongKey {
            origin: self.place.clone(),
        }
    }
}

impl Vault {
    /// How to look up the key of this vault again.
    #[must_use]
    pub fn key_lookup(&self) -> KeyLookup {
        KeyLookup {
            data_dir: self.data_dir().to_owned(),
            source: self.key_source().clone(),
            clock: self.clock(),
            place: self.key_origin().place.clone(),
        }
    }

    /// Goes on with the key that another process has given this vault since it was opened, so that
    /// nothing is read or sealed with the one before. Meant for whoever has a broker: while that
    /// lives, the key stays.
    ///
    /// # Errors
    /// Those of [`Vault::open`]; [`VaultError::Locked`] where the key is replaced once more.
    pub fn follow_rekey(&self) -> Result<(), VaultError> {
        if opening::are_current(&self.connection(), self.keys())? {
            return Ok(());
        }
        let now = Vault::open(self.data_dir(), self.key_source(), self.clock())?;
        let keys = now.keys().clone();
        self.newer_keys().set(keys).map_err(|_| VaultError::Locked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use claimlake_contract::{Secret, SystemClock};

    use crate::{KeySource, Vault};

    #[test]
    fn a_key_that_was_replaced_since_is_found_and_the_place_is_the_true_one() {
        let (data, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = KeySource::in_config_dir(keys.path());
        let open = || Vault::open(data.path(), &source, Arc::new(SystemClock)).unwrap();
        let before = open();
        let first = before.key_for_broker();
        open().rekey(None, &mut |_| {}).unwrap();
        let again = before.key_lookup();
        let read = again.read().unwrap();
        assert_ne!(read, before.key_for_broker());
        assert_eq!(read, open().key_for_broker());
        assert_eq!(before.key_for_broker().expose(), first.expose());
        before.follow_rekey().unwrap();
        assert_eq!(before.key_for_broker(), read);
        before.follow_rekey().unwrap();
        let words = again.wrong_key().to_string();
        assert!(words.starts_with("the key from key file '"), "{words}");
    }

    #[test]
    fn a_key_from_the_environment_stays_what_it_was() {
        let data = tempfile::tempdir().unwrap();
        let source = KeySource::given(Secret::new("5".repeat(64)));
        let vault = Vault::open(data.path(), &source, Arc::new(SystemClock)).unwrap();
        let again = vault.key_lookup();
        assert_eq!(again.read().unwrap(), vault.key_for_broker());
        let words = again.wrong_key().to_string();
        assert!(words.contains("environment CLAIMLAKE_VAULT_KEY"), "{words}");
    }
}
