//! `claimlake vault`: the key that the consents are sealed with.

use std::sync::Arc;

use anyhow::anyhow;
use claimlake_contract::{ExitCode, Secret};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::access;
use crate::env;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button vault rekey
  CLAIMLAKE_VAULT_NEW_KEY=$(openssl rand -hex 32) claimlake vault rekey    where the environment holds the key";

/// Arguments of `vault`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VaultArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Seal everything with another key; backups of the vault keep the old one
    Rekey,
}

/// Does what is asked with the vault.
pub(crate) fn run(arguments: &VaultArguments, invocation: &Invocation) -> Outcome {
    match arguments.action {
        Action::Rekey => rekey(invocation),
    }
}

fn rekey(invocation: &Invocation) -> Outcome {
    let new_key = std::env::var(env::VAULT_NEW_KEY)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new);
    let vault = access::open_vault(invocation)?;
    let mut vault =
        Arc::into_inner(vault).ok_or_else(|| Failure::from(anyhow!("the vault is in use")))?;
    let origin = vault
        .rekey(new_key.as_ref())
        .map_err(access::vault_failure)?;
    let output = invocation.output();
    output.add_to_summary("key", json!(origin.place));
    output.say(&format!(
        "the vault is sealed with another key: {}; backups of the vault need the one before",
        origin.place
    ));
    Ok(ExitCode::Done)
}
