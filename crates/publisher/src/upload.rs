//! Sends the files that are not at the target yet.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use claimlake_contract::Progress;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::names;
use crate::state::FileState;
use crate::store::{LocalFile, Store};
use crate::wanted::Wanted;

/// Files that are sent at once. Each needs the memory of one part.
const AT_ONCE: usize = 4;

/// A file that no state names may be on its way out, so it is sent again unless it came within this
/// time, as those of a publish that was killed. Nothing that came within a day is ever removed.
const SENT_LATELY: TimeDelta = TimeDelta::hours(12);

/// What was sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) paths: BTreeSet<String>,
    pub(crate) bytes: u64,
}

impl Sent {
    /// Sends what `found` lacks of `wanted` and has not been sent by this publish before.
    ///
    /// # Errors
    /// A local file is damaged, or the target refuses. What was sent stays, and is not sent again.
    pub(crate) async fn send(
        &mut self,
        wanted: &Wanted,
        found: &FoundTarget,
        store: &Store,
        now: DateTime<Utc>,
        progress: &dyn Progress,
    ) -> Result<()> {
        let missing = self.missing(wanted, found, now);
        if missing.is_empty() {
            return Ok(());
        }
        let total: u64 = missing.iter().map(|file| file.bytes).sum();
        let task = progress.begin("sending files", "bytes", Some(total));
        let sent = AtomicU64::new(0);
        let count = |bytes| {
            sent.fetch_add(bytes, Ordering::Relaxed);
            progress.advance(task, bytes);
        };
        let done = futures_util::stream::iter(&missing)
            .map(|file| {
                let count = &count;
                async move {
                    let path = wanted.folder.join(names::in_lake(&file.path));
                    let local = LocalFile {
                        path: &path,
                        bytes: file.bytes,
                        sha256: &file.sha256,
                    };
                    store.send(&file.path, local, count).await?;
                    Ok::<_, PublishError>(file.path.clone())
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect::<Vec<String>>()
            .await;
        progress.end(task);
        self.bytes += sent.load(Ordering::Relaxed);
        self.paths.extend(done?);
        Ok(())
    }

    fn missing<'w>(
        &self,
        wanted: &'w Wanted,
        found: &FoundTarget,
        now: DateTime<Utc>,
    ) -> Vec<&'w FileState> {
        let now = found.newest().map_or(now, |newest| newest.max(now));
        let tables = found.state.iter().flat_map(|state| &state.tables);
        let named: BTreeSet<_> = tables
            .flat_map(|table| table.files.iter().map(FileState::content))
            .collect();
        let is_there = |file: &FileState| {
            let at = found.listing.get(&file.path);
            let at = at.filter(|at| at.bytes == file.bytes);
            at.is_some_and(|at| named.contains(&file.content()) || at.modified > now - SENT_LATELY)
        };
        let files = wanted.tables.iter().flat_map(|table| &table.files);
        files
            .filter(|file| !self.paths.contains(&file.path) && !is_there(file))
            .collect()
    }
}
