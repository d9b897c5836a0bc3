//! Where words and data go: data and events to stdout, words to stderr.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use claimlake_contract::ExitCode;
use indicatif::MultiProgress;
use serde_json::{Map, Value, json};

use crate::args::GlobalArguments;
use crate::failure::Failure;

/// The two ways out.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// The bars on the terminal, which words must not tear.
    bars: Option<MultiProgress>,
    /// What the last event will say besides command and exit code.
    summary: Mutex<Map<String, Value>>,
    /// Whether the last event is told.
    ended: AtomicBool,
}

impl Output {
    pub(crate) fn new(global: &GlobalArguments) -> Self {
        let on_terminal = io::stderr().is_terminal() && !global.quiet && !global.json;
        Self {
            json: global.json,
            quiet: global.quiet,
            bars: on_terminal.then(MultiProgress::new),
            summary: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// Whether stdout is a stream of events.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn bars(&self) -> Option<&MultiProgress> {
        self.bars.as_ref()
    }

    /// Data, as it is, to stdout.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// One event to stdout, where events are asked for.
    pub(crate) fn event(&self, event: &Value) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        self.data(&format!("{event}\n"))
    }

    /// Words to stderr, unless quiet is asked for.
    pub(crate) fn say(&self, words: &str) {
        if !self.quiet && !self.json {
            self.write_words(words);
        }
    }

    /// Words to stderr that are told in any case.
    pub(crate) fn warn(&self, words: &str) {
        self.write_words(words);
    }

    /// Adds to what the last event says.
    pub(crate) fn add_to_summary(&self, key: &str, value: Value) {
        self.locked_summary().insert(key.into(), value);
    }

    /// What the last event will say under a key.
    pub(crate) fn summary_of(&self, key: &str) -> Value {
        self.locked_summary().get(key).cloned().unwrap_or_default()
    }

    /// An event that ends the stream in place of the summary, for a command that promises so.
    pub(crate) fn last_event(&self, event: &Value) -> io::Result<()> {
        self.ended.store(true, Ordering::Relaxed);
        self.event(event)
    }

    /// The last event.
    pub(crate) fn summary(&self, command: &str, exit: ExitCode) {
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        let mut fields = self.locked_summary();
        let mut event = Map::new();
        event.insert("event".into(), "summary".into());
        event.insert("command".into(), command.into());
        event.insert("exit".into(), exit.code().into());
        event.append(&mut fields);
        // The reader may be gone by now; the exit code still tells.
        let _ = self.event(&Value::Object(event));
    }

    /// What went wrong, and the last event.
    pub(crate) fn failure(&self, command: &str, failure: &Failure) {
        let words = failure.to_string();
        if let Some(bars) = &self.bars {
            // Unfinished bars would stay and look as if work went on.
            let _ = bars.clear();
        }
        self.write_words(&format!("error: {words}"));
        self.add_to_summary("error", json!(words));
        self.summary(command, failure.exit);
    }

    fn write_words(&self, words: &str) {
        let write = || {
            // There is nobody left to tell when stderr is closed.
            let _ = writeln!(io::stderr().lock(), "{words}");
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn locked_summary(&self) -> std::sync::MutexGuard<'_, Map<String, Value>> {
        self.summary
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
