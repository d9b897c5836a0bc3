//! What an extraction did, in words and fields.

mod missing;
mod next;

use claimlake_contract::{ExitCode, PatientState};
use claimlake_extractor::ExtractOutcome;
use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped, size};
use crate::summary::StageSummary;

/// How many people with a problem are told one by one; `--json` has all.
const TOLD: usize = 10;

pub(super) fn tell(
    summary: &mut StageSummary,
    outcome: &ExtractOutcome,
    invocation: &Invocation,
) -> Outcome<()> {
    let resources: u64 = outcome.landed.values().sum();
    for (index, (resource, counts)) in outcome.by_resource.iter().enumerate() {
        let label = if index == 0 { "served" } else { "" };
        summary.line(
            label,
            format!(
                "{:<20} {:>10}, {} new or changed",
                resource.as_str(),
                grouped(counts.served),
                grouped(counts.landed)
            ),
        );
    }
    for (state, people) in outcome
        .by_state
        .iter()
        .filter(|(state, _)| **state != "complete")
    {
        summary.line(
            "not whole",
            format!("{}: {state}", counted(*people, "patient")),
        );
    }
    for problem in outcome.problems.iter().take(TOLD) {
        let resource = problem
            .resource
            .as_ref()
            .map(|resource| format!(" {resource}"));
        summary.line(
            "",
            format!(
                "{}{}: {}, {}",
                problem.grant,
                resource.unwrap_or_default(),
                problem.state,
                problem.reason
            ),
        );
    }
    if outcome.problems.len() > TOLD {
        summary.line(
            "",
            format!("and {} more, see --json", outcome.problems.len() - TOLD),
        );
    }
    if let Some(reason) = &outcome.stopped {
        summary.line("stopped", reason.clone());
    }
    if outcome.not_read > 0 {
        summary.line(
            "left",
            format!(
                "{} not read, run extract again",
                counted(outcome.not_read, "patient")
            ),
        );
    }
    super::anomalies::tell(summary, &outcome.anomalies);
    if outcome.without_claims.none_served > 0 {
        summary.line(
            "no claims",
            format!(
                "{} (Part C, newly enrolled or never treated: the API serves fee-for-service only)",
                counted(outcome.without_claims.none_served, "patient")
            ),
        );
    }
    missing::tell(summary, outcome);
    if outcome.retries > 0 {
        summary.line(
            "retries",
            format!(
                "{} of {}",
                outcome.retries,
                counted(outcome.requests, "request")
            ),
        );
    }
    if outcome.recorded > 0 {
        summary.line("recorded", counted(outcome.recorded, "exchange"));
    }
    let data = invocation.data()?;
    summary.line("where", data.landing().root().display().to_string());
    next::tell(summary, outcome, invocation)?;
    summary.field("outcome", json!(outcome));
    summary.field("run", outcome.run.as_str());
    summary.field("patients", outcome.people);
    summary.field("pages", outcome.pages);
    summary.field("resources", resources);
    let headline = match outcome.nothing_new() {
        true => format!(
            "nothing new for {} ({})",
            counted(outcome.people, "patient"),
            counted(outcome.pages, "page")
        ),
        false => format!(
            "{}, {}, {} landed ({}){}",
            counted(outcome.people, "patient"),
            counted(outcome.pages, "page"),
            counted(resources, "resource"),
            size(outcome.landed_bytes),
            missing::words(outcome)
        ),
    };
    summary.tell(invocation, &headline);
    if outcome.exits().contains(&ExitCode::Failed) {
        let first = outcome
            .problems
            .first()
            .map(|problem| problem.reason.as_str());
        let reason = outcome.stopped.as_deref().or(first).unwrap_or("stopped");
        let whole = outcome.people_in(PatientState::Complete);
        invocation.output().warn(&format!(
            "error: {} of {} not whole: {reason}",
            outcome.people.saturating_sub(whole),
            counted(outcome.people, "patient")
        ));
    }
    Ok(())
}
