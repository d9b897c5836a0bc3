//! The external sorter: batches in any order in, sorted sources out.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;

use arrow_array::RecordBatch;

use crate::error::Result;
use crate::sort::merge::{Merge, SpanRef, SpanSource};
use crate::sort::run_file::{Run, RunFile, SpilledRun};
use crate::sort::span::{OwnedRows, Span, SpanBatch, SpanMaker};

/// Runs on disk that are merged at once; more are merged to one first.
const MOST_RUNS: usize = 128;

/// Sorts the rows of one table, spilling beyond `budget` bytes.
pub(crate) struct Sorter {
    maker: Rc<RefCell<SpanMaker>>,
    budget: usize,
    /// Where a file is made once something is spilled.
    spill: PathBuf,
    held: Vec<Rc<SpanBatch>>,
    held_bytes: usize,
    file: Option<RunFile>,
    runs: Vec<Run>,
}

impl Sorter {
    /// `spill` is a path that nothing else is at, for a file that goes with the sorter.
    pub(crate) fn new(maker: Rc<RefCell<SpanMaker>>, budget: usize, spill: PathBuf) -> Self {
        Self {
            maker,
            budget,
            spill,
            held: Vec::new(),
            held_bytes: 0,
            file: None,
            runs: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, batch: RecordBatch, owned: &[OwnedRows]) -> Result<()> {
        let spans = self.maker.borrow_mut().make(batch, owned)?;
        if spans.spans.is_empty() {
            return Ok(());
        }
        self.held_bytes +=
            spans.batch.size() + spans.keys.size() + spans.spans.len() * size_of::<Span>();
        self.held.push(Rc::new(spans));
        if self.held_bytes > self.budget {
            self.spill()?;
        }
        Ok(())
    }

    /// The sorted sources: what was spilled, or all in memory. Not both, as the one would be held as
    /// long as the others are merged.
    pub(crate) fn finish(mut self) -> Result<Vec<Box<dyn SpanSource>>> {
        if !self.runs.is_empty() && !self.held.is_empty() {
            self.spill()?;
        }
        let mut sources = self.open_runs()?;
        sources.push(Box::new(MemoryRun::new(self.held)));
        Ok(sources)
    }

    fn open_runs(&self) -> Result<Vec<Box<dyn SpanSource>>> {
        let buffer = Rc::new(RefCell::new(Vec::new()));
        let runs = self.runs.iter().map(|run| {
            let run = SpilledRun::open(run, self.maker.clone(), buffer.clone())?;
            Ok(Box::new(run) as Box<dyn SpanSource>)
        });
        runs.collect()
    }

    fn spill(&mut self) -> Result<()> {
        let held = MemoryRun::new(std::mem::take(&mut self.held));
        self.held_bytes = 0;
        self.push_run(held)?;
        if self.runs.len() >= MOST_RUNS {
            let merged = Merge::new(self.open_runs()?)?;
            // The file goes when all of its runs are read.
            self.file = None;
            self.runs.clear();
            self.push_run(merged)?;
        }
        Ok(())
    }

    fn push_run(&mut self, spans: impl SpanSource) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(RunFile::create(&self.spill)?),
        };
        let schema = self.maker.borrow().shape().dictionaries.clone();
        self.runs.push(file.push(&schema, spans)?);
        Ok(())
    }
}

/// Batches in memory, sorted by reference.
struct MemoryRun {
    batches: Vec<Rc<SpanBatch>>,
    order: std::vec::IntoIter<(u32, u32)>,
}

impl MemoryRun {
    fn new(batches: Vec<Rc<SpanBatch>>) -> Self {
        let mut order: Vec<(u32, u32)> = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            order.extend((0..batch.spans.len()).map(|span| (number as u32, span as u32)));
        }
        let key = |&(batch, span): &(u32, u32)| batches[batch as usize].keys.get(span as usize);
        // Stable: rows with one key keep the order they came in.
        order.sort_by(|left, right| key(left).cmp(key(right)));
        Self {
            order: order.into_iter(),
            batches,
        }
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
