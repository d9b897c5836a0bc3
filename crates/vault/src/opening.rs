//! Finds the vault's keys where they are kept, and creates them for a vault that has none.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::error::During;
use crate::key::{self, KeyOrigin, KeyRequest, KeySource};
use crate::key_place::settle_interrupted;
use crate::seal::{Key, Keys, fill_random};
use crate::{VaultError, head, marks, old_keys};

const KEY_CHECK: &str = "vault_meta.lookup_key";

/// The key that seals values under a master key.
pub(crate) fn seal_key(master: &Key) -> Key {
    master.derive("claimlake vault seal 1")
}

/// What to do if there are no keys although the data directory has had a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewVault {
    Refused,
    Allowed,
}

/// A vault's keys, where they were found, and the vault's id.
pub(crate) struct OpenedKeys {
    pub(crate) keys: Keys,
    pub(crate) origin: KeyOrigin,
    pub(crate) vault_id: String,
}

/// Finds the keys of a vault, and makes them for one that has none.
pub(crate) fn open_keys(
    connection: &mut Connection,
    data_dir: &Path,
    source: &KeySource,
    new_vault: NewVault,
) -> Result<OpenedKeys, VaultError> {
    let operation = "opening the vault's keys";
    // Only a vault that has no keys yet is written to: an opening does not wait for writers.
    let behavior = match head::get(connection, "lookup_key")? {
        Some(_) => TransactionBehavior::Deferred,
        None => TransactionBehavior::Immediate,
    };
    let transaction = connection
        .transaction_with_behavior(behavior)
        .during(operation)?;
    let sealed_lookup = head::get(&transaction, "lookup_key")?;
    // A process that creates the keys commits them before it writes the mark, and this transaction
    // holds the lock.
    if sealed_lookup.is_none()
        && new_vault == NewVault::Refused
        && let Some(mark) = marks::mark(data_dir)
    {
        return Err(marks::refusal(data_dir, mark));
    }
    let vault_id = match head::get(&transaction, "vault_id")? {
        Some(id) => String::from_utf8(id)
            .ok()
            .filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric()))
            .ok_or_else(|| VaultError::damaged("its id is not readable"))?,
        None => {
            let mut bytes = [0; 8];
            fill_random(&mut bytes)?;
            let id = format!("v{}", claimlake_contract::hex(&bytes));
            head::set(&transaction, "vault_id", id.as_bytes())?;
            id
        }
    };
    let request = KeyRequest {
        vault_id: &vault_id,
        data_dir,
        may_create: sealed_lookup.is_none(),
    };
    let (master, mut origin) = key::resolve(source, &request)?;
    let (master, seal, lookup) = match sealed_lookup {
        Some(sealed) => {
            let unlock = |master: Key| {
                let seal = seal_key(&master);
                let plain = seal.open(KEY_CHECK, &sealed)?;
                Some((master, seal, Key::from_slice(&plain)?))
            };
            let interrupted = || settle_interrupted(&origin, &vault_id, &master, &unlock);
            match unlock(master.clone()).or_else(interrupted) {
                Some(unlocked) => unlocked,
                None => {
                    let mut kept = old_keys::all(&origin.kept, &vault_id).into_iter();
                    let opens = |old: old_keys::OldKey| Some((old.place, unlock(old.key)?));
                    let (place, unlocked) =
                        kept.find_map(opens).ok_or_else(|| VaultError::WrongKey {
                            origin: origin.place.clone(),
                        })?;
                    origin.place = place;
                    origin.is_old = true;
                    unlocked
                }
            }
        }
        None => {
            let (seal, lookup) = (seal_key(&master), Key::random()?);
            let sealed = seal.seal(KEY_CHECK, lookup.bytes())?;
            head::set(&transaction, "lookup_key", &sealed)?;
            (master, seal, lookup)
        }
    };
    transaction.commit().during(operation)?;
    Ok(OpenedKeys {
        keys: Keys {
            master,
            seal,
            lookup,
        },
        origin,
        vault_id,
    })
}

/// Whether these are still the keys of the vault.
pub(crate) fn are_current(connection: &Connection, keys: &Keys) -> Result<bool, VaultError> {
    let sealed = head::get(connection, "lookup_key")?;
    Ok(sealed.is_some_and(|sealed| keys.seal.open(KEY_CHECK, &sealed).is_some()))
}

/// The sealed lookup key under another master key.
pub(crate) fn reseal_lookup(connection: &Connection, keys: &Keys) -> Result<(), VaultError> {
    head::set(
        connection,
        "lookup_key",
        &keys.seal.seal(KEY_CHECK, keys.lookup.bytes())?,
    )
}
