//! Texts about resources that full reads no longer found.

use std::collections::BTreeMap;

use claimlake_contract::GrantHandle;
use claimlake_extractor::ExtractOutcome;

use crate::plural::{counted, grouped};
use crate::summary::StageSummary;

pub(super) fn tell(summary: &mut StageSummary, outcome: &ExtractOutcome) {
    if outcome.read_fully > 0 {
        summary.line(
            "read fully",
            format!("the claims of {}", counted(outcome.read_fully, "patient")),
        );
    }
    for (label, by_grant, what) in [
        (
            "gone",
            &outcome.vanished,
            "no longer at the server: the next load leaves out what no other patient has",
        ),
        (
            "doubtful",
            &outcome.doubted,
            "not found, too many at once: they stay unless the next extract misses them, too",
        ),
        (
            "doubtful",
            &outcome.unproven,
            "not found in an answer with something wrong in it (an entry without a usable resource, one \
             twice, a note of the server): they stay, and the next extract reads everything again",
        ),
        (
            "withheld",
            &outcome.withheld,
            "not found, of a kind or a source that the answer has none of: they stay",
        ),
    ] {
        if !by_grant.is_empty() {
            let resources = counted(sum(by_grant), "resource");
            let people = counted(by_grant.len() as u64, "patient");
            summary.line(label, format!("{resources} of {people} {what}"));
        }
    }
}

/// The part of the headline about gone resources, if there are any.
pub(super) fn words(outcome: &ExtractOutcome) -> String {
    match sum(&outcome.vanished) {
        0 => String::new(),
        gone => format!(", {} gone", grouped(gone)),
    }
}

fn sum(by_grant: &BTreeMap<GrantHandle, u64>) -> u64 {
    by_grant.values().sum()
}
