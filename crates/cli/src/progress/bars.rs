//! Progress bars on a terminal.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claimlake_contract::{Progress, Task};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::plural;

/// One bar a task, gone when the task ends: the summary says what it did.
#[derive(Debug)]
pub(super) struct Bars {
    all: MultiProgress,
    next: AtomicU64,
    bars: Mutex<HashMap<Task, ProgressBar>>,
}

impl Bars {
    pub(super) fn new(all: MultiProgress) -> Self {
        Self {
            all,
            next: AtomicU64::new(0),
            bars: Mutex::default(),
        }
    }

    fn with(&self, task: Task, action: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.locked().get(&task) {
            action(bar);
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Task, ProgressBar>> {
        self.bars
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, unit: &str, total: Option<u64>) -> Task {
        let task = Task(self.next.fetch_add(1, Ordering::Relaxed));
        let mut bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let counts = match (unit, total) {
            ("bytes", Some(_)) => "{bytes} of {total_bytes}  {bytes_per_sec}",
            ("bytes", None) => "{bytes}  {bytes_per_sec}",
            (_, Some(_)) => "{human_pos} of {human_len} {prefix}  {per_sec}",
            (_, None) => "{human_pos} {prefix}  {per_sec}",
        };
        let shape = match total {
            Some(_) => format!("{{msg:28!}} [{{bar:24}}] {counts}  {{eta}} left"),
            None => format!("{{msg:28!}} {{spinner}} {counts}"),
        };
        if let Ok(style) = ProgressStyle::with_template(&shape) {
            bar = bar.with_style(style.progress_chars("=> "));
        }
        // Complete before it is shown.
        let bar = self.all.add(
            bar.with_prefix(plural::unit(total.unwrap_or(0), unit).to_owned())
                .with_message(what.to_owned()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        self.locked().insert(task, bar);
        task
    }

    fn advance(&self, task: Task, amount: u64) {
        self.with(task, |bar| bar.inc(amount));
    }

    fn note(&self, task: Task, note: &str) {
        self.with(task, |bar| bar.set_prefix(note.to_owned()));
    }

    fn end(&self, task: Task) {
        if let Some(bar) = self.locked().remove(&task) {
            bar.finish_and_clear();
        }
    }
}
