//! `claimlake verify`: landing and lake recomputed and compared.

use std::collections::BTreeSet;
use std::path::PathBuf;

use claimlake_contract::{ExitCode, RunId};
use claimlake_transformer::{IS_PART2, Part2, PlanInput};
use claimlake_verify::{Check, ExtractedState, PipelineViews, Report, Severity, VerifyRequest};
use serde_json::json;

use super::transform::plan;
use crate::access;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped};
use crate::summary::StageSummary;

/// Verifies the data directory; exit 1 when anything but a warning was found.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("verify");
    invocation.existing_data()?;
    let report = checked(invocation)?;
    tell(&report, &mut summary, invocation);
    Ok(match report.holds() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

/// What is found when landing and lake are recomputed and compared. Where a load ended meanwhile,
/// what was compared belonged to no one state, and it is done once more.
pub(super) fn checked(invocation: &Invocation) -> Outcome<Report> {
    let before = state(invocation)?;
    let report = once(invocation)?;
    match report.holds() || state(invocation)? == before {
        true => Ok(report),
        false => once(invocation),
    }
}

/// The published snapshot, and what it was made of.
fn state(invocation: &Invocation) -> Outcome<(Option<PathBuf>, BTreeSet<RunId>)> {
    let current = std::fs::read_link(invocation.lake()?.join("current")).ok();
    Ok((current, loaded(&invocation.data()?)?))
}

fn loaded(data: &DataDir) -> Outcome<BTreeSet<RunId>> {
    let runs = data.transformed_runs()?.into_iter();
    Ok(runs.flat_map(|manifest| manifest.landing_runs).collect())
}

fn once(invocation: &Invocation) -> Outcome<Report> {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let input = plan::checked_input(pipeline, invocation.origin())?;
    let request = VerifyRequest {
        data: data.root(),
        lake: &invocation.lake()?,
        loaded: loaded(&data)?,
        views: views(&input),
        states: states(&data, invocation)?,
    };
    Ok(claimlake_verify::verify(
        &request,
        invocation.progress().as_ref(),
    )?)
}

/// The pipeline's views, as both `verify` and `trace` take them.
pub(super) fn views(input: &PlanInput) -> PipelineViews<'_> {
    PipelineViews {
        views: &input.views,
        context: &input.context,
        drop_where: (input.part2 == Part2::Drop).then_some(IS_PART2),
    }
}

fn states(data: &DataDir, invocation: &Invocation) -> Outcome<Vec<ExtractedState>> {
    if !claimlake_vault::Vault::is_made(data.root()) {
        return Ok(Vec::new());
    }
    let vault = access::open_vault(invocation)?;
    let states = vault.extract_states().map_err(access::vault_failure)?;
    let states = states.into_iter().map(|state| ExtractedState {
        grant: state.grant,
        api: state.api,
        resource: state.resource,
        state: state.state,
        held: state.held_count,
        watermark: state.watermark,
    });
    Ok(states.collect())
}

fn tell(report: &Report, summary: &mut StageSummary, invocation: &Invocation) {
    for check in &report.checks {
        summary.line(sign(check), line(check));
        for place in &check.places {
            summary.line("", format!("  {place}"));
        }
    }
    if !report.holds() {
        summary.line("next", "damaged landing: extract --full, or import again; damaged tables: transform --full, load --rebuild");
    }
    summary
        .field("holds", report.holds())
        .field("snapshot", report.snapshot)
        .field("hard_failures", report.hard_failures())
        .field("warnings", report.warnings())
        .field("checks", json!(report.checks));
    let headline = match (report.snapshot, report.holds()) {
        (_, false) => format!("{} found wrong", counted(report.hard_failures(), "thing")),
        (Some(snapshot), true) => format!("landing and snapshot {snapshot} agree"),
        (None, true) => "nothing is published yet; landing was checked".to_owned(),
    };
    summary.tell(invocation, &headline);
}

fn sign(check: &Check) -> &'static str {
    match (check.failed, check.severity) {
        (0, _) => "ok",
        (_, Severity::Hard) => "WRONG",
        (_, Severity::Warning) => "warning",
    }
}

fn line(check: &Check) -> String {
    match check.failed {
        0 => format!("{} ({})", check.what, grouped(check.checked)),
        failed => format!(
            "{} ({} of {} do not hold)",
            check.what,
            grouped(failed),
            grouped(check.checked)
        ),
    }
}
