//! Walks the keys of the lake and of the staged runs side by side, both sorted by resource, and
//! finds for each resource what happens to it. It is done twice in a load: once to write the key
//! file, and once to write the table `changes`.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use claimlake_contract::LakeFile;

use crate::error::Result;
use crate::merge::decision::{DecisionSorter, RunDecisions};
use crate::merge::key_event::KeyEvent;
use crate::merge::keys::{self, KeyFile, KeyRow};
use crate::merge::resource_list::{ResourceList, ResourceListWriter};
use crate::merge::staged_keys::StagedKeys;
use crate::publish::access::Access;
use claimlake_columnar::GroupKey as ResourceKey;

/// The file of resources whose rows must be removed, in the spill folder; no table has this name.
const OUTDATED: &str = "_outdated";

/// Calls `visit` with every resource of the lake and of the staged runs, in the order of keys, and
/// with the position of its staged run.
///
/// `before` is the key file of the snapshot before; `full` says whether the staged runs hold all of
/// landing.
pub(crate) fn walk(
    staged: &StagedKeys,
    before: Option<&Path>,
    full: bool,
    mut visit: impl FnMut(KeyEvent<'_>, Option<usize>) -> Result<()>,
) -> Result<()> {
    let mut lake = Cursor::new(before.map(keys::read).transpose()?.into_iter().flatten());
    let mut staged_rows = staged.resources()?;
    loop {
        lake.fill()?;
        staged_rows.fill()?;
        let order = match (lake.row(), staged_rows.resource()) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(before), Some(after)) => before.resource().cmp(&after.resource()),
        };
        match (order, lake.row(), staged_rows.resource()) {
            (Ordering::Less, Some(before), _) => {
                let has_ended = staged.ended.end(&before);
                visit(KeyEvent::unstaged(before, full, has_ended), None)?;
            }
            (Ordering::Equal, Some(before), Some(after)) => {
                let run = after.body.and_then(|body| staged.run_of(&body));
                let has_ended = staged.ended.end(&before);
                visit(KeyEvent::compared(before, after, full, has_ended), run)?;
            }
            (Ordering::Greater, _, Some(after)) => {
                let run = after.body.and_then(|body| staged.run_of(&body));
                if let Some(event) = KeyEvent::first(after) {
                    visit(event, run)?;
                }
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

/// A position in a sequence of batches of keys.
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

    /// Reads the next batch if the current one is finished.
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

    /// The current key; `None` at the end of a batch, until [`Self::fill`] is called.
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

/// The lake's keys merged with the staged ones.
#[derive(Debug, Default)]
pub(crate) struct MergedKeys {
    /// The decisions of each staged run.
    pub(crate) decisions: Vec<RunDecisions>,
    /// Resources whose rows in the lake must be removed.
    pub(crate) outdated: ResourceList,
    /// Resources that the lake does not have.
    pub(crate) new: u64,
    /// Resources of the lake whose newest body has another content, or makes no rows any more.
    pub(crate) changed: u64,
    /// Resources that are staged as the lake has them.
    pub(crate) unchanged: u64,
    /// Staged bodies that are older than another one, staged or in the lake.
    pub(crate) superseded: u64,
    /// Resources of the lake that a full staged run lacks, has only an older body of, or lacks a
    /// period of.
    pub(crate) absent: u64,
    /// Resources of the lake that a full staged run lacks.
    pub(crate) dropped: u64,
    /// Resources of the lake that the server no longer has.
    pub(crate) gone: u64,
    /// Resources that are not in the lake and whose tombstone is new, or of a newer body.
    pub(crate) left_out: u64,
    /// Tombstones of resources that a full staged run lacks.
    pub(crate) lapsed: u64,
    /// Resources with a period that is new, has another content or has ended, in a table that is not
    /// made anew. In memory: only those that change.
    pub(crate) changed_periods: HashSet<ResourceKey>,
    /// Keys of all periods of a resource that are new, or of a newer body.
    pub(crate) ended_periods: u64,
    /// The key file, relative to the snapshot.
    pub(crate) file: Option<LakeFile>,
}

impl MergedKeys {
    /// Whether the staged runs bring nothing new: no rows, no removals and no tombstones.
    pub(crate) fn is_unchanged(&self) -> bool {
        let tombstones = self.left_out + self.lapsed + self.ended_periods;
        let periods = &self.changed_periods;
        self.new + tombstones == 0 && self.outdated.is_empty() && periods.is_empty()
    }

    /// Counts the event of a resource. `absent` collects what a full staged run lacks.
    fn count(&mut self, event: &KeyEvent<'_>, absent: &mut HashSet<ResourceKey>) {
        match event {
            KeyEvent::New { after, is_older } => {
                self.new += 1;
                absent.extend(is_older.then(|| after.resource()));
            }
            KeyEvent::Changed {
                before, is_older, ..
            }
            | KeyEvent::Withdrawn {
                before, is_older, ..
            } => {
                self.changed += 1;
                absent.extend(is_older.then(|| before.resource()));
            }
            KeyEvent::Same { .. } => self.unchanged += 1,
            KeyEvent::Older(_) => self.superseded += 1,
            KeyEvent::Gone { .. } => self.gone += 1,
            KeyEvent::LeftOut(_) => self.left_out += 1,
            KeyEvent::Dropped(before) => {
                self.dropped += 1;
                absent.insert(before.resource());
            }
            KeyEvent::Lapsed => self.lapsed += 1,
            KeyEvent::Kept(_) | KeyEvent::Ended(_) => {}
        }
    }

    /// Takes note of the event of a period: no count of resources has it. Where its table is made anew,
    /// by other rules than before, it says nothing: neither that its resource has changed nor that landing
    /// lacks a body.
    fn see_period(
        &mut self,
        event: &KeyEvent<'_>,
        kept_tables: &HashSet<&str>,
        absent: &mut HashSet<ResourceKey>,
    ) {
        let Some(row) = event.row() else { return };
        let table = row.period().map(|period| period.table);
        let is_kept = table.is_some_and(|table| kept_tables.contains(table));
        match event {
            KeyEvent::Same { .. } | KeyEvent::Older(_) | KeyEvent::Kept(_) | KeyEvent::Lapsed => {}
            KeyEvent::LeftOut(_) => self.ended_periods += 1,
            _ if is_kept => {
                self.changed_periods.insert(row.own_resource());
            }
            // The table is made anew.
            _ => {}
        }
        let is_older = match event {
            KeyEvent::New { is_older, .. } | KeyEvent::Changed { is_older, .. } => *is_older,
            KeyEvent::Dropped(_) => true,
            _ => false,
        };
        if is_older && is_kept {
            absent.insert(row.own_resource());
        }
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
    /// The tables that are made by the same rules as before.
    pub(crate) kept_tables: &'a HashSet<&'a str>,
}

/// Merges the keys, writes the new key file.
pub(crate) fn merge(plan: &KeyPlan<'_>) -> Result<MergedKeys> {
    let mut merged = MergedKeys {
        superseded: plan.staged.superseded,
        ..MergedKeys::default()
    };
    let mut decisions = DecisionSorter::new(plan.spill, plan.budget)?;
    let mut output = KeyFile::create(plan.snapshot, &plan.access)?;
    let mut absent = HashSet::new();
    let mut outdated = ResourceListWriter::new(plan.spill.join(OUTDATED));
    walk(
        plan.staged,
        plan.before.as_deref(),
        plan.full,
        |event, run| {
            if let (Some(run), Some(decision)) = (run, event.decision()) {
                decisions.push(run, decision)?;
            }
            match event.is_of_period() {
                true => merged.see_period(&event, plan.kept_tables, &mut absent),
                false => merged.count(&event, &mut absent),
            }
            match event {
                KeyEvent::New { after, .. } | KeyEvent::LeftOut(after) => output.push(after),
                KeyEvent::Changed { before, after, .. }
                | KeyEvent::Withdrawn { before, after, .. }
                | KeyEvent::Gone { before, after } => {
                    outdated.push(before.resource(), 0)?;
                    output.push(after)
                }
                KeyEvent::Same { before, .. }
                | KeyEvent::Older(before)
                | KeyEvent::Kept(before) => output.push(before),
                KeyEvent::Dropped(before) | KeyEvent::Ended(before) => {
                    outdated.push(before.resource(), 0)
                }
                KeyEvent::Lapsed => Ok(()),
            }
        },
    )?;
    merged.absent = absent.len() as u64;
    merged.outdated = outdated.finish()?;
    merged.file = Some(output.finish()?);
    merged.decisions = decisions.finish(plan.staged.runs())?;
    Ok(merged)
}
