//! `claimlake extract`: all pages of all resources of all grants into landing.

mod anomalies;
#[cfg(feature = "sandbox")]
mod embedded;
mod summary;

#[cfg(feature = "sandbox")]
pub(super) use embedded::start as start_sandbox;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use claimlake_consent::{App, BrokerClient, BrokerLaunch, grants};
use claimlake_contract::{ApiVersion, Clock, ExitCode, PatientId, SystemClock};
use claimlake_extractor::{
    ExtractError, ExtractOptions, ExtractOutcome, RecordOptions, SourceIdentity,
};
use claimlake_vault::{AccessAction, Grant, RunEnd, Vault};
use clap::Args;
use serde_json::json;

use crate::access;
use crate::advice::FINISH_REMOVAL;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::landing_folders;
use crate::pipeline::SourceKind;
use crate::plural::counted;
use crate::recordings;
use crate::running;
use crate::summary::StageSummary;
use crate::who::grants_to_read;
use crate::zone::Zone;

/// Said at the first Ctrl-C.
const STOPPING: &str = "stopping at the next safe point; once more to stop at once";

const EXAMPLES: &str = "\
Examples:
  claimlake extract                                     synthetic people of the embedded sandbox
  claimlake --pipeline blue_button extract              everyone who consented; only what changed
  claimlake --pipeline blue_button extract --full --patient -20140000008325
  claimlake extract --record recordings/v2              what `sandbox --replay` serves again";

/// Arguments of `extract`.
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExtractArguments {
    /// Read everything again rather than what changed
    #[arg(long)]
    full: bool,

    /// Only this patient, by any id: patient id (v2:ID and v3:ID name the API version), MBI, your
    /// external id, or the grant's handle; may be given several times
    #[arg(long = "patient", value_name = "ID", allow_hyphen_values = true)]
    patients: Vec<String>,

    /// Write every exchange with the server into this new folder: no token, code or secret
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,

    /// Allow --record against a server with real people; the recording is marked
    #[arg(long, requires = "record")]
    record_phi: bool,
}

/// A server, and an app registered with it.
struct Server {
    app: App,
    identity: SourceIdentity,
}

/// Extracts.
pub(crate) fn run(arguments: &ExtractArguments, invocation: &Invocation) -> Outcome {
    let source = &invocation.pipeline()?.source;
    invocation.interrupts()?.say_at_once(at_once(invocation));
    let mut summary = StageSummary::begin("extract");
    let runtime = crate::runtime::on_this_thread()?;
    let outcome = match source.kind {
        SourceKind::BlueButton => {
            let app = access::app(source)?;
            let vault = access::open_vault(invocation)?;
            if vault.grants()?.is_empty() {
                return Err(Failure::usage(anyhow!(
                    "nobody has consented yet: run {} first",
                    invocation.next("authorize")
                )));
            }
            let _lock = invocation.lock_zone(Zone::Landing)?;
            let identity = SourceIdentity::blue_button(app.base_url());
            let server = Server { app, identity };
            runtime.block_on(read(arguments, invocation, &server, &vault))?
        }
        SourceKind::Sandbox => runtime.block_on(from_sandbox(arguments, invocation))?,
    };
    let exit = ExitCode::worst(outcome.exits());
    summary::tell(&mut summary, &outcome, invocation)?;
    Ok(exit)
}

#[cfg(feature = "sandbox")]
async fn from_sandbox(
    arguments: &ExtractArguments,
    invocation: &Invocation,
) -> Outcome<ExtractOutcome> {
    let vault = access::open_vault(invocation)?;
    // Before any patient consents: a consent to this sandbox would end one that another run uses.
    let _lock = invocation.lock_zone(Zone::Landing)?;
    let sandbox = embedded::start(invocation).await?;
    let server = embedded::consent(&sandbox, invocation, &vault).await?;
    let outcome = read(arguments, invocation, &server, &vault).await;
    sandbox.shutdown().await;
    outcome
}

#[cfg(not(feature = "sandbox"))]
async fn from_sandbox(_: &ExtractArguments, _: &Invocation) -> Outcome<ExtractOutcome> {
    Err(Failure::usage(anyhow!(
        "this claimlake was built without the sandbox: use a pipeline with source.kind = \"blue_button\""
    )))
}

/// Reads while the landing zone is locked.
async fn read(
    arguments: &ExtractArguments,
    invocation: &Invocation,
    server: &Server,
    vault: &Arc<Vault>,
) -> Outcome<ExtractOutcome> {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let base_url = server.app.base_url().clone();
    let mut options = ExtractOptions::new(
        data.next_run(invocation.clock())?,
        base_url,
        server.identity.clone(),
        pipeline.source.api,
    );
    options.resources.clone_from(&pipeline.source.resources);
    options.page_size = pipeline.extract.page_size;
    options.concurrency = pipeline.extract.concurrency;
    options.per_patient = pipeline.extract.per_patient;
    options.max_rps = pipeline.extract.max_rps;
    options.full = arguments.full;
    options.full_every = pipeline.extract.full_every;
    options.record = arguments.record.clone().map(|dir| RecordOptions {
        dir,
        phi_allowed: arguments.record_phi,
    });
    if let Some(folder) = &arguments.record {
        recordings::note(vault, &data.next_run(invocation.clock())?, folder)?;
    }
    options.seed = random_seed()?;
    let interrupts = invocation.interrupts()?;
    let safe_points = interrupts.until_safe_point(STOPPING, at_once(invocation));
    options.stop = Arc::clone(&safe_points.stop);
    let broker = BrokerClient::connect(&server.app, vault, BrokerLaunch::this_program()?)
        .await
        .map_err(access::oauth_failure)?;
    grants::identify_patients(vault, &broker, pipeline.source.api)
        .await
        .map_err(access::vault_failure)?;
    let only = grants_to_read(&arguments.patients, vault, invocation)?;
    let handles = only.iter().map(|grant| grant.handle.as_str());
    options.only = handles.map(PatientId::new).collect();
    log_access(only, pipeline.source.api, vault, invocation)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let _mark = running::mark(data.root(), &options.run, &invocation.process()).ok();
    landing_folders::remove_leftovers(&data);
    let extracted = claimlake_extractor::extract(
        &options,
        &broker,
        vault,
        &data.landing(),
        &clock,
        invocation.progress().as_ref(),
    )
    .await
    .map_err(failure);
    if let Ok(outcome) = &extracted
        && outcome.stopped.is_none()
        && outcome.not_read == 0
    {
        landing_folders::compact(&data);
    }
    if let Err(failure) = &extracted {
        // Whatever failed, the disk perhaps: that it failed is noted where it can be.
        let summary = json!({"exit": failure.exit.code()}).to_string();
        let _ = vault.end_run(&options.run, RunEnd::Failed, Some(&summary));
    }
    extracted
}

/// Said when it ends at once.
fn at_once(invocation: &Invocation) -> String {
    let command = match invocation.is_chained() {
        true => "run",
        false => "extract",
    };
    format!(
        "interrupted during extract: of whom all was read, it is kept, and the tables are as they \
         were; {} goes on",
        invocation.next(command)
    )
}

/// Checks that the settings of the source are given, before anything is created or locked.
pub(super) fn check_source(invocation: &Invocation) -> Outcome<()> {
    let source = &invocation.pipeline()?.source;
    match source.kind {
        SourceKind::BlueButton => access::app(source).map(|_| ()),
        SourceKind::Sandbox => Ok(()),
    }
}

/// Notes in the access log whose data are fetched: what cannot be logged is not fetched. Nothing is
/// fetched of whoever was forgotten.
fn log_access(
    only: Vec<Grant>,
    api: ApiVersion,
    vault: &Vault,
    invocation: &Invocation,
) -> Outcome<()> {
    let mut grants = match only.is_empty() {
        true => vault.grants()?,
        false => only,
    };
    grants.retain(|grant| grant.api == api && grant.state.is_usable());
    let before = grants.len();
    let forgotten = vault.tombstones()?;
    grants.retain(|grant| !forgotten.has_grant(grant));
    if grants.len() < before {
        invocation.output().warn(&format!(
            "warning: {} of somebody who was forgotten: nothing is read with it; {} removes it",
            counted((before - grants.len()) as u64, "grant"),
            invocation.next(FINISH_REMOVAL)
        ));
    }
    let grants: Vec<&Grant> = grants.iter().collect();
    vault
        .access_log()
        .append("extract", AccessAction::Pulled, &grants)
        .map_err(access::vault_failure)
}

fn failure(error: ExtractError) -> Failure {
    Failure {
        exit: error.exit(),
        cause: error.into(),
    }
}

/// Jitter must differ between machines that were throttled at the same moment.
fn random_seed() -> anyhow::Result<u64> {
    getrandom::u64().map_err(|error| anyhow!("no random bytes: {error}"))
}
