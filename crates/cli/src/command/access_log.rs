//! `claimlake access-log`: what was done to which consent, and whether that is the whole truth.

use anyhow::anyhow;
use claimlake_contract::ExitCode;
use claimlake_vault::{ACCESS_LOG_FILE, Vault};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::access;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button access-log show | jq -c 'select(.action == \"exported\")'
  claimlake --pipeline blue_button access-log verify";

/// Arguments of `access-log`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AccessLogArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print the log, one JSON object a line; people are named by keyed hashes
    Show,
    /// Check that no line was changed, taken out, put in or cut off
    Verify,
}

/// Shows or checks the log.
pub(crate) fn run(arguments: &AccessLogArguments, invocation: &Invocation) -> Outcome {
    let output = invocation.output();
    let data = invocation.existing_data()?;
    if !Vault::is_made(data.root()) && !data.root().join(ACCESS_LOG_FILE).exists() {
        // Looking makes no vault and no key.
        tell_empty(invocation);
        return Ok(ExitCode::Done);
    }
    let vault = access::open_vault_to_read(invocation)?;
    let log = vault.access_log();
    match arguments.action {
        Action::Show => {
            let lines = log.lines().map_err(access::vault_failure)?;
            for line in &lines {
                output.data(&format!("{}\n", serde_json::to_string(line)?))?;
            }
            output.add_to_summary("lines", json!(lines.len()));
            if lines.is_empty() {
                tell_empty(invocation);
            }
        }
        Action::Verify => {
            let check = log.verify().map_err(access::vault_failure)?;
            output.add_to_summary("lines", json!(check.lines));
            if let Some(problem) = check.problem {
                return Err(Failure::from(anyhow!(
                    "the access log was touched: {problem}"
                )));
            }
            output.say(&format!("the access log is whole, lines: {}", check.lines));
        }
    }
    Ok(ExitCode::Done)
}

fn tell_empty(invocation: &Invocation) {
    let output = invocation.output();
    output.add_to_summary("lines", json!(0));
    output.say("the access log is empty: nothing was done to any consent yet");
}
