//! `claimlake vault`: the key that the consents are sealed with, copies of the vault, and a new one
//! where the vault is lost.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use claimlake_contract::{ExitCode, Secret};
use claimlake_vault::{RekeyStep, Vault};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::access;
use crate::crash;
use crate::env;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button vault rekey
  CLAIMLAKE_VAULT_NEW_KEY=$(openssl rand -hex 32) claimlake vault rekey    where the environment holds the key
  claimlake --pipeline blue_button vault forget-old-keys
  claimlake --pipeline blue_button vault backup /backup/vault-20261123.db";

/// Arguments of `vault`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VaultArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Seal everything with another key; the key before is kept beside it, for backups
    Rekey,
    /// Remove the keys that `rekey` has kept: backups sealed with them open no more
    ///
    /// Not where several data directories share one key file and one of them is still sealed with
    /// a key from before.
    #[command(alias = "forget-old-key")]
    ForgetOldKeys,
    /// Copy the vault into a new file, mode 0600, while others go on; no key is needed
    Backup {
        /// The file to make
        file: PathBuf,
    },
    /// Begin an empty vault where the data directory's own is lost
    ///
    /// It knows neither the consents nor who was forgotten here: people who were forgotten can be
    /// imported again. What is left of the lost vault and its access log is kept under other names.
    New {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// Does what is asked with the vault.
pub(crate) fn run(arguments: &VaultArguments, invocation: &Invocation) -> Outcome {
    match &arguments.action {
        Action::Rekey => rekey(invocation),
        Action::ForgetOldKeys => forget_old_keys(invocation),
        Action::Backup { file } => {
            let data = invocation.existing_data()?;
            claimlake_vault::back_up(data.root(), file)
                .map_err(|error| access::opening_failure(error, invocation))?;
            let output = invocation.output();
            output.add_to_summary("file", json!(file.display().to_string()));
            output.say(&format!(
                "the vault is copied to {}: keep its key apart from it",
                file.display()
            ));
            Ok(ExitCode::Done)
        }
        Action::New { yes } => begin_anew(*yes, invocation),
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
    let rekeyed = vault
        .rekey(new_key.as_ref(), &mut |step| {
            crash::point(match step {
                RekeyStep::NewKeyWritten => "rekey-new-key",
                RekeyStep::OldKeyKept => "rekey-old-key",
                RekeyStep::Sealed => "rekey-sealed",
                RekeyStep::InPlace => "rekey-in-place",
            });
        })
        .map_err(access::vault_failure)?;
    let output = invocation.output();
    let place = &rekeyed.origin.place;
    output.add_to_summary("key", json!(place));
    output.add_to_summary("kept", json!(rekeyed.kept));
    let before = match &rekeyed.kept {
        Some(kept) => format!(
            "the key before is kept, {kept}, and still opens backups, until {}",
            invocation.next("vault forget-old-keys")
        ),
        None => "keep the key before for as long as there are backups: they need it".to_owned(),
    };
    output.say(&format!(
        "the vault is sealed with another key, {place}; {before}"
    ));
    Ok(ExitCode::Done)
}

fn forget_old_keys(invocation: &Invocation) -> Outcome {
    invocation.existing_data()?;
    let vault = access::open_vault_to_read(invocation)?;
    let removed = vault.forget_old_keys().map_err(access::vault_failure)?;
    let output = invocation.output();
    output.add_to_summary("removed", json!(removed));
    output.say(&match removed {
        0 => format!("no old key is kept beside {}", vault.key_origin().place),
        removed => format!(
            "{} removed; backups of the vault that were sealed with them open no more",
            counted(removed, "old key")
        ),
    });
    Ok(ExitCode::Done)
}

fn begin_anew(yes: bool, invocation: &Invocation) -> Outcome {
    let data = invocation.existing_data()?;
    if !yes {
        ask()?;
    }
    let suffix = invocation.clock().now().format("%Y%m%dT%H%M%S%3fZ");
    let clock = Arc::new(claimlake_contract::SystemClock);
    let made = Vault::begin_anew(
        data.root(),
        &access::key_source(),
        clock,
        &suffix.to_string(),
    );
    let vault = made.map_err(access::vault_failure)?;
    let output = invocation.output();
    output.add_to_summary("key", json!(vault.key_origin().place));
    output.say(&format!(
        "an empty vault was made, its key is {}; it knows nobody: {} for new consents, and forget \
         again whoever was forgotten here\n  kept      what was left of the lost one, as *.lost-{suffix}",
        vault.key_origin().place,
        invocation.next("authorize")
    ));
    Ok(ExitCode::Done)
}

/// Asks on a terminal; without one, `--yes` is needed.
fn ask() -> Outcome<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage(anyhow!(
            "a new vault knows neither the consents nor who was forgotten here, and there is no \
             terminal to ask on: add --yes"
        )));
    }
    let mut stderr = std::io::stderr().lock();
    write!(
        stderr,
        "A new vault knows neither the consents nor who was forgotten here: look for vault.db and \
         its backups first. Type new to go on: "
    )?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim() {
        "new" => Ok(()),
        _ => Err(Failure::usage(anyhow!("not confirmed, nothing was done"))),
    }
}
