//! Which command to run after an extraction, by how it ended and what waits in landing.

use claimlake_contract::PatientState;
use claimlake_extractor::ExtractOutcome;

use crate::failure::Outcome;
use crate::invocation::Invocation;
use crate::status::Landed;
use crate::summary::StageSummary;

/// What is left to do after an extraction.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    /// Whether consents have ended: these patients must be asked again.
    needs_consent: bool,
    /// Whether a patient was not read completely: parked, failed, or not read at all.
    is_unfinished: bool,
    /// Whether something in landing is in no table yet.
    awaits_transform: bool,
    /// Whether staged rows wait.
    awaits_load: bool,
}

pub(super) fn tell(
    summary: &mut StageSummary,
    outcome: &ExtractOutcome,
    invocation: &Invocation,
) -> Outcome<()> {
    let data = invocation.data()?;
    let landed = Landed::of(&data)?;
    let complete = outcome.patients_in(PatientState::Complete);
    let refused = outcome.patients_in(PatientState::Refused);
    let ended = outcome.patients_in(PatientState::NeedsConsent);
    let left = Left {
        needs_consent: ended > 0,
        is_unfinished: outcome.stopped.is_some() || complete + refused + ended < outcome.patients,
        awaits_transform: landed.awaits_transform || landed.is_by_other_rules,
        awaits_load: !data.staged_runs()?.is_empty(),
    };
    for command in next(left) {
        summary.next(invocation, command);
    }
    Ok(())
}

/// The commands, the first to run first.
fn next(left: Left) -> Vec<&'static str> {
    let mut next = Vec::new();
    if left.needs_consent {
        next.extend(["grants list --state needs-consent", "authorize"]);
    }
    if left.is_unfinished {
        next.push("extract");
    }
    if left.awaits_transform {
        next.push("transform");
    } else if left.awaits_load {
        next.push("load");
    }
    if next.is_empty() {
        next.push("status");
    }
    next
}

#[cfg(test)]
mod tests {
    use super::{Left, next};

    #[test]
    fn what_comes_next_is_what_is_left_to_do() {
        let consent = ["grants list --state needs-consent", "authorize"];
        let left = |flags: &str| Left {
            needs_consent: flags.contains('c'),
            is_unfinished: flags.contains('u'),
            awaits_transform: flags.contains('t'),
            awaits_load: flags.contains('l'),
        };
        for (flags, commands) in [
            ("", &["status"][..]),
            ("t", &["transform"]),
            ("l", &["load"]),
            ("tl", &["transform"]),
            ("c", &consent),
            ("ct", &[consent[0], consent[1], "transform"]),
            ("u", &["extract"]),
            ("ut", &["extract", "transform"]),
            ("cul", &[consent[0], consent[1], "extract", "load"]),
        ] {
            assert_eq!(next(left(flags)), commands, "{flags:?}");
        }
    }
}
