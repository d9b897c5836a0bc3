//! Where the vault's key comes from. The order is documented on [`KeySource`].

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use claimlake_contract::Secret;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::key_text::{key_text, parse_key};
use crate::keyring::{self, Keyring};
use crate::seal::Key;

/// Where to look for the vault's key. The first that is set decides, in this order:
///
/// 1. `environment`: the key itself (`CLAIMLAKE_VAULT_KEY`).
/// 2. `command`: a shell command that prints the key (a password manager, a cloud's key service).
/// 3. `file`: a key file with mode 0600 outside the data directory; made on first use.
/// 4. the keyring of the desktop, where `keyring` allows it and it answers.
/// 5. a key file of this vault in `config_dir`; made on first use.
///
/// A key is 32 bytes, written as 64 hex digits or as base64. An existing vault never gets a new
/// key on its own: where its key is missing, opening it fails and says where the key was.
#[derive(Debug, Clone, Default)]
pub struct KeySource {
    /// The key itself.
    pub environment: Option<Secret>,
    /// A shell command whose standard output is the key.
    pub command: Option<String>,
    /// A key file.
    pub file: Option<PathBuf>,
    /// Whether to ask the keyring of the desktop.
    pub keyring: Keyring,
    /// The user's configuration folder, such as `~/.config/claimlake`.
    pub config_dir: Option<PathBuf>,
}

impl KeySource {
    /// This key and no other.
    #[must_use]
    pub fn given(key: Secret) -> Self {
        Self {
            environment: Some(key),
            ..Self::default()
        }
    }

    /// A key file per vault in the user's configuration folder.
    #[must_use]
    pub fn in_config_dir(config_dir: impl Into<PathBuf>) -> Self {
        Self {
            config_dir: Some(config_dir.into()),
            ..Self::default()
        }
    }
}

/// Where a key was found or stored, for messages. Contains nothing secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrigin {
    /// The place as text, `key file '/home/…/vault.key'`.
    pub place: String,
    /// Whether the key was made just now.
    pub created: bool,
    /// Whether a `rekey` has since replaced it: the vault was restored from a backup, or another
    /// vault with the same key file was given a new key.
    pub is_old: bool,
    pub(crate) kept: KeyPlace,
}

/// Whether this program can replace the key at the place where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyPlace {
    /// The environment or a command, which this program cannot change.
    Elsewhere,
    /// A key file.
    File(PathBuf),
    /// The keyring of the desktop.
    Keyring,
}

impl KeyPlace {
    /// The place as text; `None` if others keep the key.
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            KeyPlace::Elsewhere => None,
            KeyPlace::File(path) => Some(format!("key file '{}'", path.display())),
            KeyPlace::Keyring => Some("the system keyring (service claimlake)".to_owned()),
        }
    }
}

/// The vault for which a key is looked up.
pub(crate) struct KeyRequest<'a> {
    /// The vault's random id.
    pub(crate) vault_id: &'a str,
    /// The data directory, in which no key may lie.
    pub(crate) data_dir: &'a Path,
    /// Whether a key may be created: only for a vault that has no data yet.
    pub(crate) may_create: bool,
}

pub(crate) fn resolve(
    source: &KeySource,
    request: &KeyRequest<'_>,
) -> Result<(Key, KeyOrigin), VaultError> {
    if let Some(text) = &source.environment {
        return Ok((
            parse_key(text.expose(), "CLAIMLAKE_VAULT_KEY")?,
            elsewhere("environment CLAIMLAKE_VAULT_KEY"),
        ));
    }
    if let Some(command) = &source.command {
        return Ok((
            from_command(command)?,
            elsewhere("CLAIMLAKE_VAULT_KEY_COMMAND"),
        ));
    }
    if let Some(file) = &source.file {
        return from_file(file, request);
    }
    if source.keyring == Keyring::System
        && let Some((key, created)) = keyring::key(request.vault_id, request.may_create)?
    {
        let kept = KeyPlace::Keyring;
        let place = kept.place().unwrap_or_default();
        return Ok((
            key,
            KeyOrigin {
                place,
                created,
                is_old: false,
                kept,
            },
        ));
    }
    let Some(config_dir) = &source.config_dir else {
        return Err(VaultError::Key {
            reason: "no place for the vault's key: set CLAIMLAKE_VAULT_KEY, \
                 CLAIMLAKE_VAULT_KEY_COMMAND or CLAIMLAKE_VAULT_KEY_FILE"
                .into(),
        });
    };
    from_file(&key_path(config_dir, request.vault_id), request)
}

/// The key file of a vault in the configuration folder.
fn key_path(config_dir: &Path, vault_id: &str) -> PathBuf {
    config_dir.join("keys").join(format!("{vault_id}.key"))
}

fn elsewhere(place: &str) -> KeyOrigin {
    KeyOrigin {
        place: place.into(),
        created: false,
        is_old: false,
        kept: KeyPlace::Elsewhere,
    }
}

fn from_command(command: &str) -> Result<Key, VaultError> {
    let output = std::process::Command::new("/bin/sh")
        .arg("-c")
        .arg(command)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|error| VaultError::Key {
            reason: format!("CLAIMLAKE_VAULT_KEY_COMMAND could not be started: {error}"),
        })?;
    let text = Zeroizing::new(output.stdout);
    if !output.status.success() {
        return Err(VaultError::Key {
            reason: format!("CLAIMLAKE_VAULT_KEY_COMMAND failed ({})", output.status),
        });
    }
    let text = std::str::from_utf8(&text).map_err(|_| VaultError::Key {
        reason: "CLAIMLAKE_VAULT_KEY_COMMAND printed something that is not text".into(),
    })?;
    parse_key(text, "CLAIMLAKE_VAULT_KEY_COMMAND")
}

pub(crate) fn from_file(
    path: &Path,
    request: &KeyRequest<'_>,
) -> Result<(Key, KeyOrigin), VaultError> {
    refuse_inside_data(path, request.data_dir)?;
    let kept = KeyPlace::File(path.to_owned());
    let place = kept.place().unwrap_or_default();
    let origin = |created| KeyOrigin {
        place: place.clone(),
        created,
        is_old: false,
        kept: kept.clone(),
    };
    match OpenOptions::new().read(true).open(path) {
        Ok(mut file) => {
            let metadata = file
                .metadata()
                .map_err(|e| VaultError::io("reading the key file", path, e))?;
            if metadata.mode() & 0o077 != 0 {
                return Err(VaultError::Key {
                    reason: format!("others may read the {place}: run chmod 600 on it"),
                });
            }
            let mut text = Zeroizing::new(String::new());
            file.read_to_string(&mut text)
                .map_err(|e| VaultError::io("reading the key file", path, e))?;
            Ok((parse_key(&text, &place)?, origin(false)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && request.may_create => {
            let key = Key::random()?;
            write_key_file(path, &key)?;
            Ok((key, origin(true)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(VaultError::Key {
            reason: format!(
                "the vault's key is missing: there is no {place}; restore it, or give the key by \
                 CLAIMLAKE_VAULT_KEY, CLAIMLAKE_VAULT_KEY_COMMAND or CLAIMLAKE_VAULT_KEY_FILE"
            ),
        }),
        Err(error) => Err(VaultError::io("reading the key file", path, error)),
    }
}

/// The folder of a key file, which may be named without one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    folder
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes a key file that did not exist, readable by its owner only, durably.
pub(crate) fn write_key_file(path: &Path, key: &Key) -> Result<(), VaultError> {
    let failed = |error| VaultError::io("writing the key file", path, error);
    let folder = folder_of(path);
    if !folder.is_dir() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    let text = key_text(key);
    file.write_all(text.expose().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .map_err(failed)?;
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}

/// Refuses a key file within the data directory: whoever copies the folder would have both.
fn refuse_inside_data(path: &Path, data_dir: &Path) -> Result<(), VaultError> {
    let data = fs::canonicalize(data_dir)
        .map_err(|e| VaultError::io("finding the data directory", data_dir, e))?;
    let absolute =
        std::path::absolute(path).map_err(|e| VaultError::io("finding the key file", path, e))?;
    let nearest = absolute
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok());
    if nearest.is_some_and(|folder| folder.starts_with(&data)) {
        return Err(VaultError::Key {
            reason: format!(
                "the key file '{}' lies inside the data directory it protects: set CLAIMLAKE_VAULT_KEY_FILE to a \
                 place outside --data",
                path.display()
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
