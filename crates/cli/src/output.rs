//! Output: data and events go to stdout, messages to stderr (as JSON records with `--log-format
//! json`).

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use claimlake_contract::ExitCode;
use indicatif::MultiProgress;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::global_arguments::{GlobalArguments, LogFormat};
use crate::plain_text::{one_line, printable, printable_json};
use crate::record::{self, Level};

/// The two ways out.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    /// Whether every line on stderr is a JSON object.
    records: bool,
    /// The progress bars on the terminal, which messages must not overwrite.
    bars: Option<MultiProgress>,
    /// What the last event will say besides command and exit code.
    summary: Mutex<Map<String, Value>>,
    /// Whether the last event was written.
    ended: AtomicBool,
    alarms: Mutex<Vec<Alarm>>,
}

/// A reason why the command ends with an exit code other than 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Alarm {
    /// One exit code that applies.
    #[serde(serialize_with = "as_number")]
    pub(crate) exit: ExitCode,
    /// The message, with counts.
    pub(crate) words: String,
    /// The command to run next.
    pub(crate) next: String,
}

fn as_number<S: serde::Serializer>(exit: &ExitCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u8(exit.code())
}

impl Output {
    pub(crate) fn new(global: &GlobalArguments) -> Self {
        let records = global.log_format == LogFormat::Json;
        let on_terminal = io::stderr().is_terminal() && !global.quiet && !global.json && !records;
        Self {
            json: global.json,
            quiet: global.quiet,
            records,
            bars: on_terminal.then(MultiProgress::new),
            summary: Mutex::default(),
            ended: AtomicBool::new(false),
            alarms: Mutex::default(),
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

    /// Writes data to stdout: unchanged, except that control characters are escaped on a terminal.
    pub(crate) fn data(&self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        let text = match stdout.is_terminal() {
            true => printable(text),
            false => Cow::Borrowed(text),
        };
        stdout.write_all(text.as_bytes())?;
        stdout.flush()
    }

    /// Writes one event to stdout, if events were requested.
    pub(crate) fn event(&self, event: &Value) -> io::Result<()> {
        if !self.json {
            return Ok(());
        }
        self.data(&format!("{}\n", printable_json(&event.to_string())))
    }

    /// Whether every line on stderr is a JSON object.
    pub(crate) fn is_records(&self) -> bool {
        self.records
    }

    /// Writes a message to stderr, except with `--quiet`.
    pub(crate) fn say(&self, words: &str) {
        self.say_with(words, Map::new());
    }

    /// Writes text to stderr, unless `--quiet` is given; as a JSON record it has these fields, too.
    pub(crate) fn say_with(&self, words: &str, fields: Map<String, Value>) {
        if !self.quiet && !self.json {
            self.write_words(Level::Info, words, fields);
        }
    }

    /// Writes one line to stderr, even with `--quiet`.
    pub(crate) fn warn(&self, words: &str) {
        let (level, rest) = match words.split_once(": ") {
            Some(("error", rest)) => (Level::Error, rest),
            Some(("warning", rest)) => (Level::Warn, rest),
            _ => (Level::Warn, words),
        };
        let words = if self.records { rest } else { words };
        self.write_words(level, &one_line(words), Map::new());
    }

    /// The last words of a command, written even with `--quiet`; a record of them has these fields.
    pub(crate) fn end(&self, level: Level, words: &str, fields: Map<String, Value>) {
        if let Some(bars) = &self.bars {
            // Unfinished bars would stay and look as if work went on.
            let _ = bars.clear();
        }
        self.write_words(level, &one_line(words), fields);
    }

    /// A question that is answered on standard input.
    pub(crate) fn ask(&self, words: &str) -> io::Result<()> {
        if self.records {
            self.write_words(Level::Info, words, Map::new());
            return Ok(());
        }
        let mut stderr = io::stderr().lock();
        write!(stderr, "{} ", printable(words))?;
        stderr.flush()
    }

    /// Writes one line of the log to stderr, unchanged: it has the requested form already.
    pub(crate) fn log_line(&self, line: &str) {
        self.write_line(&one_line(line));
    }

    /// Notes why the command will end with a code other than 0.
    pub(crate) fn alarm(&self, exit: ExitCode, words: impl Into<String>, next: impl Into<String>) {
        locked(&self.alarms).push(Alarm {
            exit,
            words: words.into(),
            next: next.into(),
        });
    }

    /// The alarms noted so far.
    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        locked(&self.alarms).clone()
    }

    /// Adds to what the last event says.
    pub(crate) fn add_to_summary(&self, key: &str, value: Value) {
        self.locked_summary().insert(key.into(), value);
    }

    /// The value of a key in the last event.
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
        // The reader may be gone by now; the exit code still says it.
        let _ = self.event(&Value::Object(event));
    }

    fn write_words(&self, level: Level, words: &str, fields: Map<String, Value>) {
        match self.records {
            true => self.write_line(&record::line(level, words, fields)),
            false => self.write_line(words),
        }
    }

    fn write_line(&self, line: &str) {
        // The last guard: whatever the text contains, it cannot control the terminal.
        let line = printable(line);
        let write = || {
            // If stderr is closed, there is nowhere to report it.
            let _ = io::stderr()
                .lock()
                .write_all(format!("{line}\n").as_bytes());
        };
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn locked_summary(&self) -> std::sync::MutexGuard<'_, Map<String, Value>> {
        locked(&self.summary)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
