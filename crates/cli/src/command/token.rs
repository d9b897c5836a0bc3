//! `claimlake token`: lends a valid access token to another program.

use claimlake_contract::{ExitCode, PatientId};
use claimlake_extractor::oauth::{BrokerClient, BrokerLaunch};
use claimlake_extractor::{TokenError, TokenSource as _};
use clap::Args;
use serde_json::json;

use crate::access;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;

const EXAMPLES: &str = "\
Examples:
  claimlake --pipeline blue_button token -20140000008325
  curl -H \"Authorization: Bearer $(claimlake token … | jq -r .access_token)\" …";

/// Arguments of `token`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TokenArguments {
    /// The patient's id, in the id space of the pipeline's API version
    #[arg(allow_hyphen_values = true)]
    patient: String,
}

/// Prints one JSON object with the token and when it ends; never a refresh token.
pub(crate) fn run(arguments: &TokenArguments, invocation: &Invocation) -> Outcome {
    let source = &invocation.pipeline()?.source;
    let app = access::app(source)?;
    let vault = access::open_vault(invocation)?;
    let patient = PatientId::new(arguments.patient.clone());
    let Some(grant) = vault.by_patient(source.api, &patient)? else {
        return Err(Failure::usage(anyhow::anyhow!(
            "there is no grant of that patient for API {}: see {}",
            source.api,
            invocation.next("grants list")
        )));
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let lent = runtime.block_on(async {
        let broker = BrokerClient::connect(&app, &vault, BrokerLaunch::this_program()?).await?;
        Ok::<_, Failure>(broker.access_token(&grant.handle).await)
    })?;
    let token = lent.map_err(|error| Failure {
        exit: match error {
            TokenError::NeedsConsent { .. } => ExitCode::NeedsConsent,
            TokenError::Configuration { .. } => ExitCode::Usage,
            _ => ExitCode::Failed,
        },
        cause: error.into(),
    })?;
    let line = json!({
        "access_token": token.secret.expose(),
        "expires_at": token.expires_at,
        "token_type": "Bearer",
    });
    invocation.output().data(&format!("{line}\n"))?;
    Ok(ExitCode::Done)
}
