//! Which landed bodies no longer count: those of resources that a later full read of their patient
//! no longer found. What was imported stays, since the server may never have had it. So does what
//! another patient has by now: CMS moves claims where it merges patients.

mod listed;
mod owners;

use std::collections::{HashMap, HashSet};

use claimlake_contract::{ApiVersion, IdHash, LandingOrigin, ResourceType, RunId};
use claimlake_fhir::{id_hash, quoted_id};

use crate::SealedRun;
use crate::run_lines::each_line;
use listed::{Listed, OfType};
use owners::Owners;

/// For each resource that is gone, the last run that no longer found it.
#[derive(Debug, Clone, Default)]
pub struct Gone {
    runs: Vec<RunId>,
    /// Positions in `runs`.
    by_type: HashMap<OfType, HashMap<IdHash, u32>>,
}

impl Gone {
    /// The resources that the chosen ones among `runs` no longer found. `runs` are all sealed runs,
    /// in landing order.
    #[must_use]
    pub fn of(runs: &[SealedRun], is_chosen: impl Fn(&SealedRun) -> bool) -> Self {
        let mut gone = Self {
            runs: runs.iter().map(|run| run.manifest.run.clone()).collect(),
            by_type: HashMap::new(),
        };
        let mut by_type: HashMap<OfType, Vec<u32>> = HashMap::new();
        for (number, run) in (0..).zip(runs) {
            if run.manifest.lists_gone() && is_chosen(run) {
                by_type.entry(run.of_type()).or_default().push(number);
            }
        }
        for (of_type, chosen) in by_type {
            let ids = last_run_without(runs, &of_type, &chosen);
            gone.by_type.insert(of_type, ids);
        }
        gone
    }

    /// Whether nothing is gone.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_type.is_empty()
    }

    /// The last run that no longer found the resource.
    #[must_use]
    pub fn since(&self, api: ApiVersion, resource: &ResourceType, id: IdHash) -> Option<&RunId> {
        if self.by_type.is_empty() {
            return None;
        }
        let number = self.by_type.get(&(api, resource.clone()))?.get(&id)?;
        self.runs.get(*number as usize)
    }

    /// Whether a body that `landed_by` landed does not count: a later run no longer found it.
    #[must_use]
    pub fn leaves_out(
        &self,
        api: ApiVersion,
        resource: &ResourceType,
        id: IdHash,
        landed_by: &RunId,
    ) -> bool {
        self.since(api, resource, id)
            .is_some_and(|since| landed_by < since)
    }
}

/// For each id the last of the chosen runs that lists it, where that counts: of those before its
/// first import, and where no other patient has it.
fn last_run_without(runs: &[SealedRun], of_type: &OfType, chosen: &[u32]) -> HashMap<IdHash, u32> {
    let listed = Listed::of(runs, of_type, chosen);
    let imported = first_imports(runs, of_type, listed.newest, &listed.ids);
    let owners = Owners::of(runs, of_type, &listed);
    let mut last = HashMap::new();
    for (number, patient, id) in listed.entries {
        let is_before_imports = imported.get(&id).is_none_or(|first| number < *first);
        if is_before_imports && owners.gave_up(number, patient, id) {
            let known = last.entry(id).or_insert(number);
            *known = number.max(*known);
        }
    }
    last
}

/// The first import that landed each of the ids, of those before run `until`.
fn first_imports(
    runs: &[SealedRun],
    of_type: &OfType,
    until: u32,
    wanted: &HashSet<IdHash>,
) -> HashMap<IdHash, u32> {
    let mut first = HashMap::new();
    for (number, run) in (0..until).zip(runs) {
        if run.manifest.origin != LandingOrigin::Import || run.of_type() != *of_type {
            continue;
        }
        each_line(run, |line, _| {
            if let Some(id) = quoted_id(line).map(id_hash)
                && wanted.contains(&id)
            {
                first.entry(id).or_insert(number);
            }
        });
    }
    first
}

#[cfg(test)]
mod tests;
