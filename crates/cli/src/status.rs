//! The state of everything: what `status` prints, and the first part of the report. Reads only.
//!
//! A part that cannot be read is named, and the others are shown nevertheless, since operators look
//! here when something is broken.

mod consents;
mod full_reads;
mod landed;
mod published;
mod zones;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use claimlake_contract::ApiVersion;
use claimlake_vault::Vault;

pub(crate) use consents::{Consents, ExtractRun, SOON_DAYS};
pub(crate) use full_reads::FullReads;
pub(crate) use landed::Landed;
pub(crate) use published::Published;
pub(crate) use zones::{OldestOfZone, files_in};

use crate::access;
use crate::advice::FINISH_REMOVAL;
use crate::data_dir::{DataDir, read_staged_manifest};
use crate::failure::{Failure, Outcome};
use crate::history::{LastRun, last_runs};
use crate::invocation::Invocation;
use crate::open_removals::{self, OpenRemovals};
use crate::publish_record::{PublishRecord, RecordedTarget};
use crate::publishing::holds_forgotten;

/// The state of everything.
#[derive(Debug)]
pub(crate) struct Status {
    /// Whether there is a data directory at all.
    pub(crate) exists: bool,
    /// The time at which all of this was read.
    pub(crate) now: DateTime<Utc>,
    /// Grants, runs and the progress of extraction; `None` without a vault.
    pub(crate) consents: Option<Consents>,
    /// What is wrong with the end of the access log, if anything.
    pub(crate) access_log: Option<String>,
    /// Full reads, by API version.
    pub(crate) full_reads: BTreeMap<ApiVersion, FullReads>,
    /// The last run of every command.
    pub(crate) last_runs: Vec<LastRun>,
    /// What landed.
    pub(crate) landed: Landed,
    /// Staged runs that wait for `load`.
    pub(crate) staged_runs: u64,
    /// Resources and cells that are missing from the tables.
    pub(crate) rejects: Rejects,
    /// The lake; `None` if nothing has been published.
    pub(crate) published: Option<Published>,
    /// The oldest PHI of every zone that has some.
    pub(crate) oldest: Vec<OldestOfZone>,
    /// Removals of patients that have begun and not ended.
    pub(crate) removals: OpenRemovals,
    /// Where the lake was published.
    pub(crate) targets: Vec<RecordedTarget>,
    /// De-identified copies.
    pub(crate) copies: Vec<claimlake_vault::Copy>,
    /// What could not be read, and why.
    pub(crate) unreadable: Vec<String>,
    /// What to do if the vault is among what could not be read.
    pub(crate) vault_next: Option<String>,
}

/// What is missing from the tables.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Rejects {
    /// Inputs with something that could not be landed, by run.
    pub(crate) import_runs: u64,
    /// Resources that produce no rows.
    pub(crate) resources: u64,
    /// Cells that are null because their value does not fit the column.
    pub(crate) cells: u64,
    /// Resources of types that no view reads.
    pub(crate) without_view: u64,
    /// Resources that were read.
    pub(crate) read: u64,
}

impl Status {
    /// Reads the state of everything.
    pub(crate) fn of(invocation: &Invocation) -> Outcome<Self> {
        let data = invocation.data()?;
        let lake = invocation.lake()?;
        let now = invocation.clock().now();
        let mut unreadable = Vec::new();
        let mut full_reads = BTreeMap::new();
        let mut access_log = None;
        let every = invocation.pipeline()?.extract.full_every;
        let mut vault_next = None;
        let mut copies = Vec::new();
        let consents = match Vault::is_made(data.root()) {
            false => None,
            true => match access::vault_to_read(data.root(), invocation).and_then(|vault| {
                full_reads = full_reads::of(&vault, every, now)?;
                access_log = vault.access_log().problem_at_the_end()?;
                copies = vault.copies()?;
                Consents::of(&vault, now)
            }) {
                Ok(consents) => Some(consents),
                Err(error) => {
                    vault_next = Some(access::way_on(&error, invocation));
                    let failure = access::opening_failure(error, invocation);
                    unreadable.push(format!("vault: {failure}"));
                    None
                }
            },
        };
        let landed = match Landed::of(&data) {
            Ok(landed) => landed,
            Err(error) => {
                unreadable.push(format!("landing: {error}"));
                Landed::default()
            }
        };
        let published = match Published::of(&lake) {
            Ok(published) => published,
            Err(error) => {
                unreadable.push(format!("lake: {error}"));
                None
            }
        };
        let last_runs = last_runs(data.root()).unwrap_or_else(|error| {
            // A vault that cannot be read is reported above.
            if consents.is_some() {
                unreadable.push(format!("history: {error:#}"));
            }
            Vec::new()
        });
        let removals = open_removals::open_in(invocation).unwrap_or_else(|failure| {
            if consents.is_some() {
                unreadable.push(format!("removals: {failure}"));
            }
            OpenRemovals::default()
        });
        let targets = match PublishRecord::read(data.root()) {
            Ok(record) => record.map_or_else(Vec::new, |record| record.targets),
            Err(error) => {
                unreadable.push(format!("published targets: {error:#}"));
                Vec::new()
            }
        };
        let staged = data.staged_runs()?;
        let found_rejects = rejects(&data, &staged, &mut unreadable);
        let found_rejects = or_unreadable("rejects", found_rejects, &mut unreadable);
        let oldest = zones::oldest(&data, &lake).map_err(Failure::from);
        let oldest = or_unreadable("zones", oldest, &mut unreadable);
        Ok(Self {
            exists: data.root().is_dir(),
            now,
            consents,
            access_log,
            full_reads,
            last_runs,
            landed,
            staged_runs: staged.len() as u64,
            rejects: found_rejects,
            published,
            oldest,
            removals,
            targets,
            copies,
            unreadable,
            vault_next,
        })
    }

    /// Whether there is nothing to report: no data directory, or an unused one.
    pub(crate) fn is_empty(&self) -> bool {
        !self.exists
            || self.consents.is_none()
                && self.last_runs.is_empty()
                && self.landed.resources.is_empty()
                && self.landed.unsealed.is_empty()
                && self.landed.under_way.is_empty()
                && self.removals.is_empty()
                && self.landed.damaged.is_empty()
                && self.staged_runs == 0
                && self.published.is_none()
                && self.unreadable.is_empty()
    }

    /// How many people were read, by the API version's name.
    pub(crate) fn people_read(&self, api: &str) -> u64 {
        let progress = self.consents.iter().flat_map(|known| &known.progress);
        progress
            .filter(|((of, _), _)| of.as_str() == api)
            .map(|(_, progress)| progress.people.values().sum())
            .max()
            .unwrap_or(0)
    }

    /// What to do next, the most urgent first: commands, or advice in prose.
    pub(crate) fn next(&self, invocation: &Invocation) -> Vec<(&'static str, String)> {
        let mut next = Vec::new();
        if self.removals.are_interrupted() {
            next.push(("an interrupted removal", invocation.next(FINISH_REMOVAL)));
        }
        let of_forgotten = self.consents.as_ref().map_or(0, |known| known.of_forgotten);
        if of_forgotten > 0 && self.removals.is_empty() {
            next.push(("who was forgotten is here", invocation.next(FINISH_REMOVAL)));
        }
        for target in &self.targets {
            if target.holds_forgotten_since.is_some() {
                let words = holds_forgotten(&target.url, invocation);
                next.push(("who was forgotten is published", words));
            }
        }
        for copy in self.copies.iter().filter(|copy| !copy.to_remove.is_empty()) {
            let words = crate::copies::holds_forgotten(&copy.place, invocation);
            next.push(("who was forgotten is in a copy", words));
        }
        if let Some(way_on) = &self.vault_next {
            next.push(("the vault cannot be read", way_on.clone()));
        }
        // What is wrong with the vault, `verify` does not say.
        if self.unreadable.len() > usize::from(self.vault_next.is_some()) {
            next.push(("what cannot be read", invocation.next("verify")));
        }
        if !self.landed.damaged.is_empty() {
            next.push(("damaged landing", invocation.next("extract --full")));
        }
        if let Some(consents) = &self.consents {
            if consents.in_state("needs_consent") > 0 {
                next.push(("consent has ended", invocation.next("authorize")));
            }
            if consents.in_state("doubtful") > 0 {
                next.push(("a consent in doubt", invocation.next("extract")));
            }
            if consents.open_refreshes > 0 {
                next.push(("a refresh was cut off", invocation.next("extract")));
            }
            if consents.unfinished() > 0 || !self.landed.unsealed.is_empty() {
                next.push(("not whole yet", invocation.next("extract")));
            }
        }
        if self.landed.is_by_other_rules {
            next.push(("rules of another version", invocation.next("transform")));
        } else if self.staged_runs > 0 {
            next.push(("staged rows", invocation.next("load")));
        } else if self.landed.awaits_transform {
            next.push(("new in landing", invocation.next("transform")));
        }
        if let Some(published) = &self.published
            && published.is_pinned
        {
            next.push(("rolled back", invocation.next("load --unpin")));
        }
        if self.access_log.is_some() {
            next.push(("the access log", invocation.next("access-log verify")));
        }
        if next.is_empty() && self.published.is_none() {
            next.push(("to begin", invocation.next("run")));
        } else if next.is_empty() {
            next.push(("what changed since", invocation.next("run")));
        }
        next
    }
}

/// The result of a part, or a note that it could not be read.
fn or_unreadable<T: Default>(what: &str, found: Outcome<T>, unreadable: &mut Vec<String>) -> T {
    found.unwrap_or_else(|failure| {
        unreadable.push(format!("{what}: {failure}"));
        T::default()
    })
}

fn rejects(
    data: &DataDir,
    staged: &[std::path::PathBuf],
    unreadable: &mut Vec<String>,
) -> Outcome<Rejects> {
    let mut rejects = Rejects {
        import_runs: zones::files_in(&data.landing().root().join("rejected"))?.len() as u64,
        ..Rejects::default()
    };
    let mut manifests = Vec::new();
    let folders = data.transformed_folders()?;
    for folder in folders.iter().chain(staged) {
        match read_staged_manifest(folder) {
            Ok(manifest) => manifests.push(manifest),
            Err(error) => unreadable.push(format!("{error:#}")),
        }
    }
    manifests.sort_by(|one, other| one.run.cmp(&other.run));
    // A run over all of landing covers everything before it again.
    let since = manifests.iter().rposition(|manifest| manifest.full);
    for manifest in manifests.iter().skip(since.unwrap_or(0)) {
        rejects.read += manifest.resources;
        rejects.resources += manifest.rejected_resources;
        rejects.cells += manifest.rejected_cells;
        rejects.without_view += manifest.without_view;
    }
    Ok(rejects)
}
