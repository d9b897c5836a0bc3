//! `claimlake changes`: what became of which claim, run by run.

use claimlake_contract::{ExitCode, PatientId, RunId};
use claimlake_loader::Change;
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::counted;

const EXAMPLES: &str = "\
Examples:
  claimlake changes                                       every change that the lake knows of
  claimlake changes --since 20261123T164012.345Z-7f3a     those of later runs
  claimlake changes --since 20261123T164012.345Z-7f3a --json | jq 'select(.kind == \"cancelled\")'

A change is new, changed, cancelled (no version of the claim is current), superseded (another
version is) or vanished (the server no longer has it: it has left the lake).";

/// Rows written to stdout at once.
const FLUSHED_AT_ONCE: usize = 1_000;

/// Arguments of `changes`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ChangesArguments {
    /// Only changes that runs after this one found; the run need not exist
    #[arg(long, value_name = "RUN")]
    since: Option<RunId>,
}

/// Lists what changed.
pub(crate) fn run(arguments: &ChangesArguments, invocation: &Invocation) -> Outcome {
    let output = invocation.output();
    let lake = invocation.lake()?;
    let mut shown = 0_u64;
    let mut last_run = None;
    let mut pending = String::new();
    for change in claimlake_loader::changes(&lake, arguments.since.as_ref())? {
        let change = change?;
        if output.is_json() {
            pending.push_str(&format!("{}\n", event(&change)));
        } else {
            if shown == 0 {
                pending.push_str(&HEADINGS.join("\t"));
                pending.push('\n');
            }
            pending.push_str(&line(&change));
        }
        shown += 1;
        if shown.is_multiple_of(FLUSHED_AT_ONCE as u64) {
            output.data(&std::mem::take(&mut pending))?;
        }
        last_run = last_run.max(Some(change.run));
    }
    output.data(&pending)?;
    output.add_to_summary("changes", json!(shown));
    // The `--since` of the next call, so that it lists what this one did not.
    let given = arguments.since.as_ref().map(RunId::as_str);
    let until = last_run.as_deref().or(given);
    output.add_to_summary("until", json!(until));
    match (shown, until) {
        (0, Some(_)) => output.say("nothing changed since"),
        (0, None) if !lake.join("current").exists() => output.say(&format!(
            "nothing is published yet: {}",
            invocation.next("run")
        )),
        (0, None) => output.say("no changes are on record"),
        (_, until) => output.say(&format!(
            "{}\n  next time {}",
            counted(shown, "change"),
            invocation.next(&format!("changes --since {}", until.unwrap_or_default()))
        )),
    }
    Ok(ExitCode::Done)
}

const HEADINGS: [&str; 6] = ["run", "kind", "api", "resource_type", "id", "patient"];

/// Columns are parted by tabs, for `cut`, `sort` and spreadsheets.
fn line(change: &Change) -> String {
    let patient = change.patient_id.as_ref().map(PatientId::expose);
    format!(
        "{}\t{}\t{}\t{}\t{}\t{}\n",
        change.run,
        change.kind,
        change.source_api,
        change.resource_type,
        change.resource_id,
        patient.unwrap_or_default()
    )
}

fn event(change: &Change) -> Value {
    json!({
        "event": "change",
        "run": change.run,
        "published_at": change.published_at,
        "source_api": change.source_api,
        "resource_type": change.resource_type,
        "resource_id": change.resource_id,
        "patient_id": change.patient_id.as_ref().map(PatientId::expose),
        "kind": change.kind,
        "hash_before": change.hash_before,
        "hash_after": change.hash_after,
    })
}
