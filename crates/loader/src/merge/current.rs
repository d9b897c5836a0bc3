//! Decides which version of a claim is current, for every group that a load touches. Groups without
//! new or removed members keep their decisions.
//!
//! The candidates of the lake and the staged ones are both sorted by group and are merged like two
//! sorted files; only the members of one group are in memory. Candidates of the lake whose resource
//! was staged again or removed are left out, but what was decided about them is remembered, because
//! a changed decision is a row of `changes`.

use std::collections::HashMap;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use claimlake_contract::{LakeFile, LakeManifest};

use crate::current_rule::CurrentRule;
use crate::damage::check_file;
use crate::error::{LoadError, Result};
use crate::merge::candidate::{Candidate, OwnStatus};
use crate::merge::candidate_file::{
    CandidateFile, CandidateSorter, KnownCandidates, Origin, rules_hash,
};
use crate::merge::decision::RunDecisions;
use crate::merge::resource_list::ResourceList;
use crate::merge::resource_sorter::ResourceSorter;
use crate::merge::ruled_tables::{RuledTable, push_staged, ruled_tables};
use crate::publish::access::Access;
use crate::staged_run::StagedRun;
use crate::table::plan::TablePlan;
use claimlake_columnar::GroupKey as ResourceKey;

/// How a resource of the lake became current or ceased to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CurrentTransition {
    /// Another version of the claim is current.
    Superseded,
    /// No version of the claim is.
    Cancelled,
    /// It became current.
    Reinstated,
}

/// What was decided.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Resources whose rows in the lake change in nothing but `is_current`, by the table that
    /// decides.
    pub(crate) flips: HashMap<String, HashMap<ResourceKey, Option<bool>>>,
    /// Resources of the lake that became current, or are no longer current; for the table
    /// `changes`.
    pub(crate) transitions: HashMap<ResourceKey, CurrentTransition>,
    /// The file of candidates for the next snapshot; `None` without rules.
    pub(crate) file: Option<LakeFile>,
}

/// What is looked at.
#[derive(Debug)]
pub(crate) struct CurrentInput<'a> {
    pub(crate) plans: &'a [TablePlan],
    /// All rules of the pipeline.
    pub(crate) rules: &'a [CurrentRule],
    pub(crate) staged: &'a [StagedRun],
    pub(crate) outdated: &'a ResourceList,
    /// The candidates of the snapshot before.
    pub(crate) before: Option<PathBuf>,
    pub(crate) snapshot: &'a Path,
    /// Where to sort, and in how many bytes of memory.
    pub(crate) spill: &'a Path,
    pub(crate) budget: usize,
    pub(crate) access: Access,
}

/// Decides what is current, writes the file of candidates, and sets the decisions of staged bodies.
///
/// # Errors
///
/// [`LoadError::OtherRule`] if rows remain in the lake that were decided by a different rule: their
/// groups are unknown, so they cannot be compared with new rows.
pub(crate) fn find(input: &CurrentInput<'_>, decisions: &mut [RunDecisions]) -> Result<Found> {
    let ruled = ruled_tables(input.plans);
    let mut found = Found::default();
    if ruled.is_empty() {
        return Ok(found);
    }
    let is_replaced = |candidate: &Candidate| match ruled.get(candidate.table.as_str()) {
        None => true,
        Some(ruled) => ruled.is_made_anew() || input.outdated.contains(&candidate.resource),
    };
    let rules = rules_hash(input.rules)?;
    let knows_groups = known_groups(input, &rules)?;
    if !knows_groups && let Some(plan) = input.plans.iter().find(|plan| has_decided_rows(plan)) {
        return Err(LoadError::OtherRule {
            table: plan.layout.name.clone(),
        });
    }
    // The previous decisions about resources whose candidates have changed.
    let mut replaced = ResourceSorter::new(&input.spill.join(REPLACED), input.budget)?;
    for candidate in known(input)?.into_iter().flatten() {
        let candidate = candidate?;
        if is_replaced(&candidate) {
            replaced.push(candidate.resource, byte_of(candidate.current))?;
        }
    }
    let replaced = replaced.finish()?;
    let mut groups = Groups::new(input, &ruled, decisions, knows_groups)?;
    let mut file = CandidateFile::create(input.snapshot, &rules, &input.access)?;
    while let Some(mut members) = groups.next_group()? {
        let is_old =
            |(candidate, origin): &Member| *origin == Origin::Lake && is_replaced(candidate);
        let is_touched = members
            .iter()
            .any(|member| member.1 != Origin::Lake || is_old(member));
        // A table that is made anew has all of its groups decided again. What changes in those
        // where nothing came is the rule's operation, not the claim's.
        let is_news = members.iter().any(|member| match member.1 {
            Origin::Staged(place) => place.differs,
            Origin::Lake => input.outdated.contains(&member.0.resource),
        });
        members.retain(|member| !is_old(member));
        if !is_touched {
            for (candidate, _) in members {
                file.push(candidate)?;
            }
            continue;
        }
        let was: Vec<Option<Option<bool>>> = members
            .iter()
            .map(|(candidate, origin)| match origin {
                Origin::Lake => Some(candidate.current),
                Origin::Staged(_) => replaced.get(&candidate.resource).map(decision_of),
            })
            .collect();
        let is_alive = decide(&mut members);
        let ruled_of = |candidate: &Candidate| ruled.get(candidate.table.as_str());
        for ((candidate, origin), was) in members.into_iter().zip(was) {
            let now = candidate.current;
            if is_news && was.is_some_and(|was| was != now) {
                found
                    .transitions
                    .insert(candidate.resource, transition(&candidate, is_alive));
            }
            match origin {
                Origin::Lake if was != Some(now) => {
                    let flips = found.flips.entry(candidate.table.clone()).or_default();
                    flips.insert(candidate.resource, now);
                }
                Origin::Lake => {}
                Origin::Staged(place) => {
                    decisions[place.run].set_current(place.decision, now);
                    let ruled = ruled_of(&candidate);
                    if !place.differs && ruled.is_some_and(|ruled| !ruled.is_made_anew()) {
                        // The lake's own candidate is in the group as well.
                        continue;
                    }
                    let keeps_rows = ruled.is_some_and(|ruled| ruled.other_is_kept);
                    if keeps_rows && !place.differs && was.is_some_and(|was| was != now) {
                        let flips = found.flips.entry(candidate.table.clone()).or_default();
                        flips.insert(candidate.resource, now);
                    }
                }
            }
            file.push(candidate)?;
        }
    }
    found.file = Some(file.finish()?);
    replaced.check()?;
    input.outdated.check()?;
    Ok(found)
}

/// The subfolder of the spill folder for previous decisions; no table has this name.
const REPLACED: &str = "_replaced";

/// A decision as one byte.
fn byte_of(current: Option<bool>) -> u8 {
    match current {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

fn decision_of(byte: u8) -> Option<bool> {
    match byte {
        1 => Some(false),
        2 => Some(true),
        _ => None,
    }
}

/// Whether a snapshot's manifest says that what is current was decided by these rules, and by this
/// version of claimlake. So it is where there is nothing to decide.
///
/// # Errors
///
/// What the rules know of the snapshot cannot be read.
pub fn is_decided_by(
    snapshot: &Path,
    manifest: &LakeManifest,
    rules: &[CurrentRule],
) -> Result<bool> {
    match &manifest.current {
        Some(file) => {
            check_file(snapshot, file)?;
            are_comparable(&snapshot.join(&file.path), rules)
        }
        None => Ok(rules.iter().all(|rule| {
            let mut tables = manifest.tables.iter();
            let table = tables.find(|table| table.layout.name == rule.table);
            table.is_none_or(|table| table.files.iter().all(|file| file.rows == 0))
        })),
    }
}

/// Calls `visit` with every resource that the rules of a snapshot know: the table that its row is in, its key
/// ([`crate::resource_key`]) and whether it was found to be current.
///
/// # Errors
///
/// What the rules know of the snapshot is damaged, or cannot be read.
pub fn current_resources(
    snapshot: &Path,
    manifest: &LakeManifest,
    mut visit: impl FnMut(&str, [u8; 16], Option<bool>),
) -> Result<()> {
    let Some(file) = &manifest.current else {
        return Ok(());
    };
    check_file(snapshot, file)?;
    for candidate in KnownCandidates::open(&snapshot.join(&file.path))? {
        let candidate = candidate?;
        visit(
            &candidate.table,
            candidate.resource.to_bytes(),
            candidate.current,
        );
    }
    Ok(())
}

/// Whether the candidates of a snapshot were made by these rules.
pub(crate) fn are_comparable(before: &Path, rules: &[CurrentRule]) -> Result<bool> {
    Ok(KnownCandidates::open(before)?.are_of(&rules_hash(rules)?))
}

/// Whether the groups of the lake's candidates can be compared with new ones.
fn known_groups(input: &CurrentInput<'_>, rules: &str) -> Result<bool> {
    Ok(known(input)?.is_some_and(|known| known.are_of(rules)))
}

/// Whether rows remain in the table whose `is_current` was decided before.
fn has_decided_rows(plan: &TablePlan) -> bool {
    let (Some(before), Some(rule)) = (&plan.before, &plan.rule) else {
        return false;
    };
    let has_column = before.columns.iter().any(|(name, _)| *name == rule.column);
    has_column && before.files.iter().any(|file| file.rows > 0)
}

/// The candidates of the snapshot before.
fn known(input: &CurrentInput<'_>) -> Result<Option<KnownCandidates>> {
    input
        .before
        .as_deref()
        .map(KnownCandidates::open)
        .transpose()
}

/// A candidate of a group, and where its row is.
type Member = (Candidate, Origin);
type Members = Peekable<Box<dyn Iterator<Item = Result<Member>>>>;

/// The candidates of the lake and of the staged runs, group by group.
struct Groups {
    sorted: Members,
    lake: Members,
}

impl Groups {
    /// Those of the lake take part where they can be compared with new ones.
    fn new(
        input: &CurrentInput<'_>,
        ruled: &HashMap<&str, RuledTable<'_>>,
        decisions: &[RunDecisions],
        knows_groups: bool,
    ) -> Result<Self> {
        let mut sorter = CandidateSorter::new(input.spill, input.budget)?;
        for ruled in ruled.values() {
            push_staged(ruled, input.staged, decisions, &mut sorter)?;
        }
        let lake: Box<dyn Iterator<Item = Result<Member>>> = match known(input)? {
            Some(known) if knows_groups => {
                Box::new(known.into_iter().map(|found| Ok((found?, Origin::Lake))))
            }
            _ => Box::new(std::iter::empty()),
        };
        let sorted: Box<dyn Iterator<Item = Result<Member>>> = Box::new(sorter.finish()?);
        Ok(Self {
            sorted: sorted.peekable(),
            lake: lake.peekable(),
        })
    }

    /// The members of the next group. Candidates without a group come one at a time, before all
    /// groups.
    fn next_group(&mut self) -> Result<Option<Vec<Member>>> {
        let group_of = |members: &mut Members| match members.peek() {
            Some(Ok((candidate, _))) => Some(candidate.group),
            // An error is returned at once.
            Some(Err(_)) => Some(None),
            None => None,
        };
        let heads = [group_of(&mut self.lake), group_of(&mut self.sorted)];
        let Some(group) = heads.into_iter().flatten().min() else {
            return Ok(None);
        };
        let mut found = Vec::new();
        for members in [&mut self.lake, &mut self.sorted] {
            while group_of(members) == Some(group)
                && (group.is_some() || found.is_empty())
                && let Some(member) = members.next()
            {
                found.push(member?);
            }
        }
        Ok(Some(found))
    }
}

/// Decides for all members of a group; returns whether any of them is current.
fn decide(members: &mut [Member]) -> bool {
    let statuses = || members.iter().map(|(candidate, _)| candidate.status);
    let is_stated = statuses().any(|status| status.is_stated);
    let has_final = statuses().any(|status| status.is_final);
    // One that is final itself does not give way to others.
    let gives_way = |candidate: &Candidate| {
        candidate.group.is_some()
            && has_final
            && candidate.status.is_preliminary
            && !candidate.status.is_final
    };
    let newest = members
        .iter()
        .map(|(candidate, _)| candidate)
        .filter(|candidate| !gives_way(candidate))
        .map(|candidate| &candidate.order)
        .max();
    let newest = newest.cloned().unwrap_or_default();
    let mut is_alive = false;
    for (candidate, _) in members.iter_mut() {
        // Versions that agree in all that orders them are all newest.
        let is_newest = candidate.group.is_none() || candidate.order == newest;
        candidate.current = match candidate.status.own {
            OwnStatus::Nothing => None,
            OwnStatus::No => Some(false),
            OwnStatus::Yes => Some(!gives_way(candidate)),
            OwnStatus::IfNewest => Some(is_newest && !is_stated && !gives_way(candidate)),
        };
        is_alive |= candidate.group.is_some() && candidate.current == Some(true);
    }
    is_alive
}

/// What the changed decision about a resource of the lake means.
fn transition(candidate: &Candidate, is_alive: bool) -> CurrentTransition {
    if candidate.current == Some(true) {
        CurrentTransition::Reinstated
    } else if is_alive {
        CurrentTransition::Superseded
    } else {
        CurrentTransition::Cancelled
    }
}
