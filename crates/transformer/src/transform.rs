//! Sealed runs to a staged run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use claimlake_contract::{
    ApiVersion, KEYS_TABLE, Progress, ResourceType, RunId, STAGED_FORMAT, StagedManifest,
    StagedTable, TableLayout,
};
use claimlake_landing::{SealedRun, chunks_of};
use serde_json::json;

use crate::chunk::{ChunkWorker, Job, Rows};
use crate::counts::Counts;
use crate::form::Form;
use crate::gone::{FirstParts, gone_keys};
use crate::keys::keys_schema;
use crate::outcome::{TransformOutcome, UnreadPath};
use crate::plan::RULES_VERSION;
use crate::pool::OrderedJobs;
use crate::stage::Stage;
use crate::{Plan, TransformError};

/// Decompressed bytes that a worker takes at once.
const CHUNK: u64 = 4 << 20;
/// Decompressed bytes that may be in flight for each thread, be it as text or as rows.
const IN_FLIGHT_PER_THREAD: u64 = 2 * CHUNK;

/// What to transform.
#[derive(Debug, Clone)]
pub struct TransformOptions {
    /// The runs to read, in landing order.
    pub runs: Vec<SealedRun>,
    /// All sealed runs, in landing order: what is no longer at the server is looked up in them. Those
    /// of `runs` are enough if none of them lists anything as gone.
    pub landed: Vec<SealedRun>,
    /// The folder of staged runs, `<data>/staged`. The caller has locked it.
    pub staged: PathBuf,
    /// The id of the staged run.
    pub run: RunId,
    /// Whether the runs are all of landing, so that the tables replace those of the lake.
    pub full: bool,
    /// How the rows are written.
    pub form: Form,
    /// Threads; as many as there are cores where it is none.
    pub threads: Option<usize>,
}

/// Makes a staged run of landed ones.
///
/// Lines that cannot be used and parts that are damaged are rejects in the staged run, not
/// errors. After an error nothing of the staged run is left.
///
/// # Errors
/// When the staged run cannot be written.
pub fn transform(
    options: &TransformOptions,
    plan: &Plan,
    progress: &dyn Progress,
) -> Result<TransformOutcome, TransformError> {
    let threads = options
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
        .unwrap_or(1)
        .max(1);
    let (jobs, without_view, first_parts) = jobs(&options.runs, plan)?;
    let tables = staged_tables(plan);
    let mut stage = Stage::begin(
        &options.staged,
        &options.run,
        tables
            .iter()
            .map(|table| (table.layout.name.clone(), table.schema.clone()))
            .collect(),
        options.form,
    )?;
    let total: u64 = jobs.iter().map(|job| job.chunk.uncompressed).sum();
    let task = progress.begin("transform", "bytes", Some(total));
    let collected = run_jobs(&jobs, plan, threads, &mut stage, &mut |bytes| {
        progress.advance(task, bytes);
    });
    progress.end(task);
    let (counts, unread) = collected?;
    let (keys, gone) = gone_keys(&options.landed, &first_parts, plan)?;
    if let Some(keys) = keys {
        // The table of keys is the last one.
        stage.append(tables.len() - 1, &keys)?;
    }

    let files = stage.end()?;
    let mut landing_runs: Vec<RunId> = Vec::new();
    for run in &options.runs {
        if !landing_runs.contains(&run.manifest.run) {
            landing_runs.push(run.manifest.run.clone());
        }
    }
    let manifest = StagedManifest {
        format: STAGED_FORMAT,
        run: options.run.clone(),
        pipeline_hash: plan.hash.clone(),
        rules: RULES_VERSION,
        landing_runs,
        full: options.full,
        tables: tables
            .iter()
            .zip(files)
            .filter_map(|(table, files)| {
                Some(StagedTable {
                    layout: table.layout.clone(),
                    resource: table.resource.clone()?,
                    view_hash: table.view_hash.clone(),
                    files,
                })
            })
            .collect(),
        resources: counts.resources + without_view,
        without_view,
        rejected_resources: counts.rejected_resources,
        rejected_cells: counts.rejected_cells,
        without_patient: counts.without_patient,
        rounded_cells: counts.rounded_cells,
    };
    let folder = stage.seal(&json!({ "format": 1, "paths": &unread }), &manifest)?;
    tracing::info!(
        resources = manifest.resources,
        rejected.resources = manifest.rejected_resources,
        rejected.cells = manifest.rejected_cells,
        rounded.cells = manifest.rounded_cells,
        "transformed"
    );
    Ok(TransformOutcome {
        folder,
        manifest,
        dropped: counts.dropped,
        gone,
        rejects: counts.rejects,
        damaged_frames: counts.damaged_frames,
        unread,
    })
}

/// The chunks of all runs, in landing order, the lines of types that no view reads, and where the
/// runs of the others begin.
pub(crate) fn jobs(
    runs: &[SealedRun],
    plan: &Plan,
) -> Result<(Vec<Job>, u64, FirstParts), TransformError> {
    let mut jobs = Vec::new();
    let mut without_view = 0;
    let mut part_number = 0u32;
    let mut first_parts = FirstParts::new();
    for run in runs {
        if plan.resource(&run.manifest.resource).is_some() {
            first_parts.insert(run.key(), part_number);
        }
        for part in run.parts() {
            let number = part_number;
            part_number = number.checked_add(1).ok_or(TransformError::TooMany {
                what: "the number of landed parts",
            })?;
            let Some(resource) = plan.resource(&part.resource) else {
                without_view += part.part.lines;
                continue;
            };
            jobs.extend(chunks_of(&part, CHUNK).into_iter().map(|chunk| Job {
                chunk,
                part: number,
                resource,
            }));
        }
    }
    Ok((jobs, without_view, first_parts))
}

struct StageTable {
    layout: TableLayout,
    schema: arrow_schema::SchemaRef,
    view_hash: String,
    resource: Option<ResourceType>,
}

/// All tables of the plan, then the table of keys.
fn staged_tables(plan: &Plan) -> Vec<StageTable> {
    let mut tables = Vec::new();
    for planned in &plan.resources {
        for (table, compiled) in planned.tables.iter().zip(planned.plan.tables()) {
            tables.push(StageTable {
                layout: table.layout.clone(),
                schema: compiled.schema().clone(),
                view_hash: table.view_hash.clone(),
                resource: Some(planned.resource.clone()),
            });
        }
    }
    tables.push(StageTable {
        layout: TableLayout {
            name: KEYS_TABLE.to_owned(),
            ..TableLayout::default()
        },
        schema: keys_schema(),
        view_hash: String::new(),
        resource: None,
    });
    tables
}

type Made = Result<Rows, TransformError>;

fn run_jobs(
    jobs: &[Job],
    plan: &Plan,
    threads: usize,
    stage: &mut Stage,
    done: &mut dyn FnMut(u64),
) -> Result<(Counts, Vec<UnreadPath>), TransformError> {
    let failed = |reason: String| TransformError::Threads { threads, reason };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("transform-{number}"))
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let sizes = jobs.iter().map(|job| job.chunk.uncompressed).collect();
    let budget = IN_FLIGHT_PER_THREAD * threads as u64;
    let ordered: OrderedJobs<Made> = OrderedJobs::new(sizes, budget, threads);
    let (send_unread, receive_unread) = std::sync::mpsc::channel();
    let mut counts = Counts::default();
    let collected = pool.in_place_scope(|scope| {
        for _ in 0..threads {
            let (ordered, send_unread) = (&ordered, send_unread.clone());
            scope.spawn(move |_| {
                // However the thread ends, the collector must not wait for it.
                let _leaving = Leaving(ordered);
                let unread = work(jobs, plan, ordered);
                let _ = send_unread.send(unread);
            });
        }
        let collected = collect(jobs, plan, &ordered, stage, &mut counts, done);
        ordered.stop();
        collected
    });
    drop(send_unread);
    match collected {
        Ok(true) => {}
        Ok(false) => return Err(failed("a thread ended early".into())),
        Err(error) => return Err(error),
    }
    let mut unread: BTreeMap<_, UnreadPath> = BTreeMap::new();
    for path in receive_unread.into_iter().flatten() {
        let key = (path.api, path.resource.clone(), path.path.clone());
        let count = path.count;
        unread
            .entry(key)
            .and_modify(|known| known.count += count)
            .or_insert(path);
    }
    let unread = unread.into_values().collect();
    Ok((counts, unread))
}

struct Leaving<'l>(&'l OrderedJobs<Made>);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A worker: jobs until there are no more, then what it saw and no view read.
fn work(jobs: &[Job], plan: &Plan, ordered: &OrderedJobs<Made>) -> Vec<UnreadPath> {
    let mut workers: BTreeMap<(usize, ApiVersion), ChunkWorker> = BTreeMap::new();
    while let Some(number) = ordered.take() {
        let Some((job, planned)) = jobs
            .get(number)
            .and_then(|job| Some((job, plan.resources.get(job.resource)?)))
        else {
            break;
        };
        let api = job.chunk.part.api;
        let worker = workers
            .entry((job.resource, api))
            .or_insert_with(|| ChunkWorker::new(planned, api));
        ordered.give(number, worker.run(job));
    }
    workers.values_mut().flat_map(ChunkWorker::unread).collect()
}

/// Writes what the workers make, in order. False where a worker ended without its result.
fn collect(
    jobs: &[Job],
    plan: &Plan,
    ordered: &OrderedJobs<Made>,
    stage: &mut Stage,
    counts: &mut Counts,
    done: &mut dyn FnMut(u64),
) -> Result<bool, TransformError> {
    let mut first_table = Vec::new();
    let mut tables = 0;
    for planned in &plan.resources {
        first_table.push(tables);
        tables += planned.tables.len();
    }
    let keys = tables;
    for (number, job) in jobs.iter().enumerate() {
        let Some((size, made)) = ordered.collect(number) else {
            return Ok(false);
        };
        let rows = made?;
        let first = first_table.get(job.resource).copied().unwrap_or(0);
        for (table, batch) in &rows.tables {
            stage.append(first + table, batch)?;
        }
        for batch in &rows.keys {
            stage.append(keys, batch)?;
        }
        for reject in &rows.rejects {
            stage.reject(reject)?;
        }
        counts.add(&rows.counts, &rows.rejects);
        drop(rows);
        ordered.release(size);
        done(size);
    }
    Ok(true)
}
