//! What reaches tokens: the vault with its key, and the app with its credentials.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use claimlake_contract::{ExitCode, Secret, SystemClock};
use claimlake_extractor::oauth::{App, OauthError};
use claimlake_vault::{KeySource, Keyring, Vault, VaultError};

use crate::env;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::pipeline::Source;

/// Opens the vault of the data directory, making both on first use.
pub(crate) fn open_vault(invocation: &Invocation) -> Outcome<Arc<Vault>> {
    let data = invocation.data()?;
    data.create()?;
    let vault = Vault::open(data.root(), &key_source(), Arc::new(SystemClock));
    let vault = vault.map_err(vault_failure)?;
    if vault.key_origin().created {
        invocation.output().say(&format!(
            "a key for the vault was made: {} (keep it apart from backups of the data directory)",
            vault.key_origin().place
        ));
    }
    Ok(Arc::new(vault))
}

/// Opens the vault of the data directory, which must have one, for a command that only reads.
pub(crate) fn open_vault_to_read(invocation: &Invocation) -> Outcome<Arc<Vault>> {
    let data = invocation.data()?;
    let vault = Vault::open_to_read(data.root(), &key_source(), Arc::new(SystemClock));
    Ok(Arc::new(vault.map_err(vault_failure)?))
}

/// A refusal of the vault, with its exit code.
pub(crate) fn vault_failure(error: VaultError) -> Failure {
    match error.is_configuration() {
        true => Failure::usage(error),
        false => error.into(),
    }
}

/// A refusal on the way to tokens, with its exit code.
pub(crate) fn oauth_failure(error: OauthError) -> Failure {
    let exit = match &error {
        error if error.is_configuration() => ExitCode::Usage,
        error if error.needs_consent() => ExitCode::NeedsConsent,
        _ => ExitCode::Failed,
    };
    Failure {
        exit,
        cause: error.into(),
    }
}

/// Where the vault's key is looked for; the order is the vault's.
fn key_source() -> KeySource {
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
    let folder = |name: &str| std::env::var_os(name).filter(|text| !text.is_empty());
    let base = folder("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| Some(PathBuf::from(folder("HOME")?).join(".config")))?;
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
            "source.{key}: missing, it names the environment variable that holds it (the people of \
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
