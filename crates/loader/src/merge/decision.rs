//! The decisions of the merge about the newest staged body of each resource, on disk, since there
//! are as many as resources. They are written sorted by staged run and landing order, which is the
//! order in which the rows of all tables are read.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{FixedSizeBinaryArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::error::{LoadError, Result};
use claimlake_columnar::GroupKey as ResourceKey;
use claimlake_columnar::sort::batch_sorter::BatchSorter;

/// The decision about a staged body. Bodies that are not the newest of their resource have none,
/// and their rows are not used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MergeDecision {
    /// Its number among the decisions of its run.
    pub(crate) number: usize,
    pub(crate) resource: ResourceKey,
    /// `meta.lastUpdated` in microseconds, cut where it has more digits.
    pub(crate) last_updated: Option<i64>,
    /// Whether it is new or differs from what the lake holds.
    pub(crate) differs: bool,
    /// Whether it is current by the rule of its table; `None` if no case matches.
    pub(crate) current: Option<bool>,
}

/// A decision as the walk over keys makes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyDecision {
    /// Its landing order within the staged run.
    pub(crate) order: u64,
    pub(crate) resource: ResourceKey,
    /// `meta.lastUpdated` in microseconds, cut where it has more digits.
    pub(crate) last_updated: Option<i64>,
    /// Whether it is new or differs from what the lake holds.
    pub(crate) differs: bool,
}

/// A record: landing order, resource, `meta.lastUpdated`, and whether it differs from the lake.
const RECORD_BYTES: usize = 8 + 16 + 8 + 1;

/// Represents a missing time in a record.
const NO_TIME: i64 = i64::MIN;

/// A record while it is sorted begins with the number of its run. All numbers are big-endian, so
/// records sort as bytes.
const SORTED_BYTES: usize = 4 + RECORD_BYTES;

/// Records that are read, or sorted, at once.
const BLOCK_RECORDS: usize = 1_024;

/// The subfolder of the spill folder for sorting decisions; no table has this name.
const FOLDER: &str = "_decisions";

/// Puts the decisions of all runs in landing order.
pub(crate) struct DecisionSorter {
    folder: PathBuf,
    sorter: BatchSorter,
    schema: SchemaRef,
    pending: Vec<u8>,
}

impl DecisionSorter {
    /// Sorts in `spill`, holding about `budget` bytes.
    pub(crate) fn new(spill: &Path, budget: usize) -> Result<Self> {
        let folder = spill.join(FOLDER);
        let record = DataType::FixedSizeBinary(SORTED_BYTES as i32);
        let schema = Arc::new(Schema::new(vec![Field::new("_record", record, false)]));
        Ok(Self {
            sorter: BatchSorter::new("decisions", &schema, vec![0], budget, folder.join("runs"))?,
            folder,
            schema,
            pending: Vec::new(),
        })
    }

    /// Adds the decision of a body of the staged run at this position.
    pub(crate) fn push(&mut self, run: usize, decision: KeyDecision) -> Result<()> {
        self.pending.extend((run as u32).to_be_bytes());
        self.pending.extend(decision.order.to_be_bytes());
        self.pending.extend(decision.resource.to_bytes());
        let updated = decision.last_updated.unwrap_or(NO_TIME);
        self.pending.extend(updated.to_be_bytes());
        self.pending.push(u8::from(decision.differs));
        if self.pending.len() >= BLOCK_RECORDS * SORTED_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.pending);
        let batch = FixedSizeBinaryArray::try_new(SORTED_BYTES as i32, records.into(), None)
            .and_then(|records| RecordBatch::try_new(self.schema.clone(), vec![Arc::new(records)]))
            .map_err(LoadError::arrow("sorting decisions"))?;
        Ok(self.sorter.push(&batch)?)
    }

    /// The decisions of each of `runs` staged runs, in landing order.
    pub(crate) fn finish(mut self, runs: usize) -> Result<Vec<RunDecisions>> {
        self.flush()?;
        let folder = &self.folder;
        std::fs::create_dir_all(folder).map_err(LoadError::io("making", folder))?;
        let path = folder.join("sorted");
        let writing = || LoadError::io("writing", &path);
        let file = File::create(&path).map_err(LoadError::io("creating", &path))?;
        let mut file = BufWriter::new(file);
        let mut decisions: Vec<RunDecisions> = Vec::new();
        decisions.resize_with(runs, RunDecisions::default);
        let mut written = 0;
        for batch in self.sorter.finish()? {
            let batch = batch?;
            for record in batch.column(0).as_fixed_size_binary().iter().flatten() {
                let (run, record) = record.split_at(4);
                let run = u32::from_be_bytes(array(run)) as usize;
                file.write_all(record).map_err(writing())?;
                if let Some(of_run) = decisions.get_mut(run) {
                    if of_run.count == 0 {
                        of_run.path.clone_from(&path);
                        of_run.first = written;
                    }
                    of_run.count += 1;
                    of_run.differing += u64::from(record[RECORD_BYTES - 1]);
                }
                written += 1;
            }
        }
        file.flush().map_err(writing())?;
        Ok(decisions)
    }
}

/// The decisions of one staged run, by landing order.
#[derive(Debug, Default)]
pub(crate) struct RunDecisions {
    /// A file of records in landing order; those of this run begin with number `first`.
    path: PathBuf,
    first: usize,
    count: usize,
    differing: u64,
    /// Whether the body of each decision is current; empty until the first one is set.
    current: Vec<u8>,
}

/// The bytes of [`RunDecisions::current`]; 0 is "no case matches".
const NOT_CURRENT: u8 = 1;
const CURRENT: u8 = 2;

impl RunDecisions {
    /// Whether no body differs from what the lake holds.
    pub(crate) fn nothing_differs(&self) -> bool {
        self.differing == 0
    }

    /// Sets whether the body of this decision is current.
    pub(crate) fn set_current(&mut self, number: usize, current: Option<bool>) {
        self.current.resize(self.count, 0);
        if let Some(noted) = self.current.get_mut(number) {
            *noted = match current {
                None => 0,
                Some(false) => NOT_CURRENT,
                Some(true) => CURRENT,
            };
        }
    }

    /// What was set for a decision.
    fn current(&self, number: usize) -> Option<bool> {
        match self.current.get(number) {
            Some(&NOT_CURRENT) => Some(false),
            Some(&CURRENT) => Some(true),
            _ => None,
        }
    }

    /// A reader that finds decisions by landing order. It reads block by block, so it is fast if
    /// they are requested in ascending order.
    pub(crate) fn reader(&self) -> Result<DecisionReader<'_>> {
        let file = match self.count {
            0 => None,
            _ => {
                let file = File::open(&self.path);
                Some(file.map_err(LoadError::io("opening", &self.path))?)
            }
        };
        Ok(DecisionReader {
            decisions: self,
            file,
            block: Vec::new(),
            block_number: 0,
        })
    }
}

/// Finds decisions of one staged run.
pub(crate) struct DecisionReader<'a> {
    decisions: &'a RunDecisions,
    file: Option<File>,
    /// Records of the block with number `block_number`; empty at first.
    block: Vec<u8>,
    block_number: usize,
}

impl DecisionReader<'_> {
    /// The decision of the body with this landing order; `None` if it is not the newest.
    pub(crate) fn find(&mut self, order: u64) -> Result<Option<MergeDecision>> {
        if self.decisions.count == 0 {
            return Ok(None);
        }
        if self.block.is_empty() {
            self.read_block(0)?;
        }
        if !self.is_in_block(order) {
            let next = self.block_number + 1;
            if order > self.last_order() && next < self.blocks() {
                self.read_block(next)?;
            }
            if !self.is_in_block(order) {
                self.seek(order)?;
            }
        }
        let (records, _) = self.block.as_chunks::<RECORD_BYTES>();
        let at = records.partition_point(|record| order_of(record) < order);
        let Some(record) = records.get(at).filter(|record| order_of(record) == order) else {
            return Ok(None);
        };
        let number = self.block_number * BLOCK_RECORDS + at;
        let updated = i64::from_be_bytes(array(&record[24..]));
        Ok(Some(MergeDecision {
            number,
            resource: ResourceKey::from_bytes(&record[8..24]),
            last_updated: (updated != NO_TIME).then_some(updated),
            differs: record[RECORD_BYTES - 1] == 1,
            current: self.decisions.current(number),
        }))
    }

    /// How many blocks there are.
    fn blocks(&self) -> usize {
        self.decisions.count.div_ceil(BLOCK_RECORDS)
    }

    /// Whether the current block is the one in which the decision would be.
    fn is_in_block(&self, order: u64) -> bool {
        let (records, _) = self.block.as_chunks::<RECORD_BYTES>();
        let first = records.first().map_or(u64::MAX, order_of);
        first <= order && order <= self.last_order()
    }

    /// The landing order of the last record in the current block.
    fn last_order(&self) -> u64 {
        let (records, _) = self.block.as_chunks::<RECORD_BYTES>();
        records.last().map_or(0, order_of)
    }

    /// Finds the block by binary search over the first records of blocks.
    fn seek(&mut self, order: u64) -> Result<()> {
        let (mut low, mut high) = (0, self.blocks());
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            let mut first = [0; 8];
            self.read(middle * BLOCK_RECORDS, &mut first)?;
            match u64::from_be_bytes(first) <= order {
                true => low = middle,
                false => high = middle,
            }
        }
        self.read_block(low)
    }

    /// Reads a block and makes it the current one.
    fn read_block(&mut self, number: usize) -> Result<()> {
        let first = number * BLOCK_RECORDS;
        let records = BLOCK_RECORDS.min(self.decisions.count - first);
        let mut block = std::mem::take(&mut self.block);
        block.resize(records * RECORD_BYTES, 0);
        self.read(first, &mut block)?;
        self.block = block;
        self.block_number = number;
        Ok(())
    }

    /// Reads bytes from the record with this number on.
    fn read(&self, number: usize, bytes: &mut [u8]) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let from = (self.decisions.first + number) * RECORD_BYTES;
        file.read_exact_at(bytes, from as u64)
            .map_err(LoadError::io("reading", &self.decisions.path))
    }
}

/// The landing order in a record.
fn order_of(record: &[u8; RECORD_BYTES]) -> u64 {
    u64::from_be_bytes(array(record))
}

/// The first bytes.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    let len = bytes.len().min(N);
    array[..len].copy_from_slice(&bytes[..len]);
    array
}

/// Which bodies' rows a table needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    /// Those of new and changed resources: the lake has the others already.
    Differing,
    /// Those of all resources: the table is made anew.
    All,
}

impl Take {
    /// Whether the rows of the body with this decision are needed.
    pub(crate) fn takes(self, decision: &MergeDecision) -> bool {
        self == Take::All || decision.differs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(order: u64) -> KeyDecision {
        KeyDecision {
            order,
            resource: ResourceKey::from_bytes(&(order * 7).to_be_bytes().repeat(2)),
            last_updated: (!order.is_multiple_of(5)).then_some(order as i64 - 77),
            differs: order.is_multiple_of(3),
        }
    }

    #[test]
    fn every_decision_is_found_in_any_order_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut sorter = DecisionSorter::new(folder.path(), 10_000).unwrap();
        // Even landing orders, all over the place, in the second of three runs; one in the third.
        for row in 0..5_000 {
            sorter.push(1, decision(2 * (row * 3_571 % 5_000))).unwrap();
        }
        sorter.push(2, decision(1 << 40)).unwrap();
        let mut decisions = sorter.finish(3).unwrap();
        decisions[1].set_current(4, Some(true));
        decisions[1].set_current(4_999, Some(false));
        let mut reader = decisions[1].reader().unwrap();
        let in_order = 0..10_010;
        let backwards = (0..10_010).rev();
        let anyhow = (0..10_010).map(|row| row * 3_571 % 10_010);
        for order in in_order.chain(backwards).chain(anyhow) {
            let found = reader.find(order).unwrap();
            if order % 2 == 1 || order >= 10_000 {
                assert!(found.is_none(), "{order}");
                continue;
            }
            let found = found.unwrap();
            assert_eq!(found.number as u64, order / 2);
            assert_eq!(found.resource, decision(order).resource);
            assert_eq!(found.last_updated, decision(order).last_updated);
            assert_eq!(found.differs, order % 3 == 0);
            let current = match order {
                8 => Some(true),
                9_998 => Some(false),
                _ => None,
            };
            assert_eq!(found.current, current);
        }
        assert!(decisions[0].reader().unwrap().find(0).unwrap().is_none());
        let mut last = decisions[2].reader().unwrap();
        assert_eq!(last.find(1 << 40).unwrap().unwrap().number, 0);
        assert!(last.find(0).unwrap().is_none());
        assert!(decisions[0].nothing_differs() && !decisions[1].nothing_differs());
    }
}
