//! Replaces the key of a vault: every encrypted value is encrypted again, in one transaction.
//!
//! At every moment, a key that is found opens the vault. The new key is stored beside the current
//! one before the transaction commits, and moved into place afterwards; the current one is kept
//! under another name. [`settle_interrupted`](crate::key_place::settle_interrupted) completes what
//! a crash in between has left.

use std::path::Path;

use claimlake_contract::Secret;
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use crate::codebooks::code_place;
use crate::error::During;
use crate::extract_state::{checkpoint_place, known_place};
use crate::forget::intent_place;
use crate::grants::place;
use crate::key::{KeyOrigin, KeyPlace, KeyRequest, from_file};
use crate::key_place::{in_place, lay_beside, put_in_place};
use crate::key_text::parse_key;
use crate::opening::{reseal_lookup, seal_key};
use crate::seal::{Key, Keys};
use crate::sql::Sql;
use crate::{TokenLock, Vault, VaultError, old_keys, pending};

const SEALING: &str = "sealing the vault anew";

/// The progress of a rekey; each step is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekeyStep {
    /// The new key is stored beside the current one.
    NewKeyWritten,
    /// The current key is stored among the earlier ones.
    OldKeyKept,
    /// Everything is encrypted with the new key.
    Sealed,
    /// The new key is in the place of the current one.
    InPlace,
}

/// A vault that was given another key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rekeyed {
    /// Where the new key is.
    pub origin: KeyOrigin,
    /// Where the previous key is kept, as text; `None` if it is not ours to keep.
    pub kept: Option<String>,
}

impl Vault {
    /// Gives the vault another key: `new_key`, or a random one if the key is in a file or the
    /// keyring. The previous key is kept beside it, so that backups of the vault can still be
    /// opened, until [`Vault::forget_old_keys`]. Waits for the token lock, so that no broker uses
    /// the old key meanwhile.
    ///
    /// # Errors
    /// [`VaultError::Key`] if the key comes from the environment or a command and no new one is
    /// given; [`VaultError::Locked`] if a broker does not end.
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
            (None, KeyPlace::Elsewhere) => {
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

    /// Gives the vault a key in a file of its own, and leaves the present key where it is, because
    /// others may need it. The file is created; if it exists, for example after a call that was
    /// killed, its key is used. From then on [`crate::KeySource::file`] must name it.
    ///
    /// # Errors
    /// Those of [`Vault::rekey`]; the file contains no key, others may read it, or it is inside the
    /// data directory.
    pub fn rekey_into(
        &mut self,
        file: &Path,
        on_step: &mut dyn FnMut(RekeyStep),
    ) -> Result<Rekeyed, VaultError> {
        let _lock = TokenLock::acquire_patiently(self.data_dir())?;
        let request = KeyRequest {
            vault_id: self.id(),
            data_dir: self.data_dir(),
            may_create: true,
        };
        let (master, origin) = from_file(file, &request)?;
        self.refuse_the_same(&master)?;
        on_step(RekeyStep::NewKeyWritten);
        let keys = self.seal_anew(master)?;
        on_step(RekeyStep::Sealed);
        self.cut_log()?;
        let before = self.key_origin();
        let is_ours = before.kept != KeyPlace::Elsewhere;
        let kept = is_ours.then(|| before.place.clone());
        self.set_keys(keys, origin.clone());
        Ok(Rekeyed { origin, kept })
    }

    /// Whoever replaces a key that may have been disclosed must not believe that this was done.
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
        self.write(SEALING, |connection| {
            reseal_all(connection, &old, &keys.seal)?;
            reseal_lookup(connection, &keys)
        })?;
        Ok(keys)
    }

    /// The old pages live on in the write-ahead log until it is folded back and cut.
    fn cut_log(&self) -> Result<(), VaultError> {
        self.connection()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .during(SEALING)
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

    /// How many previous keys are kept.
    #[must_use]
    pub fn old_keys(&self) -> u64 {
        old_keys::all(&self.key_origin().kept, self.id()).len() as u64
    }
}

/// A sealed column: its table, the columns of its key, and what a value is bound to, by the key.
type SealedColumn = (
    &'static str,
    &'static str,
    &'static [&'static str],
    fn(&str, &[Value]) -> Option<String>,
);

const SEALED: &[SealedColumn] = &[
    ("grants", "patient", &["handle"], of_grant),
    ("grants", "earlier_patient", &["handle"], of_grant),
    ("grants", "external_id", &["handle"], of_grant),
    ("grants", "access_token", &["handle"], of_grant),
    ("grants", "refresh_token", &["handle"], of_grant),
    (
        "extract_states",
        "held",
        &["handle", "resource"],
        |_, key| Some(known_place(&parsed(key, 0)?, &parsed(key, 1)?)),
    ),
    (
        "checkpoints",
        "detail",
        &["run", "handle", "resource"],
        |_, key| {
            let (run, grant) = (parsed(key, 0)?, parsed(key, 1)?);
            Some(checkpoint_place(&run, &grant, &parsed(key, 2)?))
        },
    ),
    ("forget_intents", "sealed", &["intent"], |_, key| {
        Some(intent_place(&parsed::<String>(key, 0)?))
    }),
    (
        "codes",
        "sealed",
        &["recipient", "lookup"],
        |_, key| match (key.first()?, key.get(1)?) {
            (Value::Text(recipient), Value::Blob(lookup)) => Some(code_place(recipient, lookup)),
            _ => None,
        },
    ),
    (
        "pending_authorizations",
        "sealed",
        &["state_lookup"],
        |_, key| match key.first()? {
            Value::Blob(lookup) => Some(pending::place(lookup)),
            _ => None,
        },
    ),
];

fn of_grant(column: &str, key: &[Value]) -> Option<String> {
    Some(place(column, &parsed(key, 0)?))
}

fn parsed<T: std::str::FromStr>(key: &[Value], at: usize) -> Option<T> {
    match key.get(at)? {
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn reseal_all(connection: &Connection, old: &Key, new: &Key) -> Result<(), VaultError> {
    SEALED
        .iter()
        .try_for_each(|column| reseal(connection, old, new, column))
}

fn reseal(
    connection: &Connection,
    old: &Key,
    new: &Key,
    (table, column, keys, place_of): &SealedColumn,
) -> Result<(), VaultError> {
    let unreadable = || VaultError::damaged(format!("a value of {table}.{column} does not open"));
    let columns = keys.join(", ");
    let select = format!("SELECT {columns}, {column} FROM {table} WHERE {column} IS NOT NULL");
    let found = connection.rows(SEALING, &select, [], |row| {
        let key: Result<Vec<Value>, _> = (0..keys.len()).map(|at| row.get(at)).collect();
        Ok((key?, row.get::<Vec<u8>>(keys.len())?))
    })?;
    let conditions = keys
        .iter()
        .zip(2..)
        .map(|(key, at)| format!("{key} = ?{at}"));
    let conditions: Vec<String> = conditions.collect();
    let update = format!(
        "UPDATE {table} SET {column} = ?1 WHERE {}",
        conditions.join(" AND ")
    );
    for (key, sealed) in found {
        let place = place_of(column, &key).ok_or_else(unreadable)?;
        let plain = old.open(&place, &sealed).ok_or_else(unreadable)?;
        let values = [Value::Blob(new.seal(&place, &plain)?)]
            .into_iter()
            .chain(key);
        connection.run(SEALING, &update, params_from_iter(values))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
