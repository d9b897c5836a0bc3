//! Why patients are not complete, in one line: every cause, with how many have it.

use std::collections::{BTreeMap, BTreeSet};

use claimlake_contract::{GrantHandle, PatientState};
use claimlake_extractor::{ExtractOutcome, PatientProblem};

use crate::plural::counted;

/// Causes that are named; `--json` has all.
const NAMED: usize = 3;

/// The causes, those of most patients first; each with the whole reason of the first who has it.
pub(super) fn words(outcome: &ExtractOutcome) -> String {
    let mut said: Vec<String> = outcome.stopped.iter().cloned().collect();
    let groups = groups(&outcome.problems);
    let others = groups.len().saturating_sub(NAMED);
    for (first, patients) in groups.into_iter().take(NAMED) {
        let resource = first.resource.as_ref();
        let mut words = match resource {
            Some(resource) => format!("{resource}: {}", first.reason),
            None => first.reason.clone(),
        };
        if patients > 1 {
            let more = counted(patients - 1, "other patient");
            words.push_str(&format!(" (and the same cause for {more})"));
        }
        said.push(words);
    }
    if others > 0 {
        said.push(format!(
            "and {}, see --json",
            counted(others as u64, "other cause")
        ));
    }
    if said.is_empty() {
        return "stopped".to_owned();
    }
    said.join("; ")
}

/// The first problem of each cause, and how many patients have it. What a consent leaves out is no
/// problem.
fn groups(problems: &[PatientProblem]) -> Vec<(&PatientProblem, u64)> {
    type Group<'p> = (&'p PatientProblem, BTreeSet<&'p GrantHandle>);
    let mut by_cause: BTreeMap<(&str, &str), Group<'_>> = BTreeMap::new();
    let refused = PatientState::Refused.as_str();
    for problem in problems.iter().filter(|problem| problem.state != refused) {
        let group = by_cause
            .entry((problem.state, problem.cause.as_str()))
            .or_insert_with(|| (problem, BTreeSet::new()));
        group.1.insert(&problem.grant);
    }
    let groups = by_cause.into_values();
    let mut groups: Vec<_> = groups
        .map(|(first, patients)| (first, patients.len() as u64))
        .collect();
    groups.sort_by_key(|(_, patients)| std::cmp::Reverse(*patients));
    groups
}

#[cfg(test)]
mod tests {
    use claimlake_contract::GrantHandle;
    use claimlake_extractor::PatientProblem;

    use super::groups;

    fn problem(grant: u8, state: &'static str, cause: &str) -> PatientProblem {
        PatientProblem {
            grant: GrantHandle::from_random([grant; 8]),
            resource: None,
            state,
            reason: format!("GET Coverage from offset 0, 50 a page: {cause}"),
            cause: cause.to_owned(),
        }
    }

    #[test]
    fn every_cause_is_counted_by_patients_and_the_most_frequent_is_first() {
        let problems = [
            problem(1, "failed", "HTTP 503"),
            problem(2, "parked", "HTTP 429, retry after 24 hours"),
            problem(3, "failed", "the connection was reset"),
            problem(4, "failed", "the connection was reset"),
            // Two resource types of one patient are one patient.
            problem(4, "failed", "the connection was reset"),
            problem(5, "refused", "not in the consent"),
        ];
        let found = groups(&problems);
        let found: Vec<(&str, u64)> = found
            .iter()
            .map(|(first, patients)| (first.cause.as_str(), *patients))
            .collect();
        assert_eq!(
            found,
            [
                ("the connection was reset", 2),
                ("HTTP 503", 1),
                ("HTTP 429, retry after 24 hours", 1),
            ]
        );
    }
}
