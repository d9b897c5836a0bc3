//! Earlier keys of a vault, kept beside the current one so that backups can still be opened, until
//! `vault forget-old-keys`. Each key that a `rekey` replaces gets a number; the highest is the
//! latest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::key::{KeyPlace, folder_of, write_key_file};
use crate::key_text::parse_key;
use crate::seal::Key;
use crate::{VaultError, keyring};

/// A kept key, and its place as text.
pub(crate) struct OldKey {
    pub(crate) place: String,
    pub(crate) key: Key,
}

/// The kept keys that can be read, the latest first.
pub(crate) fn all(kept: &KeyPlace, vault_id: &str) -> Vec<OldKey> {
    let mut found = Vec::new();
    match kept {
        KeyPlace::Elsewhere => {}
        KeyPlace::File(path) => {
            for (_, old) in files(path) {
                let place = in_words(&old);
                let text = fs::read_to_string(&old).map(zeroize::Zeroizing::new);
                let key = text.ok().and_then(|text| parse_key(&text, &place).ok());
                found.extend(key.map(|key| OldKey { place, key }));
            }
        }
        KeyPlace::Keyring => {
            for number in 1.. {
                let name = in_keyring(vault_id, number);
                let Some(text) = keyring::look_up(&name) else {
                    break;
                };
                let place = keyring_in_words(&name);
                let key = parse_key(&text, &place).ok();
                found.extend(key.map(|key| OldKey { place, key }));
            }
        }
    }
    found.reverse();
    found
}

/// Keeps a key durably, unless it is kept already. Returns its place as text; `None` if the key is
/// not ours to keep.
pub(crate) fn keep(
    kept: &KeyPlace,
    vault_id: &str,
    key: &Key,
) -> Result<Option<String>, VaultError> {
    let known = all(kept, vault_id);
    let is_same = |old: &&OldKey| old.key.bytes() == key.bytes();
    if let Some(old) = known.iter().find(is_same) {
        return Ok(Some(old.place.clone()));
    }
    match kept {
        KeyPlace::Elsewhere => Ok(None),
        KeyPlace::File(path) => {
            let last = files(path).last().map_or(0, |(number, _)| *number);
            let old = file(path, last + 1);
            write_key_file(&old, key)?;
            Ok(Some(in_words(&old)))
        }
        KeyPlace::Keyring => {
            let free = |number: &u32| keyring::look_up(&in_keyring(vault_id, *number)).is_none();
            let number = (1..).find(free).unwrap_or(1);
            let name = in_keyring(vault_id, number);
            match keyring::store(&name, key) {
                true => Ok(Some(keyring_in_words(&name))),
                false => Err(VaultError::Key {
                    reason: "the system keyring did not keep the key before: nothing was changed"
                        .into(),
                }),
            }
        }
    }
}

/// Removes the kept keys; how many there were.
pub(crate) fn forget(kept: &KeyPlace, vault_id: &str) -> Result<u64, VaultError> {
    let mut removed = 0;
    match kept {
        KeyPlace::Elsewhere => {}
        KeyPlace::File(path) => {
            let failed = |error| VaultError::io("removing the key before", path, error);
            for (_, old) in files(path) {
                fs::remove_file(old).map_err(failed)?;
                removed += 1;
            }
            if removed > 0 {
                fs::File::open(folder_of(path))
                    .and_then(|folder| folder.sync_all())
                    .map_err(failed)?;
            }
        }
        KeyPlace::Keyring => {
            let there = |number: &u32| keyring::look_up(&in_keyring(vault_id, *number)).is_some();
            let numbers: Vec<u32> = (1..).take_while(there).collect();
            // From the end, so that none is out of reach when this is interrupted.
            for number in numbers.into_iter().rev() {
                if !keyring::remove(&in_keyring(vault_id, number)) {
                    return Err(VaultError::Key {
                        reason: "the system keyring did not let go of the key before".into(),
                    });
                }
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// `<key file>.old-1` and so on, by number.
fn files(path: &Path) -> Vec<(u32, PathBuf)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{name}.old-");
    let entries = fs::read_dir(folder_of(path))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix(&prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort();
    found
}

fn file(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".old-{number}"));
    name.into()
}

fn in_words(path: &Path) -> String {
    format!("key file '{}'", path.display())
}

fn in_keyring(vault_id: &str, number: u32) -> String {
    format!("{vault_id}-old-{number}")
}

fn keyring_in_words(name: &str) -> String {
    format!("the system keyring (service claimlake, vault {name})")
}
