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

use crate::checkpoints::{self, Which};
use crate::commits::Statistics;
use crate::delta::commit::CommitInfo;
use crate::earlier;
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::identity;
use crate::request::{Earlier, PublishOutcome, PublishRequest};
use crate::state::{STATE_FORMAT, State, state_path};
use crate::store::{Created, Store};
use crate::target::OpenTarget;
use crate::texts;
use crate::upload::Sent;
use crate::wanted::Wanted;

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

/// A publish that runs.
pub(crate) struct Publish<'p> {
    pub(crate) request: &'p PublishRequest,
    pub(crate) store: &'p Store,
    clock: &'p dyn Clock,
    /// Milliseconds since 1970.
    pub(crate) now: i64,
    pub(crate) wanted: Wanted,
    /// The version of each table that shows what is wanted, as far as it is known.
    pub(crate) versions: BTreeMap<String, u64>,
    sent: Sent,
    /// How many commits were written.
    pub(crate) committed: usize,
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
                let removes = self.request.earlier == Earlier::Remove;
                if removes && !found.newest_are_of(state) {
                    // Versions between the two have earlier files.
                    self.versions = found.newest_versions();
                    self.create_state(&found).await?;
                    continue;
                }
                let which = if removes { Which::All } else { Which::Due };
                let info = self.info(state.sequence);
                checkpoints::write(&found, state, &self.wanted, &info, which, self.store).await?;
                texts::write(&self.request.texts, &found, self.store).await?;
                let replaced = before.and_then(|(_, newer)| newer);
                let outcome = PublishOutcome {
                    changed: published,
                    ..self.outcome(&found, replaced.filter(|_| published))
                };
                return self.remove_earlier(&found, state, outcome).await;
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

    /// Removes what is not to be kept beside the newest state. A target that shows the new state is
    /// published, whether earlier ones can be removed or not, unless they must not stay.
    async fn remove_earlier(
        &self,
        found: &FoundTarget,
        state: &State,
        outcome: PublishOutcome,
    ) -> Result<PublishOutcome> {
        let removed = match self.request.earlier {
            Earlier::Keep { states, hours } => {
                let kept = earlier::Kept {
                    states,
                    hours,
                    now: self.clock.now(),
                };
                earlier::remove_outdated(found, state, kept, &self.request.lake_id, self.store)
                    .await
            }
            Earlier::Remove => {
                let removed =
                    earlier::remove_all(found, state, &self.request.texts, self.store).await?;
                Ok(removed)
            }
        };
        Ok(match removed {
            Ok(removed) => PublishOutcome {
                removed_states: removed.states,
                removed_files: removed.files,
                left_alone: removed.left_alone,
                ..outcome
            },
            Err(error) => PublishOutcome {
                not_removed: Some(error.to_string()),
                ..outcome
            },
        })
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
            removed_states: 0,
            removed_files: 0,
            left_alone: 0,
            not_removed: None,
        }
    }
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
