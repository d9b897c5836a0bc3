//! A transform in tasks that other processes and machines run, each by itself and as often as they
//! like: the same task makes the same rows with the same landing orders, those of [`crate::transform`].

use std::collections::BTreeMap;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use claimlake_contract::{ApiVersion, KEYS_TABLE, RunId};
use claimlake_landing::SealedRun;
use serde::{Deserialize, Serialize};

use crate::chunk::{ChunkWorker, Job};
use crate::counts::Counts;
use crate::flatten::Output;
use crate::gone::gone_keys;
use crate::keys::keys_schema;
use crate::plain_text::{MOST_TEXT, pieces, plain_batch, with_plain_text};
use crate::task_part::TaskPart;
use crate::transform::jobs;
use crate::{Plan, TransformError};

/// Frames of landing that one process reads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Its position: rows of later tasks landed later.
    pub number: u32,
    /// Bytes of lines, decompressed.
    pub bytes: u64,
    parts: Vec<TaskPart>,
}

/// All tasks of a transform, and what none of them makes.
#[derive(Debug)]
pub struct Tasks {
    /// In landing order.
    pub tasks: Vec<Task>,
    /// Lines of types that no view reads.
    pub without_view: u64,
    /// Keys of resources that the server no longer has; they come after those of all tasks.
    pub gone: Option<RecordBatch>,
    /// How many such resources there are.
    pub gone_count: u64,
    /// The landing runs that the tasks read.
    pub landing_runs: Vec<RunId>,
}

/// What was counted of resources and cells; each count has the meaning that the manifest of a staged
/// run gives it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCounts {
    /// Resources read, with rows or not.
    pub resources: u64,
    /// Resources of a type that no view reads.
    pub without_view: u64,
    /// Resources refused.
    pub rejected_resources: u64,
    /// Cells made null by a reject.
    pub rejected_cells: u64,
    /// Claims and coverages whose patient is not known.
    pub without_patient: u64,
    /// Cells whose number was rounded.
    pub rounded_cells: u64,
    /// Frames that could not be read; their lines count as rejected.
    pub damaged_frames: u64,
    /// Resources that make no rows, as the pipeline says.
    pub dropped: u64,
}

impl TaskCounts {
    pub(crate) fn add(&mut self, counts: &Counts) {
        self.resources += counts.resources;
        self.rejected_resources += counts.rejected_resources;
        self.rejected_cells += counts.rejected_cells;
        self.without_patient += counts.without_patient;
        self.rounded_cells += counts.rounded_cells;
        self.damaged_frames += counts.damaged_frames;
        self.dropped += counts.dropped;
    }
}

impl Plan {
    /// All staged tables, the one of keys last, with their columns: text as text.
    #[must_use]
    pub fn staged_schemas(&self) -> Vec<(String, SchemaRef)> {
        let tables = self.resources.iter().flat_map(|planned| {
            let tables = planned.tables.iter().zip(planned.plan.tables());
            tables.map(|(table, compiled)| {
                let schema = with_plain_text(compiled.schema());
                (table.layout.name.clone(), schema)
            })
        });
        tables
            .chain([(KEYS_TABLE.to_owned(), keys_schema())])
            .collect()
    }
}

/// Divides all of landing into tasks of about so many bytes of lines, or one frame. What lands later
/// belongs to none of them.
///
/// # Errors
/// When there are more parts than a landing order can number.
pub fn tasks(runs: &[SealedRun], plan: &Plan, bytes: u64) -> Result<Tasks, TransformError> {
    let (jobs, without_view, first_parts) = jobs(runs, plan)?;
    let (gone, gone_count) = gone_keys(runs, &first_parts, plan)?;
    let mut tasks = Vec::new();
    let mut rest = jobs.as_slice();
    while !rest.is_empty() {
        let mut sum = 0_u64;
        let fits = |job: &&Job| {
            let is_first = sum == 0;
            sum = sum.saturating_add(job.chunk.uncompressed.max(1));
            is_first || sum <= bytes
        };
        let count = rest.iter().take_while(fits).count().max(1);
        let (of_task, others) = rest.split_at(count.min(rest.len()));
        let by_part = of_task.chunk_by(|one, next| one.part == next.part);
        tasks.push(Task {
            number: u32::try_from(tasks.len()).map_err(|_| TransformError::TooMany {
                what: "the number of tasks",
            })?,
            bytes: of_task.iter().map(|job| job.chunk.uncompressed).sum(),
            parts: by_part.filter_map(TaskPart::of).collect(),
        });
        rest = others;
    }
    let mut landing_runs: Vec<RunId> = Vec::new();
    for run in runs {
        if !landing_runs.contains(&run.manifest.run) {
            landing_runs.push(run.manifest.run.clone());
        }
    }
    Ok(Tasks {
        tasks,
        without_view,
        gone,
        gone_count,
        landing_runs,
    })
}

/// Runs a task: reads its frames below the data directory `data` and gives rows and rejects to `take`,
/// in landing order. Damaged frames are rejects, as in [`crate::transform`].
///
/// # Errors
/// When rows cannot be made; or what `take` returns.
pub fn run_task<E: From<TransformError>>(
    task: &Task,
    plan: &Plan,
    data: &Path,
    take: &mut impl FnMut(Output<'_>) -> Result<(), E>,
) -> Result<TaskCounts, E> {
    let mut counts = TaskCounts::default();
    let mut workers: BTreeMap<(usize, ApiVersion), ChunkWorker> = BTreeMap::new();
    for part in &task.parts {
        let found = plan.resource(&part.resource);
        let found = found.and_then(|at| Some((at, plan.resources.get(at)?)));
        let Some((resource, planned)) = found else {
            continue;
        };
        let worker = workers
            .entry((resource, part.api()))
            .or_insert_with(|| ChunkWorker::new(planned, part.api()));
        for job in part.jobs(data, resource) {
            let rows = worker.run(&job)?;
            for (table, batch) in &rows.tables {
                let Some(table) = planned.tables.get(*table) else {
                    continue;
                };
                let name = &table.layout.name;
                let schema = with_plain_text(&batch.schema());
                for piece in pieces(batch, MOST_TEXT) {
                    let of_table = TransformError::arrow(name);
                    let plain = plain_batch(&piece, &schema).map_err(of_table)?;
                    take(Output::Rows(name, &plain))?;
                }
            }
            for batch in &rows.keys {
                take(Output::Rows(KEYS_TABLE, batch))?;
            }
            for reject in &rows.rejects {
                take(Output::Reject(reject))?;
            }
            counts.add(&rows.counts);
        }
    }
    Ok(counts)
}
