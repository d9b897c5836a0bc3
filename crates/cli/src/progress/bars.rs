//! Progress bars on a terminal.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use claimlake_contract::{Progress, Task};
use indicatif::style::ProgressTracker;
use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::line::Shown;

/// The columns of the terminal, read at each drawing because a window can be resized.
pub(super) type Width = Arc<dyn Fn() -> usize + Send + Sync>;

/// The width of a terminal that does not say.
const USUAL: usize = 80;

/// What turns behind a line without a bar, and the space before it.
const SPINNER: usize = 2;

/// A longer estimate says nothing yet and is not shown.
const LONGEST: Duration = Duration::from_secs(100 * 3600);

/// One bar a task, gone when the task ends: the summary says what it did.
pub(super) struct Bars {
    all: MultiProgress,
    width: Width,
    next: AtomicU64,
    bars: Mutex<HashMap<Task, Bar>>,
}

struct Bar {
    shown: ProgressBar,
    note: Arc<Mutex<String>>,
}

/// Writes the line of a task.
#[derive(Clone)]
struct Line {
    what: String,
    unit: String,
    note: Arc<Mutex<String>>,
    width: Width,
}

impl Bars {
    /// On the terminal of stderr.
    pub(super) fn new(all: MultiProgress) -> Self {
        Self::of_width(all, Arc::new(stderr_width))
    }

    pub(super) fn of_width(all: MultiProgress, width: Width) -> Self {
        Self {
            all,
            width,
            next: AtomicU64::new(0),
            bars: Mutex::default(),
        }
    }

    fn with(&self, task: Task, action: impl FnOnce(&Bar)) {
        if let Some(bar) = locked(&self.bars).get(&task) {
            action(bar);
        }
    }
}

impl fmt::Debug for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bars").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn stderr_width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    let width = size.map(|size| usize::from(size.ws_col));
    width.filter(|width| *width > 0).unwrap_or(USUAL)
}

impl Progress for Bars {
    fn begin(&self, what: &str, unit: &str, total: Option<u64>) -> Task {
        let task = Task(self.next.fetch_add(1, Ordering::Relaxed));
        let mut bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::new_spinner(),
        };
        let note = Arc::new(Mutex::new(String::new()));
        let line = Line {
            what: what.to_owned(),
            unit: unit.to_owned(),
            note: Arc::clone(&note),
            width: Arc::clone(&self.width),
        };
        let template = match total {
            Some(_) => "{line}",
            None => "{line} {spinner}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar = bar.with_style(style.with_key("line", line));
        }
        // Complete before it is shown.
        let shown = self.all.add(bar);
        shown.enable_steady_tick(Duration::from_millis(200));
        locked(&self.bars).insert(task, Bar { shown, note });
        task
    }

    fn advance(&self, task: Task, amount: u64) {
        self.with(task, |bar| bar.shown.inc(amount));
    }

    fn note(&self, task: Task, note: &str) {
        // Drawn with the next tick.
        self.with(task, |bar| note.clone_into(&mut locked(&bar.note)));
    }

    fn end(&self, task: Task) {
        let ended = locked(&self.bars).remove(&task);
        if let Some(bar) = ended {
            bar.shown.finish_and_clear();
        }
    }
}

impl ProgressTracker for Line {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, _: &ProgressState, _: Instant) {}

    fn reset(&mut self, _: &ProgressState, _: Instant) {}

    fn write(&self, state: &ProgressState, out: &mut dyn fmt::Write) {
        let (done, total, rate) = (state.pos(), state.len(), state.per_sec());
        let can_tell = rate > 0.0 && total.is_some_and(|total| done < total);
        let left = can_tell.then(|| state.eta());
        let shown = Shown {
            what: &self.what,
            unit: &self.unit,
            done,
            total,
            rate,
            note: &locked(&self.note),
            left: left.filter(|left| *left < LONGEST),
        };
        // The last column stays free: some terminals wrap behind it.
        let taken = match total {
            Some(_) => 1,
            None => 1 + SPINNER,
        };
        let width = (self.width)().saturating_sub(taken);
        // Writing to text does not fail.
        let _ = out.write_str(&shown.line(width));
    }
}

#[cfg(test)]
mod tests;
