//! The summary of an extraction, as text and as fields of an event.

mod missing;
mod next;
mod problems;

use claimlake_contract::{ExitCode, PatientState};
use claimlake_extractor::ExtractOutcome;
use serde_json::json;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::plural::{counted, grouped, size};
use crate::summary::StageSummary;

/// How many patients with a problem are printed; `--json` has all.
const MAX_SHOWN: usize = 10;

pub(super) fn tell(
    summary: &mut StageSummary,
    outcome: &ExtractOutcome,
    invocation: &Invocation,
) -> Outcome<()> {
    for place in &outcome.set_aside {
        summary.line("set aside", place.clone());
    }
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
            "incomplete",
            format!("{}: {state}", counted(*people, "patient")),
        );
    }
    for problem in outcome.problems.iter().take(MAX_SHOWN) {
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
    if outcome.problems.len() > MAX_SHOWN {
        summary.line(
            "",
            format!(
                "and {} more, see --json",
                outcome.problems.len() - MAX_SHOWN
            ),
        );
    }
    if let Some(reason) = &outcome.stopped {
        summary.line("stopped", reason.clone());
    }
    summary.some(
        "left",
        outcome.not_read,
        "patient",
        "not read, run extract again",
    );
    super::anomalies::tell(summary, &outcome.anomalies);
    summary.some(
        "no claims",
        outcome.without_claims.none_served,
        "patient",
        "(Part C, newly enrolled or never treated: the API serves fee-for-service only)",
    );
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
    summary.field("patients", outcome.patients);
    summary.field("pages", outcome.pages);
    summary.field("resources", resources);
    let headline = match outcome.nothing_new() {
        true => format!(
            "nothing new for {} ({})",
            counted(outcome.patients, "patient"),
            counted(outcome.pages, "page")
        ),
        false => format!(
            "{}, {}, {} landed ({}){}",
            counted(outcome.patients, "patient"),
            counted(outcome.pages, "page"),
            counted(resources, "resource"),
            size(outcome.landed_bytes),
            missing::words(outcome)
        ),
    };
    summary.tell(invocation, &headline);
    if outcome.exits().contains(&ExitCode::Failed) {
        let complete = outcome.patients_in(PatientState::Complete);
        let words = format!(
            "{} of {} incomplete: {}",
            outcome.patients.saturating_sub(complete),
            counted(outcome.patients, "patient"),
            problems::words(outcome)
        );
        if !invocation.output().is_quiet() {
            invocation.output().warn(&format!("error: {words}"));
        }
        let next = invocation.next("extract");
        invocation.output().alarm(ExitCode::Failed, words, next);
    }
    alarm(outcome, invocation);
    Ok(())
}

/// Why a run that did what it could ends with 4 or 5.
fn alarm(outcome: &ExtractOutcome, invocation: &Invocation) {
    let output = invocation.output();
    let parked = outcome.patients_in(PatientState::Parked);
    if parked > 0 {
        let is_parked = |state: &str| state == PatientState::Parked.as_str();
        let problem = outcome.problems.iter().find(|one| is_parked(one.state));
        let reason = problem.map_or("the server said to come back later", |one| &one.reason);
        output.alarm(
            ExitCode::Parked,
            format!("{} parked ({reason})", counted(parked, "patient")),
            invocation.next("extract"),
        );
    }
    let ended = outcome.patients_in(PatientState::NeedsConsent);
    if ended > 0 {
        let verb = if ended == 1 { "needs" } else { "need" };
        let grants = counted(ended, "grant");
        output.alarm(
            ExitCode::NeedsConsent,
            format!("{grants} {verb} a person (consent expired or revoked)"),
            invocation.next("grants list --state needs-consent"),
        );
    }
}
