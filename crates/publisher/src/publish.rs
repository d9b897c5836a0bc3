//! Makes a target show the local lake's current snapshot.
//!
//! The order of writes is what readers rely on: the files, then each table's Delta commit, then the
//! state, which names everything before it. A publish that is killed leaves files and commits that
//! no state names; the next one takes them into account ([`crate::delta::replay`]). Each commit
//! turns the table, as its version before has it, into what its writer wants, and a version is
//! written once; so a version that a state names shows exactly that state, whoever else writes at
//! the same time.
//!
//! Two publishers of one lake: of one sequence, one state is made. Whoever loses with the older
//! snapshot gives way, and leaves the tables as the newer state names them; with the newer one it
//! publishes the next state.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use claimlake_contract::splitmix64::SplitMix64;
use claimlake_contract::{Clock, Progress};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::checkpoints;
use crate::delta::commit::{self, CommitInfo, Removed, SchemaLines};
use crate::delta::replay::Actual;
use crate::delta::{commit_path, stats};
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::identity;
use crate::request::{PublishOutcome, PublishRequest};
use crate::state::{STATE_FORMAT, State, TableState, state_path};
use crate::store::{Created, Store};
use crate::target::OpenTarget;
use crate::upload::Sent;
use crate::wanted::Wanted;

/// Tables whose commits are written at once.
const COMMITS_AT_ONCE: usize = 8;

/// How often a publish reads the target again because others write there.
const ATTEMPTS: u32 = 200;

/// Publishes the current snapshot of a lake.
///
/// A target that shows it already is left alone. `clock` gives the times in the log.
///
/// # Errors
/// See [`PublishError`]. The target shows its earlier state or the new one.
pub async fn publish(
    request: &PublishRequest,
    target: &OpenTarget,
    clock: &dyn Clock,
    progress: &dyn Progress,
) -> Result<PublishOutcome> {
    let now = clock.now().timestamp_millis();
    let mut publish = Publish {
        wanted: Wanted::read(request, now)?,
        request,
        store: &target.store,
        clock,
        now,
        versions: BTreeMap::new(),
        sent: Sent::default(),
        committed: 0,
    };
    publish.run(progress).await
}

struct Publish<'p> {
    request: &'p PublishRequest,
    store: &'p Store,
    clock: &'p dyn Clock,
    now: i64,
    wanted: Wanted,
    /// The version of each table that shows what is wanted, as far as it is known.
    versions: BTreeMap<String, u64>,
    sent: Sent,
    committed: usize,
}

impl Publish<'_> {
    async fn run(&mut self, progress: &dyn Progress) -> Result<PublishOutcome> {
        let mut pauses = Pauses::new(&self.request.publication);
        let mut before: Option<(u64, Option<u64>)> = None;
        let mut published = false;
        for _ in 0..ATTEMPTS {
            let found = FoundTarget::read(self.store, &self.request.lake_id).await?;
            let (first, _) = *before.get_or_insert_with(|| (found.sequence(), self.newer(&found)));
            if found.listing.is_empty() {
                identity::claim(self.store, &self.request.lake_id).await?;
            }
            if let Some(state) = found
                .state
                .as_ref()
                .filter(|state| self.gives_way(state, first))
            {
                if self
                    .align(&found, &state.tables, Statistics::RowsOnly)
                    .await?
                {
                    continue;
                }
                if published {
                    return Ok(self.outcome(&found, before.and_then(|(_, newer)| newer)));
                }
                return Err(lost(state, &self.wanted));
            }
            if let Some(state) = &found.state {
                self.wanted.continue_from(state);
            }
            self.sent
                .send(&self.wanted, &found, self.store, self.clock.now(), progress)
                .await?;
            let state = found.state.as_ref().filter(|state| self.wanted.is(state));
            if let Some(state) = state {
                published |= state.publication == self.request.publication;
                if self
                    .align(&found, &self.wanted.tables, Statistics::OfFiles)
                    .await?
                {
                    continue;
                }
                let info = self.info(state.sequence);
                checkpoints::write(&found, state, &self.wanted, &info, self.store).await?;
                let replaced = before.and_then(|(_, newer)| newer);
                return Ok(PublishOutcome {
                    changed: published,
                    ..self.outcome(&found, replaced.filter(|_| published))
                });
            }
            if self.versions.is_empty() {
                identity::check_conditional_writes(self.store, &self.request.lake_id).await?;
            }
            if !self.commit_missing(&found).await? || !self.create_state(&found).await? {
                pauses.wait().await;
            }
        }
        Err(PublishError::Lost(
            "other processes publish to this target all the time: publish again when they are done"
                .to_owned(),
        ))
    }

    /// The snapshot that the target shows, where it is later than the one here.
    fn newer(&self, found: &FoundTarget) -> Option<u64> {
        let local = found.state.as_ref().map(|state| &state.local);
        let later = local.filter(|local| local.run > self.wanted.local.run);
        later.map(|local| local.snapshot)
    }

    /// Whether another process published a newer snapshot since this publish began.
    fn gives_way(&self, state: &State, first: u64) -> bool {
        state.sequence > first
            && state.publication != self.request.publication
            && state.local.run > self.wanted.local.run
    }

    /// Writes the commits of the tables that have no version with what is wanted yet; false if
    /// another process was faster with one of them.
    async fn commit_missing(&mut self, found: &FoundTarget) -> Result<bool> {
        let (versions, all) = {
            let wanted = &self.wanted.tables;
            let tables = wanted
                .iter()
                .filter(|table| !self.versions.contains_key(&table.name));
            self.commits(found, tables, Statistics::OfFiles).await?
        };
        self.committed += versions.iter().filter(|(_, _, is_new)| *is_new).count();
        let known = versions
            .into_iter()
            .map(|(name, version, _)| (name, version));
        self.versions.extend(known);
        Ok(all)
    }

    /// Makes the newest version of every table show what `tables` do; returns whether anything was
    /// written, so that the target has to be read again.
    async fn align(
        &self,
        found: &FoundTarget,
        tables: &[TableState],
        statistics: Statistics,
    ) -> Result<bool> {
        let is_other = |table: &&TableState| {
            found
                .tables
                .get(&table.name)
                .is_none_or(|actual| !actual.is(table))
        };
        let other: Vec<&TableState> = tables.iter().filter(is_other).collect();
        if other.is_empty() {
            return Ok(false);
        }
        self.commits(found, other.into_iter(), statistics).await?;
        Ok(true)
    }

    /// Brings tables to a version that shows them. Returns those that have one, whether it is new,
    /// and whether all have.
    async fn commits<'t>(
        &self,
        found: &FoundTarget,
        tables: impl Iterator<Item = &'t TableState>,
        statistics: Statistics,
    ) -> Result<(Vec<(String, u64, bool)>, bool)> {
        let nothing = Actual::default();
        let each = tables.map(|table| {
            let actual = found.tables.get(&table.name).unwrap_or(&nothing);
            async move {
                if let Some(version) = actual.version.filter(|_| actual.is(table)) {
                    return Ok::<_, PublishError>(Some((table.name.clone(), version, false)));
                }
                let version = self.commit(found, table, actual, statistics).await?;
                Ok(version.map(|version| (table.name.clone(), version, true)))
            }
        });
        let done: Vec<Option<_>> = futures_util::stream::iter(each)
            .buffer_unordered(COMMITS_AT_ONCE)
            .try_collect()
            .await?;
        let all = done.iter().all(Option::is_some);
        Ok((done.into_iter().flatten().collect(), all))
    }

    /// Writes the next version of a table; `None` if another process was faster.
    async fn commit(
        &self,
        found: &FoundTarget,
        table: &TableState,
        actual: &Actual,
        statistics: Statistics,
    ) -> Result<Option<u64>> {
        let version = actual.version.map_or(0, |version| version + 1);
        let schema = match actual.version {
            None => SchemaLines::ProtocolToo,
            Some(_) if actual.has_schema_of(table) => SchemaLines::None,
            Some(_) => SchemaLines::MetadataOnly,
        };
        let stays = |path: &str, bytes| actual.files.get(path) == Some(&bytes);
        let new = table
            .files
            .iter()
            .filter(|file| !stays(&file.path, file.bytes));
        let new: Vec<_> = new.cloned().collect();
        let kept: BTreeMap<_, _> = table
            .files
            .iter()
            .map(crate::state::FileState::content)
            .collect();
        let removed = actual.files.iter();
        let removed = removed.filter(|(path, bytes)| kept.get(path.as_str()) != Some(bytes));
        let removed: Vec<Removed> = removed
            .map(|(path, bytes)| (path.clone(), *bytes))
            .collect();
        let sequence = found.sequence() + 1;
        let (table, folder) = (table.clone(), self.wanted.folder.clone());
        let columns = self.wanted.stats_columns(&table.name);
        let (lake, local) = (self.request.lake_id.clone(), self.wanted.local.clone());
        let (publication, now) = (self.request.publication.clone(), self.now);
        let path = commit_path(&table.name, version);
        let lines = crate::blocking::run(move || {
            let info = CommitInfo {
                lake: &lake,
                publication: &publication,
                sequence,
                local: &local,
                now,
            };
            let added = match statistics {
                Statistics::OfFiles => Wanted::with_stats(&folder, &columns, new.iter())?,
                Statistics::RowsOnly => new
                    .iter()
                    .map(|file| (file, stats::of_rows(file.rows)))
                    .collect(),
            };
            Ok(commit::lines(&info, &table, schema, &removed, &added))
        });
        match self.store.create(&path, Bytes::from(lines.await?)).await? {
            Created::Yes => Ok(Some(version)),
            Created::Exists => Ok(None),
        }
    }

    /// Makes the next state; false if another process was faster.
    async fn create_state(&self, found: &FoundTarget) -> Result<bool> {
        let sequence = found.sequence() + 1;
        let mut tables = self.wanted.tables.clone();
        for table in &mut tables {
            table.delta_version = self.versions.get(&table.name).copied().unwrap_or_default();
        }
        let state = State {
            format: STATE_FORMAT,
            sequence,
            lake: self.request.lake_id.clone(),
            publication: self.request.publication.clone(),
            published_at: self
                .clock
                .now()
                .to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            local: self.wanted.local.clone(),
            tables,
        };
        let mut text = serde_json::to_vec(&state).unwrap_or_default();
        text.push(b'\n');
        let created = self
            .store
            .create(&state_path(sequence), Bytes::from(text))
            .await?;
        Ok(created == Created::Yes)
    }

    fn info(&self, sequence: u64) -> CommitInfo<'_> {
        CommitInfo {
            lake: &self.request.lake_id,
            publication: &self.request.publication,
            sequence,
            local: &self.wanted.local,
            now: self.now,
        }
    }

    fn outcome(&self, found: &FoundTarget, replaced_newer: Option<u64>) -> PublishOutcome {
        let files: usize = self
            .wanted
            .tables
            .iter()
            .map(|table| table.files.len())
            .sum();
        PublishOutcome {
            sequence: found.sequence(),
            changed: true,
            snapshot: self.wanted.local.snapshot,
            run: self.wanted.local.run.clone(),
            replaced_newer,
            tables: self.wanted.tables.len(),
            rows: self.wanted.tables.iter().map(|table| table.rows).sum(),
            changed_tables: self.committed,
            sent_files: self.sent.paths.len(),
            sent_bytes: self.sent.bytes,
            kept_files: files.saturating_sub(self.sent.paths.len()),
        }
    }
}

/// Where the statistics of added files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statistics {
    /// The local files, which the lake has.
    OfFiles,
    /// The files are another publisher's: their rows are known from its state.
    RowsOnly,
}

fn lost(state: &State, wanted: &Wanted) -> PublishError {
    PublishError::Lost(format!(
        "another process published snapshot {} of this lake meanwhile, which is newer than snapshot {} \
         here: there is nothing to do, unless the older one is meant to replace it; then publish again",
        state.local.snapshot, wanted.local.snapshot
    ))
}

/// Waits between attempts, each time longer, and differently in each process.
struct Pauses {
    random: SplitMix64,
    longest: u64,
}

impl Pauses {
    fn new(publication: &str) -> Self {
        let digits = claimlake_loader::sha256_hex(publication);
        let seed = u64::from_str_radix(digits.get(..16).unwrap_or_default(), 16);
        Self {
            random: SplitMix64::new(seed.unwrap_or_default()),
            longest: 10,
        }
    }

    async fn wait(&mut self) {
        let pause = self.random.next_u64() % self.longest;
        self.longest = (self.longest * 2).min(1_000);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}
