//! `claimlake grants`: stored consents.

mod migrate;
mod table;

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use claimlake_consent::Revoked;
use claimlake_consent::grants::{self, ExportTo, GrantFilter};
use claimlake_contract::{Clock as _, ExitCode, SystemClock};
use claimlake_vault::{Forgotten, GrantState, Recipient, Vault};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::access;
use crate::broker::with_broker;
use crate::command::forget::interrupted::end_first;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;
use crate::terminal_layout;
use crate::who::grant_named;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button grants list --state needs-consent
  claimlake --pipeline blue_button grants import grants.ndjson
  claimlake --pipeline blue_button grants export --to age1… --output grants.age
  claimlake --pipeline blue_button grants migrate --to v3 --dry-run
  claimlake --pipeline blue_button grants migrate --to v3            one grant, as a pilot
  claimlake --pipeline blue_button grants revoke -20140000008325";

/// Arguments of `grants`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GrantsArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the grants, no secret in it: a table on a terminal, else one JSON object a line
    List(ListArguments),
    /// Take grants over from a file, one JSON object a line; - is standard input
    Import {
        /// Lines with patient, refresh_token and, where known, api, access_token, expires_at,
        /// grant_expires_at, scopes, external_id
        file: PathBuf,

        /// Take back people who were forgotten here: the file holds their new consents
        #[arg(long)]
        again: bool,
    },
    /// Hand grants over; from then on, one owner a token: do not extract with both
    Export(ExportArguments),
    /// Move consents to v3: one refresh each, and the patient's id there is stored beside the present one
    Migrate(migrate::MigrateArguments),
    /// End a person's consent at the server, and drop its tokens here
    Revoke {
        /// Any id of the patient: patient id (v2:ID and v3:ID name the API version), MBI, your
        /// external id, or the grant's handle
        #[arg(allow_hyphen_values = true)]
        patient: String,
    },
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Only grants in this state; may be given several times
    #[arg(
        long = "state",
        value_enum,
        value_name = "active|doubtful|needs-consent|revoked",
        hide_possible_values = true
    )]
    states: Vec<State>,

    /// Only grants whose consent ends within so many days
    #[arg(long, value_name = "DAYS")]
    expires_within: Option<u32>,
}

#[derive(Debug, Args)]
struct ExportArguments {
    /// Seal to this age public key; `age --decrypt` opens it
    #[arg(
        long,
        value_name = "AGE_PUBLIC_KEY",
        required_unless_present = "reveal_secrets"
    )]
    to: Option<String>,

    /// Write the tokens in the open
    #[arg(long, conflicts_with = "to")]
    reveal_secrets: bool,

    /// Where to write [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A state, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Active,
    Doubtful,
    NeedsConsent,
    Revoked,
}

impl From<State> for GrantState {
    fn from(state: State) -> Self {
        match state {
            State::Active => GrantState::Active,
            State::Doubtful => GrantState::Doubtful,
            State::NeedsConsent => GrantState::NeedsConsent,
            State::Revoked => GrantState::Revoked,
        }
    }
}

/// Runs the given subcommand.
pub(crate) fn run(arguments: &GrantsArguments, invocation: &Invocation) -> Outcome {
    let vault = || {
        end_first(invocation)?;
        access::open_vault(invocation)
    };
    match &arguments.action {
        Action::List(filter) => list(filter, invocation),
        Action::Import { file, again } => import(file, *again, &vault()?, invocation),
        Action::Export(arguments) => export(arguments, vault()?.as_ref(), invocation),
        Action::Migrate(arguments) => migrate::run(arguments, &vault()?, invocation),
        Action::Revoke { patient } => revoke(patient, &vault()?, invocation),
    }
}

fn list(arguments: &ListArguments, invocation: &Invocation) -> Outcome {
    if !Vault::is_made(invocation.data()?.root()) {
        // Looking makes no vault and no key.
        tell_none(invocation);
        return Ok(ExitCode::Done);
    }
    let vault = access::open_vault_to_read(invocation)?;
    let filter = GrantFilter {
        states: arguments.states.iter().copied().map(Into::into).collect(),
        expires_within_days: arguments.expires_within,
    };
    let output = invocation.output();
    let lines = grants::list(&vault, &filter, SystemClock.now())?;
    match form(output.is_json(), terminal_layout::terminal_width()) {
        Form::Table(width) => output.data(&table::table(&lines, width))?,
        Form::Lines => {
            for line in &lines {
                output.data(&format!("{}\n", serde_json::to_string(line)?))?;
            }
        }
    }
    output.add_to_summary("grants", json!(lines.len()));
    if lines.is_empty() {
        tell_none(invocation);
    }
    Ok(ExitCode::Done)
}

/// How grants are listed.
#[derive(Debug, PartialEq, Eq)]
enum Form {
    /// For a person, on a terminal with this many columns.
    Table(usize),
    /// For a program: one JSON object a line.
    Lines,
}

/// A terminal shows a table; a pipe and `--json` carry lines.
fn form(is_json: bool, terminal_width: Option<usize>) -> Form {
    match terminal_width {
        Some(width) if !is_json => Form::Table(width),
        _ => Form::Lines,
    }
}

fn tell_none(invocation: &Invocation) {
    let output = invocation.output();
    output.add_to_summary("grants", json!(0));
    output.say("no grant, or none that fits");
}

fn import(file: &PathBuf, again: bool, vault: &Arc<Vault>, invocation: &Invocation) -> Outcome {
    let input: Box<dyn std::io::Read> = match file.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(
            File::open(file)
                .with_context(|| format!("opening the grant file {}", file.display()))
                .map_err(Failure::usage)?,
        ),
    };
    let api = invocation.pipeline()?.source.api;
    let report = with_broker(vault, invocation, async |broker| {
        let forgotten = match again {
            true => Forgotten::TakenBack,
            false => Forgotten::Refused,
        };
        grants::import(vault, broker, BufReader::new(input), api, forgotten).await
    })?;
    let output = invocation.output();
    let next = match report.inserted + report.renewed {
        0 => "grants list",
        _ => "extract",
    };
    output.say(&format!(
        "grants     {} new, {} renewed, {} as they were, {} older than ours\n  next      {}",
        report.inserted,
        report.renewed,
        report.unchanged,
        report.older_ignored,
        invocation.next(next)
    ));
    for bad in &report.bad_lines {
        output.warn(&format!(
            "rejected: {} line {}: {}",
            file.display(),
            bad.line,
            bad.reason
        ));
    }
    if report.forgotten > 0 {
        output.warn(&format!(
            "rejected: {} of patients who were forgotten here; where they have consented anew, add --again",
            counted(report.forgotten, "grant")
        ));
    }
    let exit = match report.bad_lines.is_empty() && report.forgotten == 0 {
        true => ExitCode::Done,
        false => ExitCode::Rejected,
    };
    if exit != ExitCode::Done {
        let refused = report.bad_lines.len() as u64 + report.forgotten;
        let words = format!("{} rejected", counted(refused, "grant"));
        output.alarm(exit, words, invocation.next("grants list"));
    }
    output.add_to_summary("report", json!(report));
    Ok(exit)
}

fn export(arguments: &ExportArguments, vault: &Vault, invocation: &Invocation) -> Outcome {
    let to = match &arguments.to {
        Some(key) => ExportTo::Recipient(key.parse::<Recipient>().map_err(access::vault_failure)?),
        None => ExportTo::Plain,
    };
    // Made before anything is exported: what cannot be written need not be logged as handed out.
    let file = match &arguments.output {
        None => None,
        Some(path) => {
            let file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path);
            Some(
                file.with_context(|| format!("making {}", path.display()))
                    .map_err(Failure::usage)?,
            )
        }
    };
    let text = grants::export(vault, &GrantFilter::default(), &to, SystemClock.now())
        .map_err(access::oauth_failure)?;
    match file {
        None => invocation.output().data(&text)?,
        Some(mut file) => {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
    }
    invocation
        .output()
        .say("exported; whoever refreshes one of these tokens ends its use by the other");
    Ok(ExitCode::Done)
}

fn revoke(wanted: &str, vault: &Arc<Vault>, invocation: &Invocation) -> Outcome {
    let grant = grant_named(wanted, vault, invocation)?;
    let outcome = with_broker(vault, invocation, async |broker| {
        grants::revoke(vault, broker, &grant.handle).await
    })?;
    let words = match outcome {
        Revoked::Verified => "revoked, and the server refuses its token since",
        Revoked::AlreadyGone => "had ended at the server before; its tokens are dropped here",
    };
    invocation.output().say(&format!(
        "grant {} is {words}\n  next      {}",
        grant.handle,
        invocation.next("grants list")
    ));
    invocation
        .output()
        .add_to_summary("outcome", json!(outcome));
    Ok(ExitCode::Done)
}

#[cfg(test)]
mod tests {
    use super::{Form, form};

    #[test]
    fn a_table_is_for_a_terminal_alone() {
        assert_eq!(form(false, Some(80)), Form::Table(80));
        assert_eq!(form(true, Some(80)), Form::Lines);
        assert_eq!(form(false, None), Form::Lines);
    }
}
