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
  claimlake sandbox > sandbox.env &    what it prints, `. ./sandbox.env` sets in a shell
  claimlake sandbox --listen 127.0.0.1:0 --auto-consent --json
  claimlake sandbox --fault 429 --fault 503:rate=0.1
  claimlake sandbox --replay fixtures/recordings/v2
  claimlake -v sandbox                 logs every request: method, path, status, milliseconds
A client of your own names its scopes (v3 requires it), begins at /v2/o/authorize/ or /v3/o/authorize/ with
  scope=openid profile patient/Patient.read patient/Coverage.read patient/ExplanationOfBenefit.read";

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

/// Serves until SIGINT or SIGTERM.
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
        log_requests: true,
        ..defaults
    };
    crate::runtime::on_this_thread()?.block_on(serve(config, invocation))
}

async fn serve(config: SandboxConfig, invocation: &Invocation) -> Outcome {
    let output = invocation.output();
    let listen = config.listen;
    let sandbox = claimlake_sandbox::start(config).await?;
    let secret = sandbox.client_secret().expose();
    let url = reachable(sandbox.url());
    output.event(&json!({
        "event": "listening",
        "url": url,
        "client_id": sandbox.client_id(),
        "client_secret": secret,
        "redirect_uris": sandbox.redirect_rule(),
        "logins": sandbox.logins().len(),
    }))?;
    if !output.is_json() {
        output.data(&format!(
            "export BLUE_BUTTON_CLIENT_ID={}\n\
             export BLUE_BUTTON_CLIENT_SECRET={secret}\n\
             export CLAIMLAKE_SOURCE_BASE_URL={url}\n",
            sandbox.client_id(),
        ))?;
    }
    output.say(&format!(
        "the sandbox listens on {url}: synthetic people, no real claims\n\
         in a shell where the lines on stdout are set (send them to a file, then: . ./FILE):\n  \
         claimlake --pipeline blue_button --data data/sandbox authorize\n\
         {people} log-ins: BBUser00000 / PW00000! and on; redirects to {rule}; Ctrl-C ends it",
        people = sandbox.logins().len(),
        rule = sandbox.redirect_rule(),
    ));
    if !listen.ip().is_loopback() {
        output.warn(&open_to_others(&url, listen));
    }
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        _ = terminate.recv() => {}
    }
    sandbox.shutdown().await;
    Ok(ExitCode::Done)
}

/// The address by which a client on this machine reaches it: `0.0.0.0` is not an address to connect
/// to.
fn reachable(url: &str) -> String {
    url.replace("//0.0.0.0:", "//127.0.0.1:")
        .replace("//[::]:", "//[::1]:")
}

/// What listening on more than the loopback address means, and how to do without.
fn open_to_others(url: &str, listen: SocketAddr) -> String {
    let port = url.rsplit(':').next().unwrap_or_default();
    format!(
        "warning: --listen {listen} lets other machines in: the admin routes are open and the \
         secrets public. claimlake takes plain http from loopback only, so from another machine \
         it refuses this address: listen on 127.0.0.1, forward the port there \
         (ssh -L {port}:127.0.0.1:{port} THIS_MACHINE) and use http://127.0.0.1:{port}"
    )
}

#[cfg(test)]
mod tests {
    use super::{open_to_others, reachable};

    #[test]
    fn an_address_that_is_every_address_is_shown_as_one_that_can_be_reached() {
        for (url, expected) in [
            ("http://0.0.0.0:8380", "http://127.0.0.1:8380"),
            ("http://[::]:8380", "http://[::1]:8380"),
            ("http://127.0.0.1:8380", "http://127.0.0.1:8380"),
            ("http://192.168.1.5:8380", "http://192.168.1.5:8380"),
            ("http://10.0.0.0:8380", "http://10.0.0.0:8380"),
        ] {
            assert_eq!(reachable(url), expected);
        }
        let words = open_to_others("http://127.0.0.1:4711", "0.0.0.0:0".parse().unwrap());
        assert!(words.contains("ssh -L 4711:127.0.0.1:4711"), "{words}");
    }
}
