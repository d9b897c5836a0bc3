//! The keys of the lake against those of the staged runs: which bodies are new, changed, the
//! same, superseded. The newest body of a resource wins: by `meta.lastUpdated`, then as landed.
//!
//! Where the newest body makes no rows, its key stays as a tombstone, with the content hash
//! [`WITHDRAWN`](claimlake_contract::key_columns::WITHDRAWN): no older body may bring the resource
//! back. A program that knows no tombstones takes one for a resource of that content: older bodies
//! are superseded there, too, and newer ones bring rows.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use claimlake_contract::LakeFile;

use crate::error::Result;
use crate::merge::keys::{self, KeyFile, KeyRow};
use crate::merge::resource_key::ResourceKey;
use crate::merge::staged_keys::StagedKeys;
use crate::merge::verdict::{Judged, VerdictSorter, Verdicts};
use crate::publish::access::Access;

/// What became of a resource. [`Same`](Self::Same), [`Older`](Self::Older) and
/// [`Kept`](Self::Kept) may be told of a tombstone: the resource is not in the lake.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyEvent<'a> {
    /// It is staged and was not in the lake.
    New {
        after: KeyRow<'a>,
        /// Whether the staged body is older than its tombstone, and yet all that landing has.
        is_older: bool,
    },
    /// It is staged with another content.
    Changed {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
        /// Whether the staged body is older, and yet all that landing has.
        is_older: bool,
    },
    /// It is staged as the lake has it.
    Same {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
    },
    /// It is staged with an older body than the lake's.
    Older(KeyRow<'a>),
    /// It is in the lake and not staged.
    Kept(KeyRow<'a>),
    /// It is in the lake, and its newest body is to make no rows.
    Withdrawn {
        before: KeyRow<'a>,
        after: KeyRow<'a>,
        /// Whether the staged body is older, and yet all that landing has.
        is_older: bool,
    },
    /// It is not in the lake, and its newest body, which makes no rows, is news.
    LeftOut(KeyRow<'a>),
    /// It is in the lake, and all of landing lacks it.
    Dropped(KeyRow<'a>),
    /// It has a tombstone, and all of landing lacks it.
    Lapsed,
}

/// Tells of every resource of the lake and of the staged runs, by key; staged ones come with
/// the position of their staged run.
///
/// `before` is the key file of the snapshot before; `full` says whether the staged runs hold all of
/// landing.
pub(crate) fn walk(
    staged: &StagedKeys,
    before: Option<&Path>,
    full: bool,
    mut tell: impl FnMut(KeyEvent<'_>, Option<usize>) -> Result<()>,
) -> Result<()> {
    let mut lake = Cursor::new(before.map(keys::read).transpose()?.into_iter().flatten());
    let mut staged_rows = Cursor::new(staged.standing()?);
    loop {
        lake.fill()?;
        staged_rows.fill()?;
        let order = match (lake.row(), staged_rows.row()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.resource().cmp(&after.resource()),
        };
        match (order, lake.row(), staged_rows.row()) {
            (Ordering::Less, Some(before), _) => match (full, before.is_withdrawn()) {
                (false, _) => tell(KeyEvent::Kept(before), None)?,
                (true, false) => tell(KeyEvent::Dropped(before), None)?,
                (true, true) => tell(KeyEvent::Lapsed, None)?,
            },
            (Ordering::Equal, Some(before), Some(after)) => {
                tell(compared(before, after, full), staged.run_of(&after))?;
            }
            (Ordering::Greater, _, Some(after)) => {
                let event = match after.is_withdrawn() {
                    true => KeyEvent::LeftOut(after),
                    false => KeyEvent::New {
                        after,
                        is_older: false,
                    },
                };
                tell(event, staged.run_of(&after))?;
            }
            _ => {}
        }
        if order.is_le() {
            lake.step();
        }
        if order.is_ge() {
            staged_rows.step();
        }
    }
}

/// A place in batches of keys.
struct Cursor<B> {
    batches: B,
    batch: Option<Arc<RecordBatch>>,
    row: usize,
}

impl<B: Iterator<Item = Result<RecordBatch>>> Cursor<B> {
    fn new(batches: B) -> Self {
        Self {
            batches,
            batch: None,
            row: 0,
        }
    }

    /// Reads on where all rows of a batch are done.
    fn fill(&mut self) -> Result<()> {
        while self.row().is_none() {
            let Some(batch) = self.batches.next() else {
                return Ok(());
            };
            self.batch = Some(Arc::new(batch?));
            self.row = 0;
        }
        Ok(())
    }

    fn row(&self) -> Option<KeyRow<'_>> {
        let batch = self.batch.as_ref()?;
        (self.row < batch.num_rows()).then_some(KeyRow {
            batch,
            row: self.row,
        })
    }

    fn step(&mut self) {
        self.row += 1;
    }
}

fn compared<'a>(before: KeyRow<'a>, after: KeyRow<'a>, full: bool) -> KeyEvent<'a> {
    let is_older = after.age() <= before.age();
    match (before.is_withdrawn(), after.is_withdrawn()) {
        (true, true) => left_out_again(before, after, full),
        (false, false) if before.content_hash() == after.content_hash() => {
            KeyEvent::Same { before, after }
        }
        _ if is_older && !full => KeyEvent::Older(before),
        (true, false) => KeyEvent::New { after, is_older },
        (false, true) => KeyEvent::Withdrawn {
            before,
            after,
            is_older,
        },
        (false, false) => KeyEvent::Changed {
            before,
            after,
            is_older,
        },
    }
}

/// Tombstones share a hash, whatever the bodies say: a body of another time is another one. It is
/// news by itself, since it decides which bodies are older.
fn left_out_again<'a>(before: KeyRow<'a>, after: KeyRow<'a>, full: bool) -> KeyEvent<'a> {
    match after.last_updated().cmp(&before.last_updated()) {
        Ordering::Equal => KeyEvent::Same { before, after },
        Ordering::Less if !full => KeyEvent::Older(before),
        _ => KeyEvent::LeftOut(after),
    }
}

/// The lake's keys merged with the staged ones.
#[derive(Debug, Default)]
pub(crate) struct MergedKeys {
    /// The verdicts of each staged run.
    pub(crate) verdicts: Vec<Verdicts>,
    /// Resources whose rows in the lake are out of date or gone.
    pub(crate) outdated: HashSet<ResourceKey>,
    pub(crate) new: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) superseded: u64,
    /// Resources of the lake that a full staged run lacks, or has only an older body of.
    pub(crate) absent: u64,
    /// Resources of the lake that a full staged run lacks.
    pub(crate) dropped: u64,
    /// Resources that are not in the lake and whose tombstone is new, or of a newer body.
    pub(crate) left_out: u64,
    /// Tombstones of resources that a full staged run lacks.
    pub(crate) lapsed: u64,
    /// The key file, relative to the snapshot.
    pub(crate) file: Option<LakeFile>,
}

impl MergedKeys {
    /// Whether the lake has everything as it is staged, and knows what it must not have.
    pub(crate) fn is_unchanged(&self) -> bool {
        let tombstones = self.left_out + self.lapsed;
        self.new + tombstones == 0 && self.outdated.is_empty()
    }
}

/// Where keys are read and written.
#[derive(Debug)]
pub(crate) struct KeyPlan<'a> {
    pub(crate) staged: &'a StagedKeys,
    /// The key file of the snapshot before.
    pub(crate) before: Option<PathBuf>,
    /// The snapshot that is being built.
    pub(crate) snapshot: &'a Path,
    /// Where to sort, and in how many bytes of memory.
    pub(crate) spill: &'a Path,
    pub(crate) budget: usize,
    pub(crate) access: Access,
    /// Whether the staged runs hold all of landing.
    pub(crate) full: bool,
}

/// Merges the keys, writes the new key file.
pub(crate) fn merge(plan: &KeyPlan<'_>) -> Result<MergedKeys> {
    let mut merged = MergedKeys {
        superseded: plan.staged.superseded,
        ..MergedKeys::default()
    };
    let mut verdicts = VerdictSorter::new(plan.spill, plan.budget)?;
    let mut output = KeyFile::create(plan.snapshot, &plan.access)?;
    walk(
        plan.staged,
        plan.before.as_deref(),
        plan.full,
        |event, run| {
            if let (Some(run), Some(verdict)) = (run, judged(event)) {
                verdicts.push(run, verdict)?;
            }
            match event {
                KeyEvent::New { after, is_older } => {
                    merged.new += 1;
                    merged.absent += u64::from(is_older);
                    output.push(after)
                }
                KeyEvent::Changed {
                    before,
                    after,
                    is_older,
                }
                | KeyEvent::Withdrawn {
                    before,
                    after,
                    is_older,
                } => {
                    merged.changed += 1;
                    merged.absent += u64::from(is_older);
                    merged.outdated.insert(before.resource());
                    output.push(after)
                }
                KeyEvent::Same { before, .. } => {
                    merged.unchanged += 1;
                    output.push(before)
                }
                KeyEvent::Older(before) => {
                    merged.superseded += 1;
                    output.push(before)
                }
                KeyEvent::Kept(before) => output.push(before),
                KeyEvent::LeftOut(after) => {
                    merged.left_out += 1;
                    output.push(after)
                }
                KeyEvent::Dropped(before) => {
                    merged.absent += 1;
                    merged.dropped += 1;
                    merged.outdated.insert(before.resource());
                    Ok(())
                }
                KeyEvent::Lapsed => {
                    merged.lapsed += 1;
                    Ok(())
                }
            }
        },
    )?;
    merged.file = Some(output.finish()?);
    merged.verdicts = verdicts.finish(plan.staged.runs())?;
    Ok(merged)
}

fn judged(event: KeyEvent<'_>) -> Option<Judged> {
    let (row, differs) = match event {
        KeyEvent::New { after, .. } | KeyEvent::Changed { after, .. } => (after, true),
        KeyEvent::Same { after, .. } if !after.is_withdrawn() => (after, false),
        _ => return None,
    };
    Some(Judged {
        order: row.order(),
        resource: row.resource(),
        last_updated: row.last_updated(),
        differs,
    })
}
