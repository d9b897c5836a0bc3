//! Builds all tables of a snapshot, several at once.

use claimlake_contract::Progress;

use crate::error::{LoadError, Result};
use crate::request::LoadOptions;
use crate::staged_run::StagedRun;
use crate::table::build::{BuildInput, BuiltTable, build};
use crate::table::plan::TablePlan;

/// The most threads that are used by default. More do not help, since one thread builds the largest
/// table, and each needs memory of its own.
const MOST_THREADS: usize = 8;

/// Runs the work of a load (or of `forget`) on a thread pool of its own. Everything runs there:
/// memory that one step has freed is reused by the next step on the same thread.
///
/// # Errors
///
/// The threads cannot be started, or the work fails.
pub(crate) fn on_threads<T: Send>(
    options: &LoadOptions,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_THREADS)),
        threads => threads,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("load-{number}"))
        .build()
        .map_err(|error| LoadError::Request(format!("starting {threads} threads: {error}")))?;
    pool.install(work)
}

/// Builds all tables, the largest first; to be called within [`on_threads`]. Memory is divided
/// evenly among the threads. The result is sorted by name.
pub(crate) fn build_all(
    plans: &[TablePlan],
    input: &BuildInput<'_>,
    progress: &dyn Progress,
) -> Result<Vec<BuiltTable>> {
    let threads = rayon::current_num_threads();
    let input = BuildInput {
        memory_bytes: input.memory_bytes / threads,
        ..*input
    };
    let mut order: Vec<&TablePlan> = plans.iter().collect();
    order.sort_by_key(|plan| std::cmp::Reverse(staged_bytes(plan, input.staged)));
    let task = progress.begin("building tables", "tables", Some(plans.len() as u64));
    let next = std::sync::atomic::AtomicUsize::new(0);
    // Each thread takes the largest table that is left, so that none waits for a long last one.
    let built = rayon::broadcast(|_| {
        let mut built = Vec::new();
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(plan) = order.get(index) else {
                return Ok(built);
            };
            built.push(build(plan, &input)?);
            progress.advance(task, 1);
        }
    });
    progress.end(task);
    let built: Vec<Vec<BuiltTable>> = built.into_iter().collect::<Result<_>>()?;
    let mut built: Vec<BuiltTable> = built.into_iter().flatten().collect();
    built.sort_by(|left, right| left.table.layout.name.cmp(&right.table.layout.name));
    Ok(built)
}

/// The size of a table's staged files: an estimate of how long it takes to build.
fn staged_bytes(plan: &TablePlan, staged: &[StagedRun]) -> u64 {
    staged
        .iter()
        .filter_map(|run| run.table(&plan.layout.name))
        .flat_map(|table| &table.files)
        .map(|file| file.bytes)
        .sum()
}
