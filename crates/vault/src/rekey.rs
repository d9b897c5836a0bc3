//! Another key for the same vault: every sealed value is sealed anew in one transaction.
//!
//! At every instant one key at hand opens the vault: the new one lies beside the old one before
//! the transaction commits, and takes its place after; the old one is kept under another name. [`settle_interrupted`] finishes what a
//! crash in between has left.

use std::fs;
use std::path::{Path, PathBuf};

use claimlake_contract::{GrantHandle, ResourceType, RunId, Secret};
use rusqlite::Connection;

use crate::checkpoint::{checkpoint_place, held_place};
use crate::error::Doing;
use crate::forget::intent_place;
use crate::grant_row::place;
use crate::key::{
    Kept, KeyOrigin, Wanted, folder_of, from_file, key_text, parse_key, write_key_file,
};
use crate::opening::{reseal_lookup, seal_key};
use crate::seal::Key;
use crate::store::Keys;
use crate::{TokenLock, Vault, VaultError, keyring, old_keys, pending};

/// How far a rekey has come; what is done is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekeyStep {
    /// The new key lies beside the present one.
    NewKeyWritten,
    /// The present key is kept among those before.
    OldKeyKept,
    /// Everything is sealed with the new key.
    Sealed,
    /// The new key is where the present one was.
    InPlace,
}

/// A vault that was given another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// Where the new key is.
    pub origin: KeyOrigin,
    /// Where the key before is kept, in words; none where it is not ours to keep.
    pub kept: Option<String>,
}

impl Vault {
    /// Gives the vault another key: `new_key`, or a random one where the key lies in a file or the
    /// keyring. The key before is kept beside it, so that backups of the vault still open, until
    /// [`Vault::forget_old_keys`]. Waits for the token lock, so no broker holds the old one
    /// meanwhile.
    ///
    /// # Errors
    /// [`VaultError::Key`] where the key comes from the environment or a command and no new one is
    /// given; [`VaultError::Locked`] where a broker does not end.
    pub fn rekey(
        &mut self,
        new_key: Option<&Secret>,
        on_step: &mut dyn FnMut(RekeyStep),
    ) -> Result<Rekeyed, VaultError> {
        let _lock = TokenLock::acquire_patiently(self.data_dir())?;
        let mut origin = KeyOrigin {
            created: false,
            is_old: false,
            ..self.key_origin().clone()
        };
        origin.place = origin.kept.place().unwrap_or(origin.place);
        let master = match (new_key, &origin.kept) {
            (Some(text), _) => parse_key(text.expose(), "the new key")?,
            (None, Kept::Elsewhere) => {
                return Err(VaultError::Key {
                    reason: format!(
                        "the key comes from {}, where it cannot be replaced from here: give the \
                         new one by CLAIMLAKE_VAULT_NEW_KEY, then put it there",
                        origin.place
                    ),
                });
            }
            (None, _) => Key::random()?,
        };
        self.refuse_the_same(&master)?;
        lay_beside(&origin, self.id(), &master)?;
        on_step(RekeyStep::NewKeyWritten);
        // What lies in the place of the present key is another one where an old key opened this.
        if let Some(replaced) = in_place(&origin, self.id()) {
            old_keys::keep(&origin.kept, self.id(), &replaced)?;
        }
        let kept = old_keys::keep(&origin.kept, self.id(), &self.keys().master)?;
        on_step(RekeyStep::OldKeyKept);
        let keys = self.seal_anew(master)?;
        on_step(RekeyStep::Sealed);
        put_in_place(&origin, self.id(), &keys.master)?;
        on_step(RekeyStep::InPlace);
        self.cut_log()?;
        self.set_keys(keys, origin.clone());
        Ok(Rekeyed { origin, kept })
    }

    /// Gives the vault a key in a file of its own, and leaves the present key where it is, for
    /// whatever else needs it. The file is made; the key of one that is there is taken, such as that
    /// of a call that was killed. From then on [`crate::KeySource::file`] has to name it.
    ///
    /// # Errors
    /// As [`Vault::rekey`]; where the file holds no key, others may read it, or it lies inside the
    /// data directory.
    pub fn rekey_into(
        &mut self,
        file: &Path,
        on_step: &mut dyn FnMut(RekeyStep),
    ) -> Result<Rekeyed, VaultError> {
        let _lock = TokenLock::acquire_patiently(self.data_dir())?;
        let wanted = Wanted {
            vault_id: self.id(),
            data_dir: self.data_dir(),
            may_create: true,
        };
        let (master, origin) = from_file(file, &wanted)?;
        self.refuse_the_same(&master)?;
        on_step(RekeyStep::NewKeyWritten);
        let keys = self.seal_anew(master)?;
        on_step(RekeyStep::Sealed);
        self.cut_log()?;
        let before = self.key_origin();
        let is_ours = before.kept != Kept::Elsewhere;
        let kept = is_ours.then(|| before.place.clone());
        self.set_keys(keys, origin.clone());
        Ok(Rekeyed { origin, kept })
    }

    /// Who replaces a key that somebody may have had must not believe that it was done.
    fn refuse_the_same(&self, new: &Key) -> Result<(), VaultError> {
        match new.bytes() == self.keys().master.bytes() {
            false => Ok(()),
            true => Err(VaultError::Key {
                reason:
                    "the new key is the one that the vault is sealed with: nothing was changed, \
                     give another one (one is made by: openssl rand -hex 32)"
                        .into(),
            }),
        }
    }

    fn seal_anew(&self, master: Key) -> Result<Keys, VaultError> {
        let keys = Keys {
            seal: seal_key(&master),
            lookup: self.keys().lookup.clone(),
            master,
        };
        let old = self.keys().seal.clone();
        self.write("sealing the vault anew", |connection| {
            reseal_all(connection, &old, &keys.seal)?;
            reseal_lookup(connection, &keys)
        })?;
        Ok(keys)
    }

    /// The old pages live on in the write-ahead log until it is folded back and cut.
    fn cut_log(&self) -> Result<(), VaultError> {
        self.connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .doing("sealing the vault anew")
    }

    /// Removes the keys that were kept when the vault was given another one; how many. Backups that
    /// are sealed with them open no more.
    ///
    /// # Errors
    /// [`VaultError::Key`] where this vault itself is sealed with one of them.
    pub fn forget_old_keys(&self) -> Result<u64, VaultError> {
        let origin = self.key_origin();
        if origin.is_old {
            return Err(VaultError::Key {
                reason: format!(
                    "this vault is sealed with a key from before, {}: run `vault rekey` first \
                     (nothing was removed)",
                    origin.place
                ),
            });
        }
        old_keys::forget(&origin.kept, self.id())
    }

    /// How many keys from before are kept.
    #[must_use]
    pub fn old_keys(&self) -> u64 {
        old_keys::all(&self.key_origin().kept, self.id()).len() as u64
    }
}

/// The key that lies where the present one is looked for.
fn in_place(origin: &KeyOrigin, vault_id: &str) -> Option<Key> {
    let text = match &origin.kept {
        Kept::Elsewhere => return None,
        Kept::File(path) => zeroize::Zeroizing::new(fs::read_to_string(path).ok()?),
        Kept::Keyring => keyring::look_up(vault_id)?,
    };
    parse_key(&text, &origin.place).ok()
}

/// A key that lies beside the old one and opens the vault: a rekey was interrupted after its
/// transaction. It is put in place.
pub(crate) fn settle_interrupted<T>(
    origin: &KeyOrigin,
    vault_id: &str,
    replaced: &Key,
    unlock: &impl Fn(Key) -> Option<T>,
) -> Option<T> {
    let text = match &origin.kept {
        Kept::Elsewhere => return None,
        Kept::File(path) => fs::read_to_string(beside(path)).ok()?,
        Kept::Keyring => keyring::look_up(&beside_in_keyring(vault_id))?.to_string(),
    };
    let key = parse_key(&text, "the key of an interrupted rekey").ok()?;
    let unlocked = unlock(key.clone())?;
    old_keys::keep(&origin.kept, vault_id, replaced).ok()?;
    put_in_place(origin, vault_id, &key).ok()?;
    Some(unlocked)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

fn beside_in_keyring(vault_id: &str) -> String {
    format!("{vault_id}-new")
}

fn lay_beside(origin: &KeyOrigin, vault_id: &str, key: &Key) -> Result<(), VaultError> {
    match &origin.kept {
        Kept::Elsewhere => Ok(()),
        Kept::File(path) => {
            let path = beside(path);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(VaultError::io("replacing the key file", &path, error));
                }
                _ => {}
            }
            write_key_file(&path, key)
        }
        Kept::Keyring => stored_in_keyring(&beside_in_keyring(vault_id), key),
    }
}

fn put_in_place(origin: &KeyOrigin, vault_id: &str, key: &Key) -> Result<(), VaultError> {
    match &origin.kept {
        Kept::Elsewhere => Ok(()),
        Kept::File(path) => {
            let failed = |error| VaultError::io("replacing the key file", path, error);
            fs::rename(beside(path), path).map_err(failed)?;
            fs::File::open(folder_of(path))
                .and_then(|folder| folder.sync_all())
                .map_err(failed)
        }
        Kept::Keyring => stored_in_keyring(vault_id, key),
    }
}

fn stored_in_keyring(name: &str, key: &Key) -> Result<(), VaultError> {
    let kept = keyring::store(name, key)
        && keyring::look_up(name).is_some_and(|text| text.trim() == key_text(key).expose());
    kept.then_some(()).ok_or_else(|| VaultError::Key {
        reason: "the system keyring did not keep the new key: nothing was changed".into(),
    })
}

/// Every sealed column: the columns of its key, in the order in which its place is made of them.
fn reseal_all(connection: &Connection, old: &Key, new: &Key) -> Result<(), VaultError> {
    for column in ["patient", "external_id", "access_token", "refresh_token"] {
        reseal(
            connection,
            (old, new),
            "grants",
            column,
            &["handle"],
            |row| Some(place(column, &parsed::<GrantHandle>(row.first()?)?)),
        )?;
    }
    let keys = ["handle", "resource"];
    reseal(
        connection,
        (old, new),
        "extract_states",
        "held",
        &keys,
        |row| {
            Some(held_place(
                &parsed::<GrantHandle>(row.first()?)?,
                &parsed::<ResourceType>(row.get(1)?)?,
            ))
        },
    )?;
    let keys = ["run", "handle", "resource"];
    reseal(
        connection,
        (old, new),
        "checkpoints",
        "detail",
        &keys,
        |row| {
            Some(checkpoint_place(
                &parsed::<RunId>(row.first()?)?,
                &parsed::<GrantHandle>(row.get(1)?)?,
                &parsed::<ResourceType>(row.get(2)?)?,
            ))
        },
    )?;
    let keys = ["intent"];
    reseal(
        connection,
        (old, new),
        "forget_intents",
        "sealed",
        &keys,
        |row| Some(intent_place(&parsed::<String>(row.first()?)?)),
    )?;
    let keys = ["state_lookup"];
    reseal(
        connection,
        (old, new),
        "pending_authorizations",
        "sealed",
        &keys,
        |row| match row.first()? {
            rusqlite::types::Value::Blob(lookup) => Some(pending::place(lookup)),
            _ => None,
        },
    )
}

type KeyRow = [rusqlite::types::Value];

fn parsed<T: std::str::FromStr>(value: &rusqlite::types::Value) -> Option<T> {
    match value {
        rusqlite::types::Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn reseal(
    connection: &Connection,
    (old, new): (&Key, &Key),
    table: &str,
    column: &str,
    keys: &[&str],
    place_of: impl Fn(&KeyRow) -> Option<String>,
) -> Result<(), VaultError> {
    let doing = "sealing the vault anew";
    let unreadable = || VaultError::damaged(format!("a value of {table}.{column} does not open"));
    let key_columns = keys.join(", ");
    let condition: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(index, key)| format!("{key} = ?{}", index + 2))
        .collect();
    let mut rows = connection
        .prepare(&format!(
            "SELECT {key_columns}, {column} FROM {table} WHERE {column} IS NOT NULL"
        ))
        .doing(doing)?;
    let found = rows
        .query_map([], |row| {
            let key: Vec<rusqlite::types::Value> = (0..keys.len())
                .map(|index| row.get(index))
                .collect::<Result<_, _>>()?;
            Ok((key, row.get::<_, Vec<u8>>(keys.len())?))
        })
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .doing(doing)?;
    let mut update = connection
        .prepare(&format!(
            "UPDATE {table} SET {column} = ?1 WHERE {}",
            condition.join(" AND ")
        ))
        .doing(doing)?;
    for (key, sealed) in found {
        let place = place_of(&key).ok_or_else(unreadable)?;
        let plain = old.open(&place, &sealed).ok_or_else(unreadable)?;
        let mut values = vec![rusqlite::types::Value::Blob(new.seal(&place, &plain)?)];
        values.extend(key);
        update
            .execute(rusqlite::params_from_iter(values))
            .doing(doing)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
