//! Progress as plain lines, or as events: at the beginning, the end, and now and then between.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use claimlake_contract::{Progress, Task};
use serde_json::json;

use crate::crash;
use crate::output::Output;
use crate::plural;

/// How often a running task prints a line.
const INTERVAL: Duration = Duration::from_secs(5);

/// A line or an event now and then.
#[derive(Debug)]
pub(super) struct Lines {
    output: Arc<Output>,
    next: AtomicU64,
    tasks: Mutex<HashMap<Task, State>>,
}

#[derive(Debug)]
struct State {
    what: String,
    unit: String,
    total: Option<u64>,
    done: u64,
    note: String,
    begun: Instant,
    last_line: Instant,
}

impl Lines {
    pub(super) fn new(output: Arc<Output>) -> Self {
        Self {
            output,
            next: AtomicU64::new(0),
            tasks: Mutex::default(),
        }
    }

    fn tell(&self, state: &State, phase: &str) {
        crash::point(&format!("{phase} {}", state.what));
        if self.output.is_json() {
            // A reader that is gone is noticed by whoever writes data.
            let _ = self.output.event(&json!({
                "event": "progress",
                "phase": phase,
                "what": state.what,
                "unit": state.unit,
                "done": state.done,
                "total": state.total,
            }));
            return;
        }
        // What took no time appears in the summary that follows.
        if phase != "end" || state.begun.elapsed() >= Duration::from_secs(1) {
            self.output.say(&line(state, phase));
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<Task, State>> {
        self.tasks
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn amount(number: u64, unit: &str) -> String {
    match unit {
        "bytes" => plural::size(number),
        _ => format!("{} {}", plural::grouped(number), plural::unit(number, unit)),
    }
}

fn line(state: &State, phase: &str) -> String {
    let mut line = match (phase, state.total) {
        ("begin", Some(total)) => format!("{}: {}", state.what, amount(total, &state.unit)),
        ("begin", None) => state.what.clone(),
        ("end", _) => format!(
            "{}: {} in {}",
            state.what,
            amount(state.done, &state.unit),
            plural::seconds(state.begun.elapsed())
        ),
        (_, Some(total)) => format!(
            "{}: {} of {}",
            state.what,
            amount(state.done, &state.unit),
            amount(total, &state.unit)
        ),
        (_, None) => format!("{}: {}", state.what, amount(state.done, &state.unit)),
    };
    if phase == "running" && !state.note.is_empty() {
        line.push_str(" · ");
        line.push_str(&state.note);
    }
    line
}

impl Progress for Lines {
    fn begin(&self, what: &str, unit: &str, total: Option<u64>) -> Task {
        let task = Task(self.next.fetch_add(1, Ordering::Relaxed));
        let now = Instant::now();
        let state = State {
            what: what.into(),
            unit: unit.into(),
            total,
            done: 0,
            note: String::new(),
            begun: now,
            last_line: now,
        };
        self.tell(&state, "begin");
        self.locked().insert(task, state);
        task
    }

    fn advance(&self, task: Task, amount: u64) {
        if let Some(state) = self.locked().get_mut(&task) {
            state.done += amount;
            if state.last_line.elapsed() >= INTERVAL {
                state.last_line = Instant::now();
                self.tell(state, "running");
            }
        }
    }

    fn note(&self, task: Task, note: &str) {
        if let Some(state) = self.locked().get_mut(&task) {
            state.note = note.into();
        }
    }

    fn end(&self, task: Task) {
        if let Some(state) = self.locked().remove(&task) {
            self.tell(&state, "end");
        }
    }
}
