//! Which resources the lake had, according to the table `changes`. If the key file is damaged, a
//! rebuild would report every resource as new; the history tells which of them really are.

use std::collections::{HashMap, HashSet};

use crate::error::{LoadError, Result};
use crate::merge::key_event::KeyEvent;
use crate::merge::key_walk::{self, MergedKeys};
use crate::merge::keys::KeyRow;
use crate::merge::staged_keys::StagedKeys;
use crate::previous_snapshot::PreviousSnapshot;
use crate::run_table::changes::{self, Change, ChangeKind, ChangeWriter};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_contract::hex;

/// By resource, the content hash (hex) in the last row of `changes` about it. Resources that
/// vanished are not included.
#[derive(Debug, Default)]
pub(crate) struct History(HashMap<ResourceKey, String>);

/// A staged resource compared with what the lake had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<'h> {
    /// The lake did not have it.
    New,
    /// It had it with this content.
    Same,
    /// The lake had it with another content, whose hash (hex) this is.
    Other(&'h str),
}

impl History {
    /// Reads the files of `changes`, oldest first, except damaged ones.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    pub(crate) fn read(before: &PreviousSnapshot) -> Result<Self> {
        let mut hashes = HashMap::new();
        for change in changes_of(before) {
            let change = change?;
            let key = key_of(&change);
            match change.hash_after {
                Some(hash) if change.kind != ChangeKind::Vanished.as_str() => {
                    hashes.insert(key, hash);
                }
                _ => {
                    hashes.remove(&key);
                }
            }
        }
        Ok(Self(hashes))
    }

    /// Compares a staged key with the history.
    fn of(&self, row: &KeyRow<'_>) -> Known<'_> {
        match self.0.get(&row.resource()) {
            None => Known::New,
            Some(hash) if *hash == hex(row.content_hash()) => Known::Same,
            Some(hash) => Known::Other(hash),
        }
    }

    /// Corrects the counts of a merge that had no keys of the lake, in which every resource counted
    /// as new. All of landing must be staged.
    ///
    /// # Errors
    ///
    /// The staged keys cannot be read.
    pub(crate) fn correct(&self, merged: &mut MergedKeys, staged: &StagedKeys) -> Result<()> {
        let mut seen = HashSet::new();
        let mut no_news = 0;
        // Which tombstones the lake had is not known, and is no news; so it is with periods.
        merged.ended_periods = 0;
        key_walk::walk(staged, None, true, |event, _| {
            let (KeyEvent::New { after, .. } | KeyEvent::LeftOut(after)) = event else {
                return Ok(());
            };
            if event.is_of_period() {
                return Ok(());
            }
            let known = self.of(&after);
            if known != Known::New {
                seen.insert(after.resource());
            }
            match (event, known) {
                (KeyEvent::New { .. }, Known::Same) => {
                    merged.new -= 1;
                    merged.unchanged += 1;
                }
                (KeyEvent::New { .. }, Known::Other(_)) => {
                    merged.new -= 1;
                    merged.changed += 1;
                }
                (KeyEvent::LeftOut(after), Known::Other(_)) if after.is_gone() => {
                    merged.left_out -= 1;
                    merged.gone += 1;
                }
                (KeyEvent::LeftOut(_), Known::Other(_)) => {
                    merged.left_out -= 1;
                    merged.changed += 1;
                }
                // Which tombstones the lake had is not known, and is no news.
                (KeyEvent::LeftOut(_), _) => no_news += 1,
                _ => {}
            }
            Ok(())
        })?;
        merged.left_out -= no_news;
        let absent = self.0.keys().filter(|key| !seen.contains(*key)).count() as u64;
        merged.absent += absent;
        merged.dropped += absent;
        Ok(())
    }

    /// Writes the row of `changes` for one event of such a merge, if it is a change compared with
    /// the history. `seen` collects the resources, for [`Self::write_vanished`].
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn write(
        &self,
        event: KeyEvent<'_>,
        seen: &mut HashSet<ResourceKey>,
        writer: &mut ChangeWriter<'_>,
    ) -> Result<()> {
        let (KeyEvent::New { after, .. } | KeyEvent::LeftOut(after)) = event else {
            return Ok(());
        };
        seen.insert(after.resource());
        match (event, self.of(&after)) {
            (KeyEvent::New { .. }, Known::New) => writer.push(ChangeKind::New, None, Some(after)),
            (KeyEvent::New { .. }, Known::Other(hash)) => {
                writer.push_since(ChangeKind::Changed, after, hash, true)
            }
            (KeyEvent::LeftOut(_), Known::Other(hash)) => {
                writer.push_since(ChangeKind::Vanished, after, hash, false)
            }
            _ => Ok(()),
        }
    }

    /// Writes a row `vanished` for each resource of the history that was not seen.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub(crate) fn write_vanished(
        &self,
        before: &PreviousSnapshot,
        seen: &HashSet<ResourceKey>,
        writer: &mut ChangeWriter<'_>,
    ) -> Result<()> {
        let mut waiting: HashSet<ResourceKey> = self
            .0
            .keys()
            .filter(|key| !seen.contains(*key))
            .copied()
            .collect();
        if waiting.is_empty() {
            return Ok(());
        }
        for change in changes_of(before) {
            let change = change?;
            if waiting.contains(&key_of(&change))
                && self.0.get(&key_of(&change)) == change.hash_after.as_ref()
            {
                waiting.remove(&key_of(&change));
                writer.push_vanished(change)?;
            }
        }
        Ok(())
    }
}

/// All rows of `changes` in a snapshot, from the files that are not damaged.
fn changes_of(before: &PreviousSnapshot) -> impl Iterator<Item = Result<Change>> + '_ {
    let files = changes::files_before(Some(&before.manifest)).into_iter();
    let files = files.filter(|file| before.has(file));
    files.flat_map(|file| {
        let path = before.folder.join(&file.path);
        changes::read_file(&path)
            .unwrap_or_else(|error: LoadError| Box::new(std::iter::once(Err(error))))
    })
}

/// The key of the resource that a row is about.
fn key_of(change: &Change) -> ResourceKey {
    ResourceKey::new(
        &change.source_api,
        &change.resource_type,
        &change.resource_id,
    )
}
