//! Which landing runs are contained in a snapshot: those of the previous one, and those that were
//! staged.

use std::collections::BTreeSet;

use claimlake_contract::RunId;

use super::input::SnapshotInput;

/// All landing runs in the next snapshot; `None` if the previous snapshot or a staged run does not
/// list them.
pub(super) fn of(input: &SnapshotInput<'_>) -> Option<Vec<RunId>> {
    let staged = input.staged.iter().map(|run| &run.manifest);
    // Rows that another program staged name no landing run.
    if staged
        .clone()
        .any(|manifest| manifest.landing_runs.is_empty())
    {
        return None;
    }
    // What was made from all of landing replaces all that came before.
    let before = input.before.filter(|_| !input.full);
    let before = match before {
        Some(before) => before.manifest.landing_runs.as_deref()?,
        None => &[],
    };
    let runs: BTreeSet<&RunId> = staged
        .flat_map(|manifest| &manifest.landing_runs)
        .chain(before)
        .collect();
    Some(runs.into_iter().cloned().collect())
}
