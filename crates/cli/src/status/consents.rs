//! What the vault knows: grants by state and end of consent, runs, and the progress of extraction.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::{ApiVersion, PatientState, ResourceType};
use claimlake_vault::{RunEnd, RunRecord, Vault, VaultError};
use serde_json::Value;

use crate::run_state::RunState;

/// How many runs are printed.
const RUNS_TOLD: u32 = 5;

/// A consent that ends within this many days is shown.
pub(crate) const SOON_DAYS: i64 = 30;

/// What the vault has about consents and extracts.
#[derive(Debug)]
pub(crate) struct Consents {
    /// The source to which the data directory belongs.
    pub(crate) source: Option<String>,
    /// Grants by API version and state.
    pub(crate) by_state: BTreeMap<(ApiVersion, &'static str), u64>,
    /// Grants in use that end soon.
    pub(crate) ending_soon: u64,
    /// When the first of the grants in use ends.
    pub(crate) first_end: Option<DateTime<Utc>>,
    /// When the first of the grants was consented to.
    pub(crate) first_consent: Option<DateTime<Utc>>,
    /// Refreshes that were begun and have no known outcome.
    pub(crate) open_refreshes: u64,
    /// The last extracts, newest first.
    pub(crate) runs: Vec<ExtractRun>,
    /// How far extraction has come, by API version and resource type.
    pub(crate) progress: BTreeMap<(ApiVersion, ResourceType), ResourceProgress>,
    /// Grants of patients who were forgotten: left out of all the others.
    pub(crate) of_forgotten: u64,
}

/// One `extract`.
#[derive(Debug)]
pub(crate) struct ExtractRun {
    /// When it began.
    pub(crate) started_at: DateTime<Utc>,
    /// How long it took; `None` if it is running or was killed.
    pub(crate) took: Option<TimeDelta>,
    /// How it ended, as recorded.
    pub(crate) end: &'static str,
    /// Whether it is running, or how it ended.
    pub(crate) state: RunState,
    /// The code that it exited with, if known.
    pub(crate) exit: Option<u64>,
    /// Pages read and resources landed, if known.
    pub(crate) pages: Option<u64>,
    pub(crate) landed: Option<u64>,
}

/// The progress of one resource type.
#[derive(Debug, Default)]
pub(crate) struct ResourceProgress {
    /// People by state.
    pub(crate) people: BTreeMap<&'static str, u64>,
    /// Resources that have landed.
    pub(crate) held: u64,
    /// The oldest and the newest watermark of all patients.
    pub(crate) watermarks: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// The time of the least recent read: every other patient was read later.
    pub(crate) oldest_read: Option<DateTime<Utc>>,
}

impl ExtractRun {
    /// Pages a second.
    pub(crate) fn pages_a_second(&self) -> Option<u64> {
        let milliseconds = u64::try_from(self.took?.num_milliseconds()).ok()?.max(1);
        Some(self.pages?.saturating_mul(1000) / milliseconds)
    }
}

impl Consents {
    pub(super) fn of(vault: &Vault, now: DateTime<Utc>) -> Result<Self, VaultError> {
        let mut consents = Self {
            source: vault.source()?,
            by_state: BTreeMap::new(),
            ending_soon: 0,
            first_end: None,
            first_consent: None,
            open_refreshes: vault.open_refreshes()?.len() as u64,
            runs: vault
                .runs("extract", RUNS_TOLD)?
                .into_iter()
                .map(|run| extract_run(vault.data_dir(), run))
                .collect(),
            progress: BTreeMap::new(),
            of_forgotten: 0,
        };
        let soon = now + TimeDelta::days(SOON_DAYS);
        let forgotten = vault.all_forgotten()?;
        let mut left_out = HashSet::new();
        for grant in vault.grants()? {
            if forgotten.has_grant(&grant) {
                consents.of_forgotten += 1;
                left_out.insert(grant.handle);
                continue;
            }
            let key = (grant.api, grant.state.as_str());
            *consents.by_state.entry(key).or_default() += 1;
            consents.first_consent = earliest(consents.first_consent, Some(grant.consented_at));
            if grant.state.is_usable() {
                consents.first_end = earliest(consents.first_end, grant.grant_expires_at);
                if grant.grant_expires_at.is_some_and(|end| end <= soon) {
                    consents.ending_soon += 1;
                }
            }
        }
        for state in vault.extract_states()? {
            if left_out.contains(&state.grant) {
                continue;
            }
            let progress = consents
                .progress
                .entry((state.api, state.resource))
                .or_default();
            *progress.people.entry(state.state.as_str()).or_default() += 1;
            progress.held += state.known_count;
            progress.oldest_read = earliest(progress.oldest_read, Some(state.as_of));
            if let Some(mark) = state.watermark {
                progress.watermarks = Some(match progress.watermarks {
                    Some((least, greatest)) => (least.min(mark), greatest.max(mark)),
                    None => (mark, mark),
                });
            }
        }
        Ok(consents)
    }

    /// How many grants are in a state, of both API versions.
    pub(crate) fn in_state(&self, state: &str) -> u64 {
        self.by_state
            .iter()
            .filter(|((_, one), _)| *one == state)
            .map(|(_, count)| count)
            .sum()
    }

    /// Patients and resource types for which another `extract` would help.
    pub(crate) fn unfinished(&self) -> u64 {
        let again = [
            PatientState::Incomplete,
            PatientState::SuspectEmpty,
            PatientState::Parked,
            PatientState::Failed,
        ];
        let of = |progress: &ResourceProgress| -> u64 {
            let counts = again
                .iter()
                .filter_map(|state| progress.people.get(state.as_str()));
            counts.sum()
        };
        self.progress.values().map(of).sum()
    }
}

fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

fn extract_run(data_dir: &Path, run: RunRecord) -> ExtractRun {
    let summary = run.summary.as_deref().unwrap_or_default();
    let summary: Value = serde_json::from_str(summary).unwrap_or_default();
    let landed = summary["landed"].as_object();
    let exit = summary["exit"].as_u64();
    // The end of a killed run is recorded by the next run: how long it took is unknown.
    let is_noted_by_itself = run.end != Some(RunEnd::Interrupted) || run.summary.is_some();
    ExtractRun {
        started_at: run.started_at,
        took: run
            .ended_at
            .filter(|_| is_noted_by_itself)
            .map(|ended| ended - run.started_at),
        state: RunState::of(data_dir, &run, exit),
        exit,
        end: run.end.map_or("not ended", |end| end.as_str()),
        pages: summary["pages"].as_u64(),
        landed: landed.map(|landed| landed.values().filter_map(Value::as_u64).sum()),
    }
}
