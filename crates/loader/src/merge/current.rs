//! Which version of a claim is current: found anew for every group that a load touches.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use claimlake_contract::{LANDING_ORDER_COLUMN, LakeFile};

use crate::error::{LoadError, Result};
use crate::merge::current_rows::{self, Candidate, CandidateFile, candidate, columns_of};
use crate::merge::resource_key::ResourceKey;
use crate::merge::verdict::{Take, Verdicts};
use crate::publish::access::Access;
use crate::sort::held::plain_batch;
use crate::staged_run::{Checksums, StagedRun, landing_orders};
use crate::table::plan::TablePlan;

/// What becomes of a resource that ceases to be current.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Another version of the claim is current.
    Superseded,
    /// No version of the claim is.
    Cancelled,
    /// It became current.
    Reinstated,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// By table: resources whose rows in the lake change nothing but whether they are current.
    pub(crate) flips: HashMap<String, HashMap<ResourceKey, Option<bool>>>,
    /// Of resources that the lake held and that became current or ceased to be.
    pub(crate) fates: HashMap<ResourceKey, Fate>,
    pub(crate) file: Option<LakeFile>,
}

/// What is looked at.
#[derive(Debug)]
pub(crate) struct CurrentInput<'a> {
    pub(crate) plans: &'a [TablePlan],
    pub(crate) staged: &'a [StagedRun],
    pub(crate) outdated: &'a HashSet<ResourceKey>,
    /// The candidates of the snapshot before.
    pub(crate) before: Option<PathBuf>,
    pub(crate) snapshot: &'a Path,
    pub(crate) access: Access,
}

/// Finds what is current, writes it down and into `verdicts`.
pub(crate) fn find(input: &CurrentInput<'_>, verdicts: &mut [Verdicts]) -> Result<Found> {
    let ruled: HashMap<&str, &TablePlan> = input
        .plans
        .iter()
        .filter(|plan| plan.rule.is_some())
        .map(|plan| (plan.layout.name.as_str(), plan))
        .collect();
    let mut found = Found::default();
    if ruled.is_empty() {
        return Ok(found);
    }
    let mut members: Vec<(Candidate, Origin)> = Vec::new();
    for plan in ruled.values() {
        staged_candidates(plan, input.staged, verdicts, &mut members)?;
    }
    let is_replaced = |candidate: &Candidate| match ruled.get(candidate.table.as_str()) {
        None => true,
        Some(plan) => plan.take == Take::All || input.outdated.contains(&candidate.resource),
    };
    let mut touched: HashSet<ResourceKey> = members
        .iter()
        .filter_map(|(candidate, _)| candidate.group)
        .collect();
    let mut before: HashMap<ResourceKey, Option<bool>> = HashMap::new();
    for candidate in read_before(input)? {
        let candidate = candidate?;
        if is_replaced(&candidate) {
            touched.extend(candidate.group);
            before.insert(candidate.resource, candidate.current);
        }
    }
    let mut file = CandidateFile::create(input.snapshot, &input.access)?;
    for candidate in read_before(input)? {
        let candidate = candidate?;
        if is_replaced(&candidate) {
            continue;
        }
        if candidate
            .group
            .is_some_and(|group| touched.contains(&group))
        {
            before.insert(candidate.resource, candidate.current);
            members.push((candidate, Origin::Lake));
        } else {
            file.push(candidate)?;
        }
    }
    let alive = decide(&mut members);
    for (candidate, origin) in members {
        let was = before.get(&candidate.resource).copied();
        let now = candidate.current;
        if was.is_some_and(|was| was != now) {
            found
                .fates
                .insert(candidate.resource, fate(&candidate, &alive));
        }
        match origin {
            Origin::Lake if was != Some(now) => {
                let flips = found.flips.entry(candidate.table.clone()).or_default();
                flips.insert(candidate.resource, now);
            }
            Origin::Lake => {}
            Origin::Staged { run, order } => verdicts[run].set_current(order, now),
        }
        file.push(candidate)?;
    }
    found.file = Some(file.finish()?);
    Ok(found)
}

/// Where a candidate's row is.
#[derive(Debug, Clone, Copy)]
enum Origin {
    Staged { run: usize, order: u64 },
    Lake,
}

fn read_before(
    input: &CurrentInput<'_>,
) -> Result<impl Iterator<Item = Result<Candidate>> + use<>> {
    let file = input
        .before
        .as_deref()
        .map(current_rows::read)
        .transpose()?;
    Ok(file.into_iter().flatten())
}

/// Decides for all members of the touched groups; answers which groups have a current one.
fn decide(members: &mut [(Candidate, Origin)]) -> HashSet<ResourceKey> {
    let mut newest: HashMap<ResourceKey, Vec<u8>> = HashMap::new();
    for (candidate, _) in members.iter() {
        if let Some(group) = candidate.group {
            let known = newest.entry(group).or_default();
            if candidate.order > *known {
                known.clone_from(&candidate.order);
            }
        }
    }
    let mut alive = HashSet::new();
    for (candidate, _) in members.iter_mut() {
        let is_newest = match candidate.group {
            None => true,
            // Versions of one instant are all newest: the condition tells them apart.
            Some(group) => newest.get(&group) == Some(&candidate.order),
        };
        candidate.current = candidate.holds.map(|holds| holds && is_newest);
        if candidate.current == Some(true) {
            alive.extend(candidate.group);
        }
    }
    alive
}

fn fate(candidate: &Candidate, alive: &HashSet<ResourceKey>) -> Fate {
    if candidate.current == Some(true) {
        Fate::Reinstated
    } else if candidate.group.is_some_and(|group| alive.contains(&group)) {
        Fate::Superseded
    } else {
        Fate::Cancelled
    }
}

fn staged_candidates(
    plan: &TablePlan,
    staged: &[StagedRun],
    verdicts: &[Verdicts],
    members: &mut Vec<(Candidate, Origin)>,
) -> Result<()> {
    let Some(rule) = &plan.rule else {
        return Ok(());
    };
    let names = columns_of(rule);
    for (number, (run, verdicts)) in staged.iter().zip(verdicts).enumerate() {
        let Some(table) = run.table(&plan.layout.name) else {
            continue;
        };
        let Some(schema) = run.schema(table)? else {
            continue;
        };
        let is_read = |name: &String| names.contains(name.as_str()) || name == LANDING_ORDER_COLUMN;
        let projection: Vec<usize> = (0..schema.fields().len())
            .filter(|column| is_read(schema.field(*column).name()))
            .collect();
        let mut last = None;
        for batch in run.batches(table, Some(&projection), Checksums::Trust) {
            let batch = plain_batch(&batch?).map_err(LoadError::arrow("reading staged rows"))?;
            let Some(orders) = landing_orders(&batch) else {
                let reason = format!("table '{}' has no landing order", plan.layout.name);
                return Err(LoadError::staged(&run.folder, reason));
            };
            for (row, order) in orders.iter().copied().enumerate() {
                // A resource counts once, however many rows it has.
                if last == Some(order) {
                    continue;
                }
                last = Some(order);
                let Some(verdict) = verdicts
                    .find(order)
                    .filter(|verdict| plan.take.takes(verdict))
                else {
                    continue;
                };
                let candidate = candidate(rule, &batch, row, verdict.resource)?;
                members.push((candidate, Origin::Staged { run: number, order }));
            }
        }
    }
    Ok(())
}
