//! `claimlake vault`: the key that the consents are sealed with, copies of the vault, and a new one
//! where the vault is lost.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
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
  claimlake --pipeline blue_button vault rekey --key-file ~/.config/claimlake/mine.key    a key file of its own
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
    Rekey {
        /// Put the new key into this file, and leave the one before where it is: for one of several
        /// data directories that have the same key file. From then on CLAIMLAKE_VAULT_KEY_FILE has to
        /// name the file
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
    /// Remove the keys that `rekey` has kept: whatever is sealed with them opens no more
    ///
    /// That is backups, and copies of this data directory and others with the same key file that are
    /// still sealed with a key from before: nothing here knows of them. `rekey --key-file FILE` gives
    /// each of them a key of its own first.
    #[command(alias = "forget-old-key")]
    ForgetOldKeys {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
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

/// Runs the given subcommand.
pub(crate) fn run(arguments: &VaultArguments, invocation: &Invocation) -> Outcome {
    match &arguments.action {
        Action::Rekey { key_file } => rekey(key_file.as_deref(), invocation),
        Action::ForgetOldKeys { yes } => forget_old_keys(*yes, invocation),
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

fn rekey(key_file: Option<&Path>, invocation: &Invocation) -> Outcome {
    let new_key = std::env::var(env::VAULT_NEW_KEY)
        .ok()
        .filter(|text| !text.is_empty())
        .map(Secret::new);
    if key_file.is_some() && new_key.is_some() {
        return Err(Failure::usage(anyhow!(
            "--key-file FILE takes the new key from the file or makes it: unset {}",
            env::VAULT_NEW_KEY
        )));
    }
    let vault = access::open_vault(invocation)?;
    let mut vault =
        Arc::into_inner(vault).ok_or_else(|| Failure::from(anyhow!("the vault is in use")))?;
    let mut on_step = |step| {
        crash::point(match step {
            RekeyStep::NewKeyWritten => "rekey-new-key",
            RekeyStep::OldKeyKept => "rekey-old-key",
            RekeyStep::Sealed => "rekey-sealed",
            RekeyStep::InPlace => "rekey-in-place",
        });
    };
    let rekeyed = match key_file {
        Some(file) => vault.rekey_into(file, &mut on_step),
        None => vault.rekey(new_key.as_ref(), &mut on_step),
    };
    let rekeyed = rekeyed.map_err(access::vault_failure)?;
    let output = invocation.output();
    let place = &rekeyed.origin.place;
    output.add_to_summary("key", json!(place));
    output.add_to_summary("kept", json!(rekeyed.kept));
    let before = match &rekeyed.kept {
        Some(kept) if key_file.is_some() => format!(
            "the key before stays where it is, {kept}, for backups and for what else is sealed with \
             it; {}",
            name_it()
        ),
        None if key_file.is_some() => name_it(),
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

/// What a key file needs that is not where one is looked for.
fn name_it() -> String {
    let others =
        [env::VAULT_KEY, env::VAULT_KEY_COMMAND].map(|name| (name, std::env::var_os(name)));
    let set = others.into_iter().find(|(_, value)| value.is_some());
    let unset = set.map_or_else(String::new, |(name, _)| format!(", and unset {name}"));
    format!(
        "from now on {} has to name it, for every command{unset}",
        env::VAULT_KEY_FILE
    )
}

fn forget_old_keys(yes: bool, invocation: &Invocation) -> Outcome {
    invocation.existing_data()?;
    let vault = access::open_vault_to_read(invocation)?;
    if !yes && !vault.key_origin().is_old && vault.old_keys() > 0 {
        let next = invocation.next("vault rekey --key-file FILE");
        ask(
            &format!(
                "whatever is sealed with an old key opens no more: backups, and copies of this data \
                 directory and others with the same {} (give each of them a key of its own first: \
                 {next})",
                vault.key_origin().place
            ),
            "forget",
        )?;
    }
    let removed = vault.forget_old_keys().map_err(access::vault_failure)?;
    let output = invocation.output();
    output.add_to_summary("removed", json!(removed));
    output.say(&match removed {
        0 => format!("no old key is kept beside {}", vault.key_origin().place),
        removed => format!(
            "{} removed; what is still sealed with them opens no more: backups, and copies and other \
             data directories with the same key file",
            counted(removed, "old key")
        ),
    });
    Ok(ExitCode::Done)
}

fn begin_anew(yes: bool, invocation: &Invocation) -> Outcome {
    let data = invocation.existing_data()?;
    if !yes {
        ask(
            "a new vault knows neither the consents nor who was forgotten here: look for vault.db \
             and its backups first",
            "new",
        )?;
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

/// Asks on a terminal for this word; without one, `--yes` is needed.
fn ask(consequence: &str, word: &str) -> Outcome<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(Failure::usage(anyhow!(
            "{consequence}; there is no terminal to ask on: add --yes (nothing was done)"
        )));
    }
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "{consequence}. Type {word} to go on: ")?;
    stderr.flush()?;
    let mut answer = String::new();
    stdin.read_line(&mut answer)?;
    match answer.trim() == word {
        true => Ok(()),
        false => Err(Failure::usage(anyhow!("not confirmed, nothing was done"))),
    }
}
