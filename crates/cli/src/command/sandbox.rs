//! `claimlake sandbox`: a local Blue Button with synthetic people.

mod generate;

use std::net::SocketAddr;
use std::path::PathBuf;

use claimlake_contract::ExitCode;
use claimlake_sandbox::{FaultSpec, SandboxConfig};
use clap::{Args, Subcommand};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Outcome;
use crate::invocation::Invocation;

const EXAMPLES: &str = "\
Examples:
  claimlake sandbox --patients 100
  claimlake sandbox --listen 127.0.0.1:0 --auto-consent --json
  claimlake sandbox --fault 429 --fault 503:rate=0.1
  claimlake sandbox --replay fixtures/recordings/v2";

/// Arguments of `sandbox`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct SandboxArguments {
    #[command(subcommand)]
    action: Option<Action>,

    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8380")]
    listen: SocketAddr,

    /// How many synthetic people there are [default: the pipeline's, else 10]
    #[arg(long, value_name = "N")]
    patients: Option<usize>,

    /// How many claims a person has on average [default: the pipeline's, else 40]
    #[arg(long, value_name = "MEAN")]
    eobs: Option<u32>,

    /// The seed of people, claims and faults [default: the pipeline's, else 1]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,

    /// Hold every answer back so long
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency_ms: u64,

    /// Misbehave; may be given several times
    #[arg(long = "fault", value_name = "SPEC")]
    faults: Vec<FaultSpec>,

    /// Serve a recording instead of synthetic people
    #[arg(long, value_name = "DIR")]
    replay: Option<PathBuf>,

    /// Consent pages answer by themselves, as if the person had agreed
    #[arg(long)]
    auto_consent: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write synthetic NDJSON of any size, without a server
    Generate(generate::GenerateArguments),
}

/// Serves until it is told to stop.
pub(crate) fn run(arguments: SandboxArguments, invocation: &Invocation) -> Outcome {
    if let Some(Action::Generate(arguments)) = arguments.action {
        return generate::run(arguments, invocation);
    }
    let source = &invocation.pipeline()?.source;
    let defaults = SandboxConfig::default();
    let config = SandboxConfig {
        listen: arguments.listen,
        patients: arguments
            .patients
            .or(source.patients)
            .unwrap_or(defaults.patients),
        eobs_mean: arguments.eobs.or(source.eobs).unwrap_or(defaults.eobs_mean),
        seed: arguments.seed.or(source.seed).unwrap_or(defaults.seed),
        latency_ms: arguments.latency_ms,
        faults: arguments.faults,
        replay: arguments.replay,
        auto_consent: arguments.auto_consent,
        ..defaults
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(config, invocation))
}

async fn serve(config: SandboxConfig, invocation: &Invocation) -> Outcome {
    let output = invocation.output();
    let sandbox = claimlake_sandbox::start(config).await?;
    let secret = sandbox.client_secret().expose();
    output.event(&json!({
        "event": "listening",
        "url": sandbox.url(),
        "client_id": sandbox.client_id(),
        "client_secret": secret,
        "redirect_uris": sandbox.redirect_rule(),
        "logins": sandbox.logins().len(),
    }))?;
    output.say(&format!(
        "the sandbox listens on {url}: synthetic people, no real claims\n\n  \
         export BLUE_BUTTON_CLIENT_ID={id}\n  \
         export BLUE_BUTTON_CLIENT_SECRET={secret}\n  \
         export CLAIMLAKE_SOURCE_BASE_URL={url}\n  \
         claimlake --pipeline blue_button --data data/sandbox authorize\n\n\
         {people} log-ins: BBUser00000 / PW00000! and on; redirects to {rule}; Ctrl-C ends it",
        url = sandbox.url(),
        id = sandbox.client_id(),
        people = sandbox.logins().len(),
        rule = sandbox.redirect_rule(),
    ));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(ExitCode::Done)
}
