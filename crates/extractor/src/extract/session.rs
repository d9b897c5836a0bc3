//! What all patients of one run share.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use claimlake_contract::{GrantHandle, ResourceType};
use claimlake_vault::Grant;

use super::full_read_schedule::FullReadSchedule;
use super::options::ExtractOptions;
use crate::http::fetch::Fetcher;
use crate::http::retry::back_off;
use crate::landing_writer::{LandingHandle, PassId};
use crate::record::Recorder;

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
    pub(crate) refused: Mutex<UnexplainedRefusals>,
}

/// Grants of one run to which everything is refused without an explanation.
#[derive(Debug, Default)]
pub(crate) struct UnexplainedRefusals {
    pub(super) in_doubt: HashSet<GrantHandle>,
    /// A grant whose resources were answered, and one of these.
    pub(super) answered: Option<(Grant, ResourceType)>,
}

impl<T> Session<'_, T> {
    pub(crate) fn next_read(&self) -> PassId {
        PassId(self.reads.fetch_add(1, Ordering::Relaxed))
    }

    /// Waits before what was read for the `tries`th time is read again.
    pub(super) async fn wait_between(&self, tries: u32) {
        let first = self.options.timeouts.first_pause;
        tokio::time::sleep(back_off(first, tries, self.fetcher.jitter.share())).await;
    }

    /// Counts a page. Logs name patients only by their grants.
    pub(crate) fn note_page(&self, grant: &GrantHandle, entries: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.resources.fetch_add(entries, Ordering::Relaxed);
        tracing::trace!(grant = %grant, page.entries = entries, "page read");
    }
}
