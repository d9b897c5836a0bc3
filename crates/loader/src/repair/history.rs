//! Which resources the lake had, by table `changes`: where the key file cannot be read, it says which
//! resources are new and which only seem so.

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

/// The content hash of every resource that the lake had, by the last row of each.
#[derive(Debug, Default)]
pub(crate) struct History(HashMap<ResourceKey, String>);

/// What a resource is, compared with what the lake had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known<'h> {
    /// The lake did not have it.
    New,
    /// It had it with this content.
    Same,
    /// It had it with another content: its hash in hex.
    Other(&'h str),
}

impl History {
    /// Reads the files of `changes` that are not lost.
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

    fn of(&self, row: &KeyRow<'_>) -> Known<'_> {
        match self.0.get(&row.resource()) {
            None => Known::New,
            Some(hash) if *hash == hex(row.content_hash()) => Known::Same,
            Some(hash) => Known::Other(hash),
        }
    }

    /// Counts resources as they were counted had the keys been there. All of landing is staged.
    ///
    /// # Errors
    ///
    /// Staged keys cannot be read.
    pub(crate) fn correct(&self, merged: &mut MergedKeys, staged: &StagedKeys) -> Result<()> {
        let mut seen = HashSet::new();
        let mut no_news = 0;
        key_walk::walk(staged, None, true, |event, _| {
            let (KeyEvent::New { after, .. } | KeyEvent::LeftOut(after)) = event else {
                return Ok(());
            };
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

    /// Writes what happened since: an event of a walk of staged keys alone.
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

    /// Writes that the resources which were not seen have vanished.
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

fn changes_of(before: &PreviousSnapshot) -> impl Iterator<Item = Result<Change>> + '_ {
    let files = changes::files_before(Some(&before.manifest)).into_iter();
    let files = files.filter(|file| before.has(file));
    files.flat_map(|file| {
        let path = before.folder.join(&file.path);
        changes::read_file(&path)
            .unwrap_or_else(|error: LoadError| Box::new(std::iter::once(Err(error))))
    })
}

fn key_of(change: &Change) -> ResourceKey {
    ResourceKey::new(
        &change.source_api,
        &change.resource_type,
        &change.resource_id,
    )
}
