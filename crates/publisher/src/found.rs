//! What is at the target: whose it is, its newest state, and each table's newest version.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::delta::replay::Actual;
use crate::delta::{LOG, LogFile, commit_path, log_file};
use crate::error::{PublishError, Result};
use crate::identity::{self, IDENTITY, LakeId};
use crate::state::{STATE_FORMAT, State, sequence_of, state_path};
use crate::store::{Found, Store};

/// A target as it was read.
#[derive(Debug)]
pub(crate) struct FoundTarget {
    pub(crate) state: Option<State>,
    /// Everything there, by path.
    pub(crate) listing: BTreeMap<String, Found>,
    /// The files of every log, by table.
    pub(crate) logs: BTreeMap<String, Vec<LogFile>>,
    /// The tables with a log, and what their newest versions show.
    pub(crate) tables: BTreeMap<String, Actual>,
    /// The newest checkpoint of each table that has one.
    pub(crate) checkpoints: BTreeMap<String, u64>,
}

impl FoundTarget {
    /// Reads the target.
    ///
    /// # Errors
    /// It is another lake's or another program's, or cannot be read.
    pub(crate) async fn read(store: &Store, lake: &LakeId) -> Result<Self> {
        let listing: BTreeMap<String, Found> = store.list().await?.into_iter().collect();
        let is_ours = identity::check(store, lake).await?.is_some();
        if let (false, Some(stranger)) = (is_ours, listing.keys().find(|path| *path != IDENTITY)) {
            return Err(PublishError::Foreign(format!(
                "the target is not empty, and has no {IDENTITY} (it has {stranger}, for example): \
                 publish to a place of its own"
            )));
        }
        let state = match listing.keys().filter_map(|path| sequence_of(path)).max() {
            None => None,
            Some(sequence) => Some(read_state(store, sequence, lake).await?),
        };
        let logs = logs(&listing);
        let mut found = Self {
            tables: BTreeMap::new(),
            checkpoints: BTreeMap::new(),
            state,
            listing,
            logs: BTreeMap::new(),
        };
        for (table, files) in &logs {
            let checkpoint = files.iter().filter_map(|file| match file {
                LogFile::Checkpoint(version) => Some(*version),
                LogFile::Commit(_) => None,
            });
            if let Some(version) = checkpoint.max() {
                found.checkpoints.insert(table.clone(), version);
            }
            let actual = found.actual(store, table, files, lake).await?;
            found.tables.insert(table.clone(), actual);
        }
        found.logs = logs;
        found.check_logs()?;
        Ok(found)
    }

    /// The sequence of the newest state; 0 if there is none.
    pub(crate) fn sequence(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.sequence)
    }

    /// Whether every table's newest version is the one that a state names.
    pub(crate) fn newest_are_of(&self, state: &State) -> bool {
        state.tables.iter().all(|table| {
            let actual = self.tables.get(&table.name);
            actual.is_none_or(|actual| actual.version == Some(table.delta_version))
        })
    }

    /// The newest version of each table that has a log.
    pub(crate) fn newest_versions(&self) -> BTreeMap<String, u64> {
        let tables = self.tables.iter();
        tables
            .filter_map(|(name, actual)| Some((name.clone(), actual.version?)))
            .collect()
    }

    /// The newest time that the store itself gave to a file.
    pub(crate) fn newest(&self) -> Option<DateTime<Utc>> {
        self.listing.values().map(|found| found.modified).max()
    }

    /// What the newest version of a table shows: the version that the state names, and the commits
    /// after it.
    async fn actual(
        &self,
        store: &Store,
        table: &str,
        files: &[LogFile],
        lake: &LakeId,
    ) -> Result<Actual> {
        let tables = self.state.iter().flat_map(|state| &state.tables);
        let named = tables.into_iter().find(|named| named.name == table);
        let mut actual = named.map_or_else(Actual::default, Actual::of_state);
        let commits: BTreeSet<u64> = files.iter().filter_map(commit).collect();
        let first = actual.version.map_or(0, |version| version + 1);
        for (expected, version) in (first..).zip(commits.range(first..)) {
            if *version != expected {
                return Err(missing(table, expected));
            }
            let path = commit_path(table, *version);
            let lines = store.read(&path).await?;
            let lines = lines.ok_or_else(|| missing(table, *version))?;
            actual.apply(table, *version, &lines, lake)?;
        }
        Ok(actual)
    }

    /// Every table of the state has the version that it names.
    fn check_logs(&self) -> Result<()> {
        for table in self.state.iter().flat_map(|state| &state.tables) {
            let named = commit_path(&table.name, table.delta_version);
            let is_in_checkpoint = self
                .checkpoints
                .get(&table.name)
                .is_some_and(|version| *version >= table.delta_version);
            if !self.listing.contains_key(&named) && !is_in_checkpoint {
                return Err(missing(&table.name, table.delta_version));
            }
        }
        Ok(())
    }
}

fn commit(file: &LogFile) -> Option<u64> {
    match file {
        LogFile::Commit(version) => Some(*version),
        LogFile::Checkpoint(_) => None,
    }
}

fn missing(table: &str, version: u64) -> PublishError {
    PublishError::Damaged(format!(
        "version {version} is missing from the Delta log of the published table {table}: another \
         program removed it; put it back, or remove what is at the target and publish again"
    ))
}

/// The files of every log, by table.
fn logs(listing: &BTreeMap<String, Found>) -> BTreeMap<String, Vec<LogFile>> {
    let mut logs: BTreeMap<String, Vec<LogFile>> = BTreeMap::new();
    for path in listing.keys() {
        let parts: Vec<&str> = path.split('/').collect();
        if let [table, LOG, name] = parts[..]
            && let Some(file) = log_file(name)
        {
            logs.entry(table.to_owned()).or_default().push(file);
        }
    }
    logs
}

/// Reads one state.
pub(crate) async fn read_state(store: &Store, sequence: u64, lake: &LakeId) -> Result<State> {
    let path = state_path(sequence);
    let damaged = |reason: &str| {
        PublishError::Damaged(format!(
            "{path} of the target {reason}: put it back, or remove what is at the target and publish \
             again"
        ))
    };
    #[derive(serde::Deserialize)]
    struct Format {
        format: u32,
    }
    let content = store.read(&path).await?;
    let content = content.ok_or_else(|| damaged("is missing"))?;
    let Format { format } =
        serde_json::from_slice(&content).map_err(|_| damaged("cannot be read"))?;
    if format != STATE_FORMAT {
        return Err(identity::other_format(format));
    }
    let state: State = serde_json::from_slice(&content).map_err(|_| damaged("cannot be read"))?;
    match state.sequence == sequence && state.lake == *lake {
        true => Ok(state),
        false => Err(damaged("is that of another state or lake")),
    }
}
