//! Brings the Delta logs of tables to versions that show what a state names.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::delta::commit::{self, CommitInfo, Removed, SchemaLines};
use crate::delta::replay::Actual;
use crate::delta::{commit_path, stats};
use crate::error::{PublishError, Result};
use crate::found::FoundTarget;
use crate::publish::Publish;
use crate::state::TableState;
use crate::store::Created;
use crate::wanted::Wanted;

/// Tables whose commits are written at once.
const COMMITS_AT_ONCE: usize = 8;

/// Where the statistics of added files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistics {
    /// The local files, which the lake has.
    OfFiles,
    /// The files are another publisher's: their rows are known from its state.
    RowsOnly,
}

impl Publish<'_> {
    /// Writes the commits of the tables that have no version with what is wanted yet; false if
    /// another process was faster with one of them.
    pub(crate) async fn commit_missing(&mut self, found: &FoundTarget) -> Result<bool> {
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
    pub(crate) async fn align(
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
}
