//! What is removed of a target beside its newest state: earlier states that are not to be kept, what
//! only they need of the logs, and files that no state names.
//!
//! States go first, so that nobody begins with one whose files are about to go, then the logs, then
//! the files. What is left by a removal that was killed is found by the next one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::delta::{LOG, LogFile, checkpoint_path, commit_path, last_checkpoint_path, log_file};
use crate::error::{PublishError, Result};
use crate::found::{FoundTarget, read_state};
use crate::identity::{IDENTITY, LakeId};
use crate::state::{STATES, State, sequence_of, state_path};
use crate::store::Store;

/// Files that are removed at once.
const AT_ONCE: usize = 8;

/// Files that no state names stay for this long: a publish of a copy of this lake may be about to
/// name them. Longer than what [`crate::upload`] counts on.
const UNNAMED_STAYS: TimeDelta = TimeDelta::hours(24);

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) states: usize,
    pub(crate) files: usize,
    /// Files that are not this project's, and stay.
    pub(crate) left_alone: usize,
}

/// Which earlier states stay.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) states: usize,
    pub(crate) hours: u64,
    pub(crate) now: DateTime<Utc>,
}

/// Paths that are to be removed, in the order of removal.
#[derive(Debug, Default)]
struct Outdated {
    states: Vec<String>,
    logs: Vec<String>,
    files: Vec<String>,
}

impl Outdated {
    async fn remove(self, store: &Store) -> Result<Removed> {
        let removed = Removed {
            states: self.states.len(),
            files: self.logs.len() + self.files.len(),
            left_alone: 0,
        };
        for paths in [self.states, self.logs, self.files] {
            let removals = paths.iter().map(|path| store.remove(path));
            futures_util::stream::iter(removals)
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        Ok(removed)
    }
}

/// Removes everything but `state`, the newest one, with the versions and files that it names, and the
/// texts beside it. All tables have a checkpoint at these versions.
///
/// # Errors
/// Something could not be removed, or another process published meanwhile.
pub(crate) async fn remove_all(
    found: &FoundTarget,
    state: &State,
    texts: &BTreeMap<String, String>,
    store: &Store,
) -> Result<Removed> {
    let mut kept: BTreeSet<String> = [IDENTITY.to_owned(), state_path(state.sequence)].into();
    kept.extend(texts.keys().cloned());
    for table in &state.tables {
        kept.insert(commit_path(&table.name, table.delta_version));
        kept.insert(checkpoint_path(&table.name, table.delta_version));
        kept.insert(last_checkpoint_path(&table.name));
        kept.extend(table.files.iter().map(|file| file.path.clone()));
    }
    let place = Place::of(found);
    let mut outdated = Outdated::default();
    let mut left_alone = 0;
    for path in found.listing.keys().filter(|path| !kept.contains(*path)) {
        match place.kind(path) {
            Kind::State => outdated.states.push(path.clone()),
            Kind::Log => outdated.logs.push(path.clone()),
            Kind::File => outdated.files.push(path.clone()),
            Kind::Stranger => left_alone += 1,
            Kind::OtherPlace => {}
        }
    }
    store.remove_unfinished().await?;
    let removed = outdated.remove(store).await?;
    let newest = store.list().await?;
    let newest = newest
        .iter()
        .filter_map(|(path, _)| sequence_of(path))
        .max();
    match newest == Some(state.sequence) {
        true => Ok(Removed {
            left_alone,
            ..removed
        }),
        false => Err(PublishError::Lost(
            "another process published there while earlier states were removed: publish again when \
             it is done"
                .to_owned(),
        )),
    }
}

/// Removes the states that are not to be kept, log entries before the checkpoint that serves the
/// oldest kept one, and files that no kept state and no newest version names.
///
/// # Errors
/// A kept state could not be read, or something could not be removed.
pub(crate) async fn remove_outdated(
    found: &FoundTarget,
    newest: &State,
    kept: Kept,
    lake: &LakeId,
    store: &Store,
) -> Result<Removed> {
    let (kept_sequences, old) = kept.choose(found);
    let mut states = vec![newest.clone()];
    for sequence in kept_sequences {
        if sequence != newest.sequence {
            states.push(read_state(store, sequence, lake).await?);
        }
    }
    let place = Place::of(found);
    let outdated = Outdated {
        states: old.into_iter().map(state_path).collect(),
        logs: outdated_logs(found, &states),
        files: unnamed_files(found, &states, &place, kept.now),
    };
    outdated.remove(store).await
}

impl Kept {
    /// The sequences of states that stay, and of those that go.
    fn choose(&self, found: &FoundTarget) -> (Vec<u64>, Vec<u64>) {
        let mut all: Vec<(u64, DateTime<Utc>)> = found
            .listing
            .iter()
            .filter_map(|(path, at)| Some((sequence_of(path)?, at.modified)))
            .collect();
        all.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        let since = i64::try_from(self.hours)
            .ok()
            .and_then(TimeDelta::try_hours);
        let since = since.and_then(|hours| self.now.checked_sub_signed(hours));
        let (mut kept, mut old) = (Vec::new(), Vec::new());
        let mut replaced_at: Option<DateTime<Utc>> = None;
        for (index, (sequence, written)) in all.into_iter().enumerate() {
            // The newest has not been replaced; a time before all times is "always".
            let was_newest_lately = replaced_at
                .zip(since)
                .is_none_or(|(replaced, since)| replaced > since);
            match index < self.states || was_newest_lately {
                true => kept.push(sequence),
                false => old.push(sequence),
            }
            replaced_at = Some(written);
        }
        (kept, old)
    }
}

/// Commits and checkpoints before the last checkpoint from which all kept versions can be read.
fn outdated_logs(found: &FoundTarget, kept: &[State]) -> Vec<String> {
    let mut outdated = Vec::new();
    for (table, files) in &found.logs {
        let states = kept.iter().flat_map(|state| &state.tables);
        let versions = states.filter(|state| state.name == *table);
        let Some(oldest) = versions.map(|state| state.delta_version).min() else {
            continue;
        };
        let checkpoints = files.iter().filter_map(|file| match file {
            LogFile::Checkpoint(version) => Some(*version),
            LogFile::Commit(_) => None,
        });
        let Some(begin) = checkpoints.filter(|version| *version <= oldest).max() else {
            continue;
        };
        let mut old: Vec<(u64, String)> = files
            .iter()
            .map(|file| match file {
                LogFile::Commit(version) => (*version, commit_path(table, *version)),
                LogFile::Checkpoint(version) => (*version, checkpoint_path(table, *version)),
            })
            .filter(|(version, _)| *version < begin)
            .collect();
        old.sort_unstable();
        outdated.extend(old.into_iter().map(|(_, path)| path));
    }
    outdated
}

fn unnamed_files(
    found: &FoundTarget,
    kept: &[State],
    place: &Place<'_>,
    now: DateTime<Utc>,
) -> Vec<String> {
    let of_states = kept.iter().flat_map(|state| &state.tables);
    let of_states = of_states.flat_map(|table| table.files.iter().map(|file| &file.path));
    let of_newest = found.tables.values().flat_map(|actual| actual.files.keys());
    let named: BTreeSet<&String> = of_states.chain(of_newest).collect();
    let is_old = |modified: DateTime<Utc>| modified + UNNAMED_STAYS < now;
    let files = found.listing.iter();
    files
        .filter(|(path, at)| is_old(at.modified) && !named.contains(path))
        .filter(|(path, _)| is_pool_file(path) && place.kind(path) == Kind::File)
        .map(|(path, _)| path.clone())
        .collect()
}

/// What a path at the target is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Log,
    File,
    /// Of a target within this one.
    OtherPlace,
    Stranger,
}

/// What is where.
struct Place<'f> {
    tables: BTreeSet<&'f str>,
    /// The folders of targets within this one.
    others: Vec<&'f str>,
}

impl<'f> Place<'f> {
    fn of(found: &'f FoundTarget) -> Self {
        let tables = found.state.iter().flat_map(|state| &state.tables);
        let tables = tables.map(|table| table.name.as_str());
        let others = found.listing.keys();
        Self {
            tables: tables
                .chain(found.logs.keys().map(String::as_str))
                .collect(),
            others: others
                .filter_map(|path| path.strip_suffix(IDENTITY)?.strip_suffix('/'))
                .collect(),
        }
    }

    fn kind(&self, path: &str) -> Kind {
        let is_within = |folder: &&str| {
            let below = path.strip_prefix(folder);
            below.is_some_and(|below| below.starts_with('/'))
        };
        if self.others.iter().any(is_within) {
            return Kind::OtherPlace;
        }
        let (table, below) = path.split_once('/').unwrap_or(("", path));
        if table == STATES {
            return Kind::State;
        }
        let is_of_table = self.tables.contains(table);
        match below.split_once('/') {
            Some((LOG, name)) if is_of_table || log_file(name).is_some() => Kind::Log,
            _ if is_of_table || is_pool_file(path) => Kind::File,
            _ => Kind::Stranger,
        }
    }
}

/// Whether the name of a file is the beginning of a checksum.
fn is_pool_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digits = name.strip_suffix(".parquet");
    digits.is_some_and(|digits| digits.len() >= 16 && digits.bytes().all(is_digit))
}
