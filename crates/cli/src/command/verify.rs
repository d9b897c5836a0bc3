//! `claimlake verify`: landing and lake recomputed and compared.

use claimlake_contract::{ExitCode, ResourceType};
use claimlake_verify::{Check, ExtractedState, Report, ResourceViews, Severity, VerifyRequest};
use serde_json::json;

use super::transform::plan;
use crate::access;
use crate::data_dir::DataDir;
use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::pipeline::{Part2, Pipeline};
use crate::plural::{counted, grouped};
use crate::summary::StageSummary;

/// Verifies the data directory; exit 1 when anything but a warning was found.
pub(crate) fn run(invocation: &Invocation) -> Outcome {
    let mut summary = StageSummary::begin("verify");
    let report = checked(invocation)?;
    tell(&report, &mut summary, invocation);
    Ok(match report.holds() {
        true => ExitCode::Done,
        false => ExitCode::Failed,
    })
}

/// What is found when landing and lake are recomputed and compared.
pub(super) fn checked(invocation: &Invocation) -> Outcome<Report> {
    let pipeline = invocation.pipeline()?;
    let data = invocation.data()?;
    let request = VerifyRequest {
        data: data.root(),
        lake: &invocation.lake()?,
        loaded: data
            .transformed_runs()?
            .into_iter()
            .flat_map(|manifest| manifest.landing_runs)
            .collect(),
        resources: resource_views(pipeline, invocation)?,
        drop_where: (pipeline.transform.part2 == Part2::Drop)
            .then_some(claimlake_transformer::IS_PART2),
        states: states(&data, invocation)?,
    };
    Ok(claimlake_verify::verify(
        &request,
        invocation.progress().as_ref(),
    )?)
}

fn resource_views(pipeline: &Pipeline, invocation: &Invocation) -> Outcome<Vec<ResourceViews>> {
    let input = plan::checked_input(pipeline, invocation.origin())?;
    let mut resources: Vec<ResourceViews> = Vec::new();
    for view in input.views {
        let json: serde_json::Value = serde_json::from_str(&view.text)?;
        let resource: ResourceType = json["resource"].as_str().unwrap_or_default().parse()?;
        let known = resources
            .iter()
            .position(|known| known.resource == resource);
        let position = known.unwrap_or_else(|| {
            let context = input.context.iter().find(|(of, _)| *of == resource);
            resources.push(ResourceViews {
                resource,
                context: context
                    .map(|(_, columns)| columns.clone())
                    .unwrap_or_default(),
                views: Vec::new(),
            });
            resources.len() - 1
        });
        if let Some(known) = resources.get_mut(position) {
            known.views.push(view.text);
        }
    }
    Ok(resources)
}

fn states(data: &DataDir, invocation: &Invocation) -> Outcome<Vec<ExtractedState>> {
    if !data.root().join("vault.db").is_file() {
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
        (None, true) => "landing is as it was sealed; nothing is published yet".to_owned(),
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
