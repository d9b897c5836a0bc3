//! Jobs on several threads, their results in order, with a bound on the bytes in flight.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, PoisonError};

/// Jobs that wait, jobs that run, and results.
#[derive(Debug)]
struct State<R> {
    next: usize,
    in_flight: u64,
    done: BTreeMap<usize, (u64, R)>,
    running: usize,
    stopped: bool,
}

/// Hands out jobs by position and returns their results in the same order.
#[derive(Debug)]
pub(crate) struct OrderedJobs<R> {
    sizes: Vec<u64>,
    budget: u64,
    state: Mutex<State<R>>,
    changed: Condvar,
}

impl<R> OrderedJobs<R> {
    /// As many jobs as there are sizes. While one is in flight, another begins only if both fit
    /// the budget.
    pub(crate) fn new(sizes: Vec<u64>, budget: u64, workers: usize) -> Self {
        Self {
            sizes,
            budget,
            state: Mutex::new(State {
                next: 0,
                in_flight: 0,
                done: BTreeMap::new(),
                running: workers,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(
        &self,
        state: std::sync::MutexGuard<'s, State<R>>,
    ) -> std::sync::MutexGuard<'s, State<R>> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// For a worker: the next job, once a result would fit into the buffer; `None` when all jobs
    /// are taken.
    pub(crate) fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            let job = state.next;
            let size = *self.sizes.get(job)?;
            if state.stopped {
                return None;
            }
            if state.in_flight == 0 || state.in_flight + size <= self.budget {
                state.next += 1;
                state.in_flight += size;
                return Some(job);
            }
            state = self.wait(state);
        }
    }

    /// For a worker: returns the result of a job.
    pub(crate) fn give(&self, job: usize, result: R) {
        let size = self.sizes.get(job).copied().unwrap_or(0);
        self.lock().done.insert(job, (size, result));
        self.changed.notify_all();
    }

    /// For a worker, however it ends: it takes no more jobs.
    pub(crate) fn leave(&self) {
        self.lock().running -= 1;
        self.changed.notify_all();
    }

    /// For the one who collects: what a job made, and its size, to be released when it is used up.
    /// `None` if all workers have left without making it.
    pub(crate) fn collect(&self, job: usize) -> Option<(u64, R)> {
        let mut state = self.lock();
        loop {
            if let Some(result) = state.done.remove(&job) {
                return Some(result);
            }
            if state.running == 0 {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// For the one who collects: what was collected is used up.
    pub(crate) fn release(&self, size: u64) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(size);
        drop(state);
        self.changed.notify_all();
    }

    /// For the one who collects: no more jobs are handed out.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }
}
