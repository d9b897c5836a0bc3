//! The external sorter: batches in any order in, sorted sources out.
//!
//! Batches stay in memory until they exceed the budget; then they are sorted by reference and spilled
//! as one run. Sixty-four runs of a level are merged into one of the next, so that the number of open
//! runs is bounded and each row is written once per level. The sort is stable: rows with one key stay
//! in the order in which they were pushed.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::error::{ColumnarError, Result};
use crate::sort::batch_spans::BatchSpans;
use crate::sort::merge::Merge;
use crate::sort::run_file::{Run, RunFile, SpilledRun};
use crate::sort::span_maker::SpanMaker;
use crate::sort::spans::{OwnedRows, Span, SpanBatch, SpanRef, SpanSource};

/// This many runs of one level are merged into one run of the next level, so a row is rewritten
/// once per level, and there are few levels even for many runs.
const MOST_RUNS: usize = 64;

/// Sorts the rows of one table, spilling beyond `budget` bytes.
pub struct Sorter {
    maker: Rc<RefCell<SpanMaker>>,
    budget: usize,
    /// Where a file is made once something is spilled.
    spill: PathBuf,
    buffered: Vec<Rc<SpanBatch>>,
    buffered_bytes: usize,
    /// The runs as they were spilled, then the runs that those were merged into, and so on. The rows
    /// of each level came in before the rows of the levels in front of it.
    levels: Vec<Level>,
}

/// Runs of one size, in the order they came in.
#[derive(Debug, Default)]
struct Level {
    file: Option<RunFile>,
    runs: Vec<Run>,
}

impl Sorter {
    /// `spill` is an unused path for a file that is removed with the sorter.
    #[must_use]
    pub fn new(maker: Rc<RefCell<SpanMaker>>, budget: usize, spill: PathBuf) -> Self {
        Self {
            maker,
            budget,
            spill,
            buffered: Vec::new(),
            buffered_bytes: 0,
            levels: Vec::new(),
        }
    }

    /// Takes a batch whose text is in dictionaries; rows that `owned` leaves out are dropped.
    ///
    /// # Errors
    ///
    /// What Arrow or the operating system refuses.
    pub fn push(&mut self, batch: RecordBatch, owned: &[OwnedRows]) -> Result<()> {
        let spans = self.maker.borrow_mut().make(batch, owned)?;
        if spans.spans.is_empty() {
            return Ok(());
        }
        self.buffered_bytes +=
            spans.batch.size() + spans.keys.size() + spans.spans.len() * size_of::<Span>();
        self.buffered.push(Rc::new(spans));
        if self.buffered_bytes > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// The sorted sources: what was spilled, or all in memory. Not both, as the one would take memory as
    /// long as the others are merged.
    ///
    /// # Errors
    ///
    /// What Arrow or the operating system refuses.
    pub fn finish(mut self) -> Result<Vec<Box<dyn SpanSource>>> {
        if !self.levels.is_empty() && !self.buffered.is_empty() {
            self.spill()?;
        }
        let runs = self.levels.iter().rev().flat_map(|level| &level.runs);
        let mut sources = self.open(runs)?;
        sources.push(Box::new(MemoryRun::new(self.buffered)?));
        Ok(sources)
    }

    fn open<'r>(&self, runs: impl Iterator<Item = &'r Run>) -> Result<Vec<Box<dyn SpanSource>>> {
        let buffer = Rc::new(RefCell::new(Vec::new()));
        let runs = runs.map(|run| {
            let run = SpilledRun::open(run, self.maker.clone(), buffer.clone())?;
            Ok(Box::new(BatchSpans::new(run)) as Box<dyn SpanSource>)
        });
        runs.collect()
    }

    fn spill(&mut self) -> Result<()> {
        let buffered = MemoryRun::new(std::mem::take(&mut self.buffered))?;
        self.buffered_bytes = 0;
        let mut level = 0;
        self.push_run(level, buffered)?;
        while self.levels[level].runs.len() >= MOST_RUNS {
            // The file is removed when all of its runs have been read.
            let full = std::mem::take(&mut self.levels[level]);
            let merged = Merge::new(self.open(full.runs.iter())?)?;
            drop(full);
            level += 1;
            self.push_run(level, merged)?;
        }
        Ok(())
    }

    fn push_run(&mut self, level: usize, spans: impl SpanSource) -> Result<()> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        let schema = self.maker.borrow().shape().dictionaries.clone();
        let level = &mut self.levels[level];
        let file = match &mut level.file {
            Some(file) => file,
            none => none.insert(RunFile::create(&self.spill)?),
        };
        level.runs.push(file.push(&schema, spans)?);
        Ok(())
    }
}

/// Batches in memory, sorted by reference.
struct MemoryRun {
    batches: Vec<Rc<SpanBatch>>,
    order: std::vec::IntoIter<(u32, u32)>,
}

impl MemoryRun {
    fn new(batches: Vec<Rc<SpanBatch>>) -> Result<Self> {
        let count = |count: usize| {
            u32::try_from(count).map_err(|_| {
                ColumnarError::arrow("sorting rows")(ArrowError::OffsetOverflowError(count))
            })
        };
        let mut order: Vec<(u32, u32)> = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            let number = count(number)?;
            order.extend((0..count(batch.spans.len())?).map(|span| (number, span)));
        }
        let key = |&(batch, span): &(u32, u32)| batches[batch as usize].keys.get(span as usize);
        // Stable: rows with one key keep the order they came in.
        order.sort_by(|left, right| key(left).cmp(key(right)));
        Ok(Self {
            order: order.into_iter(),
            batches,
        })
    }
}

impl SpanSource for MemoryRun {
    fn next_span(&mut self) -> Result<Option<SpanRef>> {
        Ok(self
            .order
            .next()
            .map(|(batch, span)| SpanRef::new(self.batches[batch as usize].clone(), span as usize)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::cast::AsArray;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array};

    use super::*;
    use crate::group_key::GroupKey;
    use crate::sort::gathered_columns::gather_batch;
    use crate::sort::row_ranges::Ranges;
    use crate::sort::table_shape::TableShape;

    fn batch(key: i64, place: i64) -> RecordBatch {
        let column = |value| Arc::new(Int64Array::from(vec![value])) as ArrayRef;
        RecordBatch::try_from_iter([("key", column(key)), ("place", column(place))]).unwrap()
    }

    #[test]
    fn runs_are_merged_level_by_level_and_equal_keys_keep_the_order_they_came_in() {
        let runs = 64 * 64 * 2 + 64 * 3 + 5;
        let folder = tempfile::tempdir().unwrap();
        let shape = TableShape::new("table", &batch(0, 0).schema(), Vec::new(), vec![0]);
        let maker = Rc::new(RefCell::new(SpanMaker::new(shape.clone()).unwrap()));
        let mut sorter = Sorter::new(maker, 0, folder.path().join("runs"));
        let all = OwnedRows {
            start: 0,
            len: 1,
            resource: GroupKey::default(),
        };
        for place in 0..runs {
            sorter.push(batch(place % 3, place), &[all]).unwrap();
        }
        let levels: Vec<usize> = sorter.levels.iter().map(|level| level.runs.len()).collect();
        assert_eq!(levels, [5, 3, 2]);
        let mut merged = Merge::new(sorter.finish().unwrap()).unwrap();
        let mut places = Vec::new();
        while let Some(span) = merged.next_span().unwrap() {
            let rows = Ranges::of(std::iter::once(span.piece(0, span.span().rows.len)));
            let rows = gather_batch(&shape.dictionaries, &rows).unwrap();
            places.extend_from_slice(rows.column(1).as_primitive::<Int64Type>().values());
        }
        let expected = (0..3).flat_map(|key| (key..runs).step_by(3));
        assert_eq!(places, expected.collect::<Vec<_>>());
    }
}
