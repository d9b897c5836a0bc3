//! `claimlake token`: hands a valid access token to another program.

use claimlake_consent::grants;
use claimlake_contract::ExitCode;
use clap::Args;

use crate::access;
use crate::broker::with_broker;
use crate::command::forget::interrupted::end_first;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::who::grant_named;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button token -20140000008325
  curl -H \"Authorization: Bearer $(claimlake token … | jq -r .access_token)\" …";

/// Arguments of `token`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TokenArguments {
    /// Any id of the patient: patient id (v2:ID and v3:ID name the API version), MBI, your external
    /// id, or the grant's handle
    #[arg(allow_hyphen_values = true, value_name = "PATIENT")]
    patient: String,
}

/// Prints one JSON object with the token and when it ends; never a refresh token.
pub(crate) fn run(arguments: &TokenArguments, invocation: &Invocation) -> Outcome {
    end_first(invocation)?;
    let vault = access::open_vault(invocation)?;
    let grant = grant_named(&arguments.patient, &vault, invocation)?;
    let lent = with_broker(&vault, invocation, async |broker| {
        grants::lend(&vault, broker, &grant.handle).await
    })?;
    invocation
        .output()
        .data(&format!("{}\n", serde_json::to_string(&lent)?))?;
    Ok(ExitCode::Done)
}
