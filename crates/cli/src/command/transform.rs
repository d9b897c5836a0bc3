//! `claimlake transform`: landing through the views into staged rows.

pub(super) mod current_rules;
pub(crate) mod plan;
mod selection;
mod set_aside;
mod table_columns;

use std::collections::BTreeSet;

use claimlake_contract::{ExitCode, StagedTable};
use claimlake_transformer::{Form, TransformOptions, TransformOutcome};
use clap::Args;
use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped};
use crate::removal;
use crate::summary::{StageSummary, reject_exit};
use crate::zone::Zone;

use selection::Selection;

const EXAMPLES: &str = "\
Examples:
  claimlake transform
  claimlake transform --full      all of landing again, when views changed";

/// How many unread paths are printed; unread.json has all.
const MAX_SHOWN: usize = 5;

/// Arguments of `transform`.
#[derive(Debug, Default, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TransformArguments {
    /// Read all of landing again rather than what is new
    #[arg(long)]
    full: bool,
}

/// Makes a staged run of what is new in landing.
pub(crate) fn run(arguments: &TransformArguments, invocation: &Invocation) -> Outcome {
    stage(arguments, Form::Files, invocation)
}

/// The same, with rows in this form.
pub(crate) fn stage(
    arguments: &TransformArguments,
    form: Form,
    invocation: &Invocation,
) -> Outcome {
    let pipeline = invocation.pipeline()?;
    let plan = plan::compile(pipeline, invocation.origin())?;
    plan::log_fallback(&plan);
    let data = invocation.data()?;
    let mut summary = StageSummary::begin("transform");
    let _lock = match arguments.full {
        true => invocation.lock_zone_to_repair(Zone::Staged)?,
        false => invocation.lock_zone(Zone::Staged)?,
    };
    if arguments.full {
        set_aside::damaged_imports(&data, &mut summary, invocation)?;
    }
    let selection = Selection::of(arguments.full, plan.hash(), invocation)?;
    selection.tell(&mut summary);
    selection.alarm(invocation);
    if selection.runs.is_empty() {
        claimlake_transformer::remove_abandoned(&data.staged())?;
        for folder in selection
            .incomplete
            .iter()
            .chain(&selection.damaged_records)
        {
            removal::remove(folder)?;
        }
        summary.next(invocation, selection.next(!data.staged_runs()?.is_empty()));
        summary.field("changed", false);
        summary.tell(invocation, selection.why_nothing());
        return Ok(selection.exit());
    }
    let outcome = claimlake_transformer::transform(
        &TransformOptions {
            runs: selection.runs.clone(),
            landed: selection.landed.clone(),
            staged: data.staged(),
            run: data.next_run(invocation.clock())?,
            full: selection.full,
            form,
            threads: None,
        },
        &plan,
        invocation.progress().as_ref(),
    )?;
    for folder in selection
        .superseded
        .iter()
        .chain(&selection.damaged_records)
    {
        removal::remove(folder)?;
    }
    tell(&mut summary, &outcome);
    summary.line("where", outcome.folder.display().to_string());
    summary.next(invocation, "load");
    let manifest = &outcome.manifest;
    summary.tell(
        invocation,
        &format!(
            "{} became {} in {} of {}",
            counted(manifest.resources, "resource"),
            counted(outcome.rows() - keys(&outcome), "row"),
            grouped(with_rows(&outcome)),
            counted(tables(&outcome).count() as u64, "table"),
        ),
    );
    let rejected = reject_exit(
        manifest.rejected_resources,
        manifest.resources,
        pipeline.transform.max_reject_share,
    );
    if rejected != ExitCode::Done {
        let words = format!(
            "{} of {} rejected, which is more than transform.max_reject_share allows",
            grouped(manifest.rejected_resources),
            counted(manifest.resources, "resource"),
        );
        let next = invocation.next("status");
        invocation.output().alarm(ExitCode::Rejected, words, next);
    }
    if outcome.damaged_frames > 0 {
        let words = format!(
            "{} of landing damaged and left out",
            counted(outcome.damaged_frames, "frame")
        );
        let next = invocation.next("verify");
        invocation.output().alarm(ExitCode::Rejected, words, next);
    }
    let damaged = match outcome.damaged_frames {
        0 => ExitCode::Done,
        _ => ExitCode::Rejected,
    };
    Ok(ExitCode::worst([rejected, damaged, selection.exit()]))
}

/// One row a resource, which no reader sees.
fn keys(outcome: &TransformOutcome) -> u64 {
    let tables = outcome.manifest.tables.iter();
    tables
        .filter(|table| table.layout.name.starts_with('_'))
        .flat_map(|table| &table.files)
        .map(|file| file.rows)
        .sum()
}

/// The tables of the views.
fn tables(outcome: &TransformOutcome) -> impl Iterator<Item = &StagedTable> {
    let tables = outcome.manifest.tables.iter();
    tables.filter(|table| !table.layout.name.starts_with('_'))
}

fn with_rows(outcome: &TransformOutcome) -> u64 {
    tables(outcome)
        .filter(|table| table.files.iter().any(|file| file.rows > 0))
        .count() as u64
}

fn tell(summary: &mut StageSummary, outcome: &TransformOutcome) {
    let manifest = &outcome.manifest;
    if manifest.rejected_resources > 0 {
        let reasons: Vec<String> = outcome
            .rejects
            .iter()
            .filter(|(reason, _)| reason.refuses_the_resource())
            .map(|(reason, count)| format!("{count} {}", reason.as_str()))
            .collect();
        summary.line(
            "rejected",
            format!(
                "{} ({})",
                counted(manifest.rejected_resources, "resource"),
                reasons.join(", ")
            ),
        );
    }
    summary.some(
        "nulled",
        manifest.rejected_cells,
        "cell",
        "whose value fits no column's type",
    );
    summary.some(
        "rounded",
        manifest.rounded_cells,
        "amount",
        "to the column's decimals, where a double had added digits",
    );
    summary.some(
        "no patient",
        manifest.without_patient,
        "resource",
        "(claims, coverages) of which it is not known whose they are",
    );
    if manifest.rejected_resources + manifest.rejected_cells + manifest.without_patient > 0 {
        let file = outcome.folder.join("rejects.ndjson");
        summary.line("why", file.display().to_string());
    }
    summary.some(
        "no view",
        manifest.without_view,
        "resource",
        "of types that no view reads",
    );
    summary.some(
        "dropped",
        outcome.dropped,
        "resource",
        "labelled 42 CFR Part 2, as the pipeline says",
    );
    summary.some("gone", outcome.gone, "resource", "no longer at the server");
    // The type of a resource is what its table says.
    let unread: BTreeSet<String> = outcome
        .unread
        .iter()
        .filter(|unread| !unread.path.ends_with("resourceType"))
        .map(|unread| format!("{}.{}", unread.resource, unread.path))
        .collect();
    if !unread.is_empty() {
        let mut words: Vec<&str> = unread.iter().take(MAX_SHOWN).map(String::as_str).collect();
        let more = format!("and {} more", unread.len().saturating_sub(MAX_SHOWN));
        if unread.len() > MAX_SHOWN {
            words.push(&more);
        }
        let file = outcome.folder.join("unread.json");
        summary.line(
            "unread",
            format!("{} ({})", words.join(", "), file.display()),
        );
    }
    summary
        .field("changed", true)
        .field("run", manifest.run.as_str())
        .field("full", manifest.full)
        .field("resources", manifest.resources)
        .field("without_view", manifest.without_view)
        .field("rejected_resources", manifest.rejected_resources)
        .field("rejected_cells", manifest.rejected_cells)
        .field("without_patient", manifest.without_patient)
        .field("rounded_cells", manifest.rounded_cells)
        .field("damaged_frames", outcome.damaged_frames)
        .field("dropped", outcome.dropped)
        .field("gone", outcome.gone)
        .field("rejects", json!(outcome.rejects))
        .field("unread", json!(outcome.unread));
}
