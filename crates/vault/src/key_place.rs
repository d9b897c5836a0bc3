//! The place of a vault's key while it is being replaced: the new key is first stored beside the
//! current one, and replaces it once every value is encrypted with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::key::{KeyOrigin, KeyPlace, folder_of, write_key_file};
use crate::key_text::parse_key;
use crate::seal::Key;
use crate::{VaultError, keyring, old_keys};

/// The key that lies where the present one is looked for.
pub(crate) fn in_place(origin: &KeyOrigin, vault_id: &str) -> Option<Key> {
    let text = match &origin.kept {
        KeyPlace::Elsewhere => return None,
        KeyPlace::File(path) => zeroize::Zeroizing::new(fs::read_to_string(path).ok()?),
        KeyPlace::Keyring => keyring::look_up(vault_id)?,
    };
    parse_key(&text, &origin.place).ok()
}

/// Completes a rekey that was interrupted after its transaction: there is a key beside the old one,
/// and it opens the vault. It is moved into place.
pub(crate) fn settle_interrupted<T>(
    origin: &KeyOrigin,
    vault_id: &str,
    replaced: &Key,
    unlock: &impl Fn(Key) -> Option<T>,
) -> Option<T> {
    let text = match &origin.kept {
        KeyPlace::Elsewhere => return None,
        KeyPlace::File(path) => fs::read_to_string(beside(path)).ok()?,
        KeyPlace::Keyring => keyring::look_up(&beside_in_keyring(vault_id))?.to_string(),
    };
    let key = parse_key(&text, "the key of an interrupted rekey").ok()?;
    let unlocked = unlock(key.clone())?;
    old_keys::keep(&origin.kept, vault_id, replaced).ok()?;
    put_in_place(origin, vault_id, &key).ok()?;
    Some(unlocked)
}

pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn beside_in_keyring(vault_id: &str) -> String {
    format!("{vault_id}-new")
}

pub(crate) fn lay_beside(origin: &KeyOrigin, vault_id: &str, key: &Key) -> Result<(), VaultError> {
    match &origin.kept {
        KeyPlace::Elsewhere => Ok(()),
        KeyPlace::File(path) => {
            let path = beside(path);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(VaultError::io("replacing the key file", &path, error));
                }
                _ => {}
            }
            write_key_file(&path, key)
        }
        KeyPlace::Keyring => stored_in_keyring(&beside_in_keyring(vault_id), key),
    }
}

pub(crate) fn put_in_place(
    origin: &KeyOrigin,
    vault_id: &str,
    key: &Key,
) -> Result<(), VaultError> {
    match &origin.kept {
        KeyPlace::Elsewhere => Ok(()),
        KeyPlace::File(path) => {
            let failed = |error| VaultError::io("replacing the key file", path, error);
            fs::rename(beside(path), path).map_err(failed)?;
            fs::File::open(folder_of(path))
                .and_then(|folder| folder.sync_all())
                .map_err(failed)
        }
        KeyPlace::Keyring => stored_in_keyring(vault_id, key),
    }
}

fn stored_in_keyring(name: &str, key: &Key) -> Result<(), VaultError> {
    keyring::store(name, key)
        .then_some(())
        .ok_or_else(|| VaultError::Key {
            reason: "the system keyring did not keep the new key: nothing was changed".into(),
        })
}
