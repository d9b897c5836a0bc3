//! `claimlake grants migrate`: moves consents to another version of the API.

use std::sync::Arc;

use anyhow::anyhow;
use claimlake_consent::grants::{MigrationReport, counts, migrate};
use claimlake_consent::{ConsentError, ErrorKind};
use claimlake_contract::{ApiVersion, ExitCode};
use claimlake_vault::Vault;
use clap::Args;
use serde_json::json;

use crate::broker::with_broker;
use crate::failure::{Failure, Outcome};
use crate::invocation::Invocation;
use crate::plural::counted;
use crate::zone::Zone;

/// Arguments of `grants migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateArguments {
    /// The API version to move to
    #[arg(long, value_name = "v3", value_parser = target)]
    to: ApiVersion,

    /// How many grants to move at most
    #[arg(long, value_name = "N", default_value_t = 1)]
    limit: usize,

    /// Say how many could be moved, and move none
    #[arg(long)]
    dry_run: bool,
}

fn target(text: &str) -> Result<ApiVersion, String> {
    match text {
        "v3" => Ok(ApiVersion::V3),
        "carin" => Err("claims of other payers have no server and no grants: they come from files, by `import --api carin`".into()),
        _ => Err("grants can be moved to v3".into()),
    }
}

/// Moves up to `--limit` grants.
pub(super) fn run(
    arguments: &MigrateArguments,
    vault: &Arc<Vault>,
    invocation: &Invocation,
) -> Outcome {
    if arguments.dry_run {
        let report = counts(vault, arguments.to)?;
        tell(&report, arguments, invocation);
        return Ok(ExitCode::Done);
    }
    // An extraction that is under way knows the grants by their present ids.
    let _lock = invocation.lock_zone(Zone::Landing)?;
    if !vault.checkpointed_runs()?.is_empty() {
        return Err(Failure::usage(anyhow!(
            "an extraction was interrupted, and what it had fetched is not sealed yet: run {} first, \
             with the present version",
            invocation.next("extract")
        )));
    }
    let report = with_broker(vault, invocation, async |broker| {
        migrate(vault, broker, arguments.to, arguments.limit, || ()).await
    })?;
    tell(&report, arguments, invocation);
    Ok(exit(&report, arguments.to, invocation))
}

fn tell(report: &MigrationReport, arguments: &MigrateArguments, invocation: &Invocation) {
    let to = arguments.to;
    let output = invocation.output();
    let mut words = match arguments.dry_run {
        true => format!(
            "grants     {} can be moved to {to}",
            counted(report.left, "grant")
        ),
        false => format!(
            "grants     {} moved to {to}, {} refused, {} ended: re-consent needed",
            report.migrated,
            report.refused.len(),
            report.ended.len()
        ),
    };
    words.push_str(&format!(
        "\n  now       {} at {to}, {} that can be moved, {} that need a new consent",
        report.there, report.left, report.needs_consent
    ));
    for handle in &report.refused {
        words.push_str(&format!(
            "\n  refused   {handle}: it is where it was, and whether its token was used up is not known; \
             the next extract there shows it"
        ));
    }
    for handle in &report.ended {
        words.push_str(&format!("\n  ended     {handle}: see grants list"));
    }
    let next = match (&report.stopped, report.left) {
        (Some(_), _) => "doctor".to_owned(),
        (None, 0) => "grants list".to_owned(),
        (None, left) => format!("grants migrate --to {to} --limit {left}"),
    };
    words.push_str(&format!("\n  next      {}", invocation.next(&next)));
    if report.stopped.is_none() && report.left == 0 {
        words.push_str(&format!(
            "\n            then set source.api to {to}, and run (docs/moving-to-v3.md)"
        ));
    }
    output.say(&words);
    output.add_to_summary("report", json!(report));
}

fn exit(report: &MigrationReport, to: ApiVersion, invocation: &Invocation) -> ExitCode {
    let output = invocation.output();
    let mut codes = Vec::new();
    if let Some(error) = &report.stopped {
        let exit = match (error, error.kind()) {
            (ConsentError::Parked { .. }, _) => ExitCode::Parked,
            (_, ErrorKind::Configuration) => ExitCode::Usage,
            _ => ExitCode::Failed,
        };
        output.warn(&format!("stopped: {error}"));
        output.alarm(
            exit,
            format!("moving grants to {to} stopped: {error}"),
            invocation.next("doctor"),
        );
        codes.push(exit);
    }
    if !report.ended.is_empty() {
        let words = format!(
            "{} ended: re-consent needed",
            counted(report.ended.len() as u64, "grant")
        );
        output.alarm(
            ExitCode::NeedsConsent,
            words,
            invocation.next("grants list"),
        );
        codes.push(ExitCode::NeedsConsent);
    }
    ExitCode::worst(codes)
}
