//! One pass over all of landing: damage, the bodies that count, and what they make.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use claimlake_contract::{ApiVersion, ResourceType, body_order, landing_order};
use claimlake_landing::{ChunkRead, ChunkRef, DamagedFrame, Gone, chunks_of, read_chunk};
use rayon::prelude::*;

use crate::body::BodyReader;
use crate::buckets::BUCKETS;
use crate::error::Error;
use crate::feed::{FedChunk, Feed, PartTask};
use crate::key_hash::KeyMap;
use crate::landed::{GrantKey, Landed};
use crate::lines::{CHUNK_BYTES, for_each_line, frame_of};
use crate::made::{Expected, Made};
use crate::orders::Orders;
use crate::periods::{Periods, WantedRows};
use crate::planned::Planned;
use crate::raw::Tree;
use crate::report::Check;

mod found;
mod line;
mod type_lines;
mod within;

use self::found::Found;
use self::line::Line;
use self::type_lines::TypeLines;

/// Rows wait in builders until they are this large.
const FULL: usize = 4 << 20;

/// What all threads work with.
#[derive(Debug)]
pub(crate) struct Pass<'p> {
    pub(crate) planned: &'p HashMap<ResourceType, Planned>,
    /// The patients whose lines the frames of extracted parts have, by part and frame.
    pub(crate) patients: HashMap<(u32, u32), GrantKey>,
    pub(crate) landed: Landed,
    /// What is no longer at the server, by the runs that are loaded.
    pub(crate) gone: Gone,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Passed {
    /// Parts against their manifests, in landing order.
    pub(crate) parts: Vec<Check>,
    /// Frames that cannot be read, in landing order.
    pub(crate) damaged: Vec<DamagedFrame>,
    pub(crate) expected: Expected,
    /// Distinct resources that were read of each patient.
    pub(crate) by_patient: KeyMap<GrantKey, u64>,
}

impl Pass<'_> {
    /// Reads all parts once, on all threads.
    pub(crate) fn run(
        &self,
        tasks: &[PartTask],
        advance: &(dyn Fn(u64) + Sync),
    ) -> Result<Passed, Error> {
        let feed = Feed::new(tasks.to_vec());
        let found = Mutex::new(Found::default());
        rayon::scope(|scope| {
            for _ in 0..rayon::current_num_threads() {
                scope.spawn(|_| {
                    let mut thread = Thread::new(self);
                    while let Some(fed) = feed.next() {
                        thread.chunk(&fed);
                        advance(fed.packed.chunk.uncompressed);
                    }
                    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                    thread.end(&mut found);
                });
            }
        });
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (superseded, by_patient) = self.decided()?;
        if found.error.is_none() && !superseded.is_empty() {
            self.take_back(tasks, superseded, &mut found);
        }
        if let Some(error) = found.error {
            return Err(error.into());
        }
        let mut damaged = found.damaged;
        damaged.sort_by_key(|(number, frame)| (*number, frame.frame));
        Ok(Passed {
            parts: feed.end(),
            damaged: damaged.into_iter().map(|(_, frame)| frame).collect(),
            expected: found.expected,
            by_patient,
        })
    }

    /// The places of bodies and periods that were counted and do not count, and how many resources were
    /// read of each patient.
    fn decided(&self) -> Result<(Orders, KeyMap<GrantKey, u64>), Error> {
        let buckets: Result<Vec<_>, Error> = (0..BUCKETS)
            .into_par_iter()
            .map(|number| {
                let mut bucket = self.landed.bucket(number)?;
                Ok((bucket.superseded(), bucket.counts_by_patient()))
            })
            .collect();
        let (mut superseded, mut by_patient) = (Vec::new(), KeyMap::default());
        for (orders, counts) in buckets? {
            superseded.extend(orders);
            for (patient, count) in counts {
                *by_patient.entry(patient).or_default() += count;
            }
        }
        Ok((superseded.into_iter().collect(), by_patient))
    }

    /// Makes the rows of superseded bodies once more, to take them away.
    fn take_back(&self, tasks: &[PartTask], orders: Orders, found: &mut Found) {
        let bodies: Orders = orders.iter().map(body_order).collect();
        let chunks: Vec<(ChunkRef, u32)> = tasks
            .iter()
            .flat_map(|task| {
                let first = landing_order(task.number, 0);
                let has_any = |chunk: &ChunkRef| {
                    let first = first + chunk.first_line;
                    bodies.has_any(first, first + chunk.lines)
                };
                let mut chunks = chunks_of(&task.part, CHUNK_BYTES);
                chunks.retain(has_any);
                chunks.into_iter().map(|chunk| (chunk, task.number))
            })
            .collect();
        let taken = Mutex::new(Found::default());
        chunks.par_iter().for_each(|(chunk, number)| {
            let mut thread = Thread::new(self);
            thread.only(chunk, *number, (&bodies, &orders));
            let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
            thread.end(&mut taken);
        });
        let taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.error = taken.error;
        found.expected.remove(taken.expected, &orders);
    }
}

/// What one thread works with.
struct Thread<'p> {
    pass: &'p Pass<'p>,
    readers: HashMap<(ResourceType, ApiVersion), (BodyReader, Periods)>,
    made: HashMap<ResourceType, Made>,
    without_views: Planned,
    tree: Tree,
    found: Found,
}

/// What is read from lines.
#[derive(Debug, Clone, Copy)]
enum Wanted<'w> {
    /// Everything: the lake is to hold their rows.
    All,
    /// The rows of these bodies and periods, by their landing orders.
    Rows {
        /// The bodies of both.
        bodies: &'w Orders,
        orders: &'w Orders,
    },
    /// Whose they are: they are not loaded yet.
    Patients,
}

impl<'p> Thread<'p> {
    fn new(pass: &'p Pass<'p>) -> Self {
        Self {
            pass,
            readers: HashMap::new(),
            made: HashMap::new(),
            without_views: Planned::without_views(),
            tree: Tree::default(),
            found: Found::default(),
        }
    }

    /// Reads a chunk and records what is in it.
    fn chunk(&mut self, fed: &FedChunk) {
        let mut read = fed.packed.decompress();
        let damaged = std::mem::take(&mut read.damaged).into_iter();
        self.found
            .damaged
            .extend(damaged.map(|frame| (fed.number, frame)));
        let wanted = match fed.is_loaded {
            true => Wanted::All,
            false => Wanted::Patients,
        };
        if self.found.error.is_none() {
            self.lines(&fed.packed.chunk, fed.number, read, wanted);
        }
    }

    /// Makes the rows of these lines only, and takes note of nothing.
    fn only(&mut self, chunk: &ChunkRef, number: u32, (bodies, orders): (&Orders, &Orders)) {
        let wanted = Wanted::Rows { bodies, orders };
        self.lines(chunk, number, read_chunk(chunk), wanted);
        self.empty(wanted.rows(&self.pass.landed), 0);
    }

    fn lines(&mut self, chunk: &ChunkRef, number: u32, read: ChunkRead, wanted: Wanted<'_>) {
        let (api, resource) = (chunk.part.api, &chunk.part.resource);
        let known = self.pass.planned.get(resource);
        let (reader, periods) = self
            .readers
            .entry((resource.clone(), api))
            .or_insert_with(|| {
                let plan = known.and_then(|known| known.plan.as_ref());
                let periods = Periods::of(known, resource, api);
                (BodyReader::new(plan, api), periods)
            });
        let mut of_type = TypeLines {
            landed: &self.pass.landed,
            gone: &self.pass.gone,
            planned: known.unwrap_or(&self.without_views),
            tree: &mut self.tree,
            reader,
            periods,
            found: &mut self.found,
            chunk,
        };
        let made = self
            .made
            .entry(resource.clone())
            .or_insert_with(|| Made::new(of_type.planned));
        for_each_line(read, |buffer, ends, line, references| {
            let Ok(in_part) = u32::try_from(line) else {
                return;
            };
            let line = Line {
                buffer,
                ends,
                number: line,
                order: landing_order(number, in_part),
                references,
            };
            let patient = || {
                let frame = (number, frame_of(chunk, line.number));
                self.pass.patients.get(&frame).copied()
            };
            match wanted {
                Wanted::Rows { bodies, .. } if !bodies.contains(line.order) => {}
                Wanted::Rows { orders, .. } => {
                    of_type.make_rows(&line, made, orders.contains(line.order));
                }
                Wanted::Patients => of_type.note_patient(&line, patient()),
                Wanted::All => of_type.examine(&line, made, patient()),
            }
            let rows = wanted.rows(&self.pass.landed);
            let of_reader = (&mut *of_type.reader, &mut *of_type.periods);
            empty(of_reader, of_type.planned, made, rows, FULL, of_type.found);
        });
    }

    /// Reduces the rows that wait, of each type if they are more than `size` bytes.
    fn empty(&mut self, wanted: WantedRows<'_>, size: usize) {
        for ((resource, _), (reader, periods)) in &mut self.readers {
            let planned = self.pass.planned.get(resource);
            if let (Some(planned), Some(made)) = (planned, self.made.get_mut(resource)) {
                empty(
                    (reader, periods),
                    planned,
                    made,
                    wanted,
                    size,
                    &mut self.found,
                );
            }
        }
    }

    fn end(mut self, found: &mut Found) {
        // What is made only to be taken away is taken at once.
        self.empty(WantedRows::Counting(&self.pass.landed), 0);
        found.error = found.error.take().or(self.found.error.take());
        found.damaged.append(&mut self.found.damaged);
        found.expected.add(self.made, self.pass.planned);
    }
}

impl<'w> Wanted<'w> {
    /// Which of the rows that wait are looked for.
    fn rows(self, landed: &'w Landed) -> WantedRows<'w> {
        match self {
            Wanted::Rows { orders, .. } => WantedRows::Of(orders),
            Wanted::All | Wanted::Patients => WantedRows::Counting(landed),
        }
    }
}

/// Reduces the rows that wait, if they are more than `size` bytes.
fn empty(
    (reader, periods): (&mut BodyReader, &mut Periods),
    planned: &Planned,
    made: &mut Made,
    wanted: WantedRows<'_>,
    size: usize,
    found: &mut Found,
) {
    let Some(worker) = reader.worker.as_mut() else {
        return;
    };
    if worker.size() <= size {
        return;
    }
    let emptied = worker.finish().and_then(|batches| {
        made.add_batches(planned, batches, |table, batch| {
            periods.selected(table, batch, wanted)
        })
    });
    periods.clear();
    if let Err(error) = emptied {
        found.error.get_or_insert(error);
    }
}
