//! What reaches tokens: the vault with its key, and the app with its credentials.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use claimlake_consent::{App, ConsentError, ErrorKind};
use claimlake_contract::{ExitCode, Secret, SystemClock};
use claimlake_vault::{KeySource, Keyring, Vault, VaultError, VaultErrorKind};

use crate::advice::FINISH_REMOVAL;
use crate::env;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::Source;
use crate::plural::counted;

/// Opens the vault of the data directory, making both on first use.
pub(crate) fn open_vault(invocation: &Invocation) -> Outcome<Arc<Vault>> {
    let data = invocation.data()?;
    refuse_where_the_lake_shows_a_lost_one(invocation)?;
    data.create()?;
    let vault = Vault::open(data.root(), &key_source(), Arc::new(SystemClock));
    let vault = vault.map_err(|error| opening_failure(error, invocation))?;
    if vault.key_origin().created {
        invocation.output().say(&format!(
            "a key for the vault was made: {} (keep it apart from backups of the data directory)",
            vault.key_origin().place
        ));
    }
    say_where_old(&vault, invocation);
    if vault.refused_anew() > 0 {
        invocation.output().warn(&format!(
            "warning: the vault is older than the access log, which has forgotten {} since: they are \
             refused again, and {} removes what is here of them",
            counted(vault.refused_anew(), "patient"),
            invocation.next(FINISH_REMOVAL)
        ));
    }
    Ok(Arc::new(vault.noting_outside(state_dir().as_deref())))
}

/// Says so where the vault is sealed with a key that was replaced since: it still opens.
fn say_where_old(vault: &Vault, invocation: &Invocation) {
    let origin = vault.key_origin();
    if origin.is_old {
        invocation.output().say(&format!(
            "the vault is sealed with a key from before, {}: it was put back from a backup ({} gives \
             it a new key), or another data directory has the same key file and was given another \
             key ({} gives it one of its own)",
            origin.place,
            invocation.next("vault rekey"),
            invocation.next("vault rekey --key-file FILE")
        ));
    }
}

/// Whether the data directory has a vault, or had one that is lost: opening it reports the loss.
pub(crate) fn vault_is_made(invocation: &Invocation) -> Outcome<bool> {
    let data = invocation.data()?;
    let is_lost = || Ok(Vault::lost_by_lake(data.root(), &invocation.lake()?).is_some());
    match Vault::is_made(data.root()) {
        true => Ok(true),
        false => is_lost(),
    }
}

/// No empty vault is made where the lake, wherever it is, shows that there was another.
fn refuse_where_the_lake_shows_a_lost_one(invocation: &Invocation) -> Outcome<()> {
    match Vault::lost_by_lake(invocation.data()?.root(), &invocation.lake()?) {
        None => Ok(()),
        Some(lost) => Err(opening_failure(lost, invocation)),
    }
}

/// Whether there is a vault to open. Landing and lake that were copied without a vault are read and
/// loaded without one. If other files of a vault exist, the vault is lost, and opening it reports
/// that.
pub(crate) fn has_vault(data_dir: &Path) -> bool {
    let was_copied_without =
        Vault::lost(data_dir).is_some() && Vault::lost_beside(data_dir).is_none();
    Vault::is_made(data_dir) && !was_copied_without
}

/// Opens the vault of the data directory, which must have one, for a command that only reads.
pub(crate) fn open_vault_to_read(invocation: &Invocation) -> Outcome<Arc<Vault>> {
    let data = invocation.data()?;
    vault_to_read(data.root(), invocation).map_err(|error| opening_failure(error, invocation))
}

/// The same, but with the vault's own error.
pub(crate) fn vault_to_read(
    data_dir: &Path,
    invocation: &Invocation,
) -> Result<Arc<Vault>, VaultError> {
    let vault = Vault::open_to_read(data_dir, &key_source(), Arc::new(SystemClock))?;
    say_where_old(&vault, invocation);
    Ok(Arc::new(vault.noting_outside(state_dir().as_deref())))
}

/// What to do where the vault cannot be read: a command or words.
pub(crate) fn way_on(error: &VaultError, invocation: &Invocation) -> String {
    let new = invocation.next("vault new");
    match error {
        VaultError::Lost { .. } | VaultError::Damaged { .. } => {
            format!("put vault.db back; where it is lost for good: {new}")
        }
        VaultError::WrongKey { .. } | VaultError::Key { .. } => format!(
            "the vault's key, as above: put it back, or name it by {}",
            env::VAULT_KEY_FILE
        ),
        VaultError::Newer { .. } => "update claimlake".to_owned(),
        VaultError::OtherVault { .. } => "put the vault of this data directory back".to_owned(),
        _ => invocation.next("doctor"),
    }
}

/// A refusal of the vault, with its exit code.
pub(crate) fn vault_failure(error: VaultError) -> Failure {
    Failure {
        exit: vault_failure_exit(&error),
        cause: error.into(),
    }
}

/// The same for a vault that is to be opened: the command that the advice names gets the flags of
/// this one, so that it uses the same data directory.
pub(crate) fn opening_failure(error: VaultError, invocation: &Invocation) -> Failure {
    let exit = vault_failure_exit(&error);
    match &error {
        VaultError::Lost { .. } | VaultError::Damaged { .. } => {
            let words = error.to_string();
            let next = invocation.next("vault new");
            Failure {
                exit,
                cause: anyhow!(words.replace("claimlake vault new", &next)),
            }
        }
        _ => vault_failure(error),
    }
}

fn vault_failure_exit(error: &VaultError) -> ExitCode {
    match error.kind() {
        VaultErrorKind::Configuration => ExitCode::Usage,
        _ => ExitCode::Failed,
    }
}

/// A refusal on the way to tokens, with its exit code.
pub(crate) fn oauth_failure(error: ConsentError) -> Failure {
    let exit = match error.kind() {
        ErrorKind::Configuration => ExitCode::Usage,
        ErrorKind::NeedsConsent => ExitCode::NeedsConsent,
        _ => ExitCode::Failed,
    };
    Failure {
        exit,
        cause: error.into(),
    }
}

/// Where the vault's key is looked for; the order is the vault's.
pub(crate) fn key_source() -> KeySource {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    KeySource {
        environment: variable(env::VAULT_KEY).map(Secret::new),
        command: variable(env::VAULT_KEY_COMMAND),
        file: variable(env::VAULT_KEY_FILE).map(PathBuf::from),
        keyring: match variable(env::VAULT_KEYRING).as_deref() {
            Some("system") => Keyring::System,
            _ => Keyring::Off,
        },
        config_dir: config_dir(),
    }
}

/// `$XDG_CONFIG_HOME/claimlake`, else `~/.config/claimlake`.
fn config_dir() -> Option<PathBuf> {
    user_folder("XDG_CONFIG_HOME", ".config")
}

/// `$XDG_STATE_HOME/claimlake`, else `~/.local/state/claimlake`.
fn state_dir() -> Option<PathBuf> {
    user_folder("XDG_STATE_HOME", ".local/state")
}

fn user_folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty());
    let base = folder(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(folder("HOME")?).join(below_home)))?;
    Some(base.join("claimlake"))
}

/// The app that the pipeline names, with its credentials from the environment.
pub(crate) fn app(source: &Source) -> Outcome<App> {
    let base_url = source.base_url.as_deref().unwrap_or_default();
    let id = credential("client_id_env", source.client_id_env.as_deref())?;
    let secret = credential("client_secret_env", source.client_secret_env.as_deref())?;
    App::new(base_url, id.expose(), secret.clone()).map_err(Failure::usage)
}

fn credential(key: &str, variable: Option<&str>) -> Outcome<Secret> {
    let Some(variable) = variable else {
        return Err(Failure::usage(anyhow!(
            "source.{key}: missing, it names the environment variable that holds it (the patients of \
             kind = \"sandbox\" consent by themselves: `run`; --pipeline blue_button is the real service)"
        )));
    };
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
        _ => Err(Failure::usage(anyhow!(
            "the environment variable {variable} is not set: it holds what CMS showed when the \
             app was registered (source.{key} names it; see README.md)"
        ))),
    }
}
