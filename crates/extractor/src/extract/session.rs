//! What all patients of one run share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use claimlake_contract::GrantHandle;

use super::full_read_schedule::FullReadSchedule;
use super::options::ExtractOptions;
use super::refusals::UnexplainedRefusals;
use crate::http::fetch::Fetcher;
use crate::landing_writer::{LandingHandle, PassId};
use crate::record::Recorder;

/// Shared by all patients of one run.
pub(crate) struct Session<'a, T> {
    pub(crate) options: &'a ExtractOptions,
    pub(crate) fetcher: Fetcher<'a, T>,
    pub(crate) landing: LandingHandle,
    pub(crate) recorder: Option<Recorder>,
    pub(crate) turns: FullReadSchedule,
    pub(crate) reads: AtomicU64,
    pub(crate) pages: AtomicU64,
    pub(crate) resources: AtomicU64,
    pub(crate) stop: Mutex<Option<String>>,
    pub(crate) refused: UnexplainedRefusals,
}

pub(super) fn lock<V>(mutex: &Mutex<V>) -> MutexGuard<'_, V> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Session<'_, T> {
    pub(crate) fn next_read(&self) -> PassId {
        PassId(self.reads.fetch_add(1, Ordering::Relaxed))
    }

    /// For logs: the only name of a patient there.
    pub(crate) fn log_page(&self, grant: &GrantHandle, entries: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.resources.fetch_add(entries, Ordering::Relaxed);
        tracing::trace!(grant = %grant, page.entries = entries, "page read");
    }
}
