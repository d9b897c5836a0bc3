//! The log: `tracing` events on stderr, between the progress bars; and the messages of a crash.

use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::Arc;

use claimlake_vault::NOTICE;
use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::env;
use crate::global_arguments::LogFormat;
use crate::invocation::Invocation;
use crate::output::Output;
use crate::record::Level;

/// Starts the log as flags and environment ask.
pub(crate) fn start(invocation: &Invocation) {
    let global = invocation.global();
    let default = || match global.verbose {
        0 if global.quiet => Targets::new().with_default(LevelFilter::ERROR),
        0 => Targets::new().with_default(LevelFilter::WARN),
        1 => Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("claimlake", LevelFilter::DEBUG),
        _ => Targets::new().with_default(LevelFilter::DEBUG),
    };
    let asked = std::env::var(env::LOG).ok();
    let asked = asked.filter(|asked| !asked.trim().is_empty());
    let filter = match asked.as_deref().map(targets) {
        Some(Ok(filter)) => filter,
        Some(Err(_)) => {
            let words = format!(
                "warning: {} is no filter of log lines, and is passed over",
                env::LOG
            );
            invocation.output().warn(&words);
            default()
        }
        None => default(),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(LogWriter(Arc::clone(invocation.output())))
        .with_ansi(false);
    let no_notices = || filter_fn(|metadata| metadata.target() != NOTICE);
    let is_notice = filter_fn(|metadata| metadata.target() == NOTICE);
    let notices = Notices {
        output: Arc::clone(invocation.output()),
        program: invocation.next("").trim_end().to_owned(),
    };
    let notices = notices.with_filter(is_notice.with_max_level_hint(LevelFilter::WARN));
    let registry = tracing_subscriber::registry().with(notices);
    // A second start within one process would be a mistake of ours, not a reason to stop.
    let _ = match global.log_format {
        LogFormat::Text => registry
            .with(lines.with_filter(no_notices().and(filter)))
            .try_init(),
        LogFormat::Json => {
            panics_as_records(invocation.output());
            let lines = lines.json().flatten_event(true);
            registry
                .with(lines.with_filter(no_notices().and(filter)))
                .try_init()
        }
    };
}

/// `info,claimlake_extractor=debug`: levels, and levels of the modules named.
fn targets(asked: &str) -> Result<Targets, ParseError> {
    let directives = asked.split(',').map(str::trim);
    let directives: Vec<_> = directives.filter(|asked| !asked.is_empty()).collect();
    directives.join(",").parse()
}

/// What a library has to say to whoever runs the command is a warning as any other, at any level of
/// the log and with `--quiet`, too.
struct Notices {
    output: Arc<Output>,
    /// The program with the flags of this call, which a command that is named gets, too.
    program: String,
}

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        let words = words
            .0
            .replace("`claimlake ", &format!("`{} ", self.program));
        self.output.warn(&format!("warning: {words}"));
    }
}

#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

/// A crash is a mistake of ours: its words are one record, too.
fn panics_as_records(output: &Arc<Output>) {
    let output = Arc::clone(output);
    std::panic::set_hook(Box::new(move |panicked| {
        let (words, fields) = crash(
            panicked.payload_as_str().unwrap_or_default(),
            panicked.location().map(ToString::to_string),
            std::thread::current().name(),
        );
        output.end(Level::Error, &words, fields);
    }));
}

fn crash(said: &str, place: Option<String>, thread: Option<&str>) -> (String, Map<String, Value>) {
    let said = said.replace(['\n', '\r'], " ");
    let words = format!("claimlake crashed, which is a mistake in it: {said}");
    let fields = [("place", json!(place)), ("thread", json!(thread))];
    let fields = fields.map(|(key, value)| (key.to_owned(), value));
    (words, Map::from_iter(fields))
}

#[derive(Debug, Clone)]
struct LogWriter(Arc<Output>);

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.log_line(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use tracing_subscriber::filter::LevelFilter;

    use super::{crash, targets};
    use crate::record::{self, Level};

    #[test]
    fn a_crash_is_one_record_with_its_place() {
        let said = "assertion failed\n  left: 1\r\n right: 2";
        let (words, fields) = crash(said, Some("a.rs:1:2".into()), Some("main"));
        let line = record::line(Level::Error, &words, fields);
        assert_eq!(line.lines().count(), 1);
        let record: Value = serde_json::from_str(&line).unwrap();
        let message = record["message"].as_str().unwrap();
        assert!(
            message.ends_with("assertion failed left: 1 right: 2"),
            "{message}"
        );
        assert_eq!(
            (&record["place"], &record["thread"]),
            (&"a.rs:1:2".into(), &"main".into())
        );
    }
    #[test]
    fn the_log_is_asked_for_by_level_and_by_module() {
        let asked = targets(" info, claimlake_extractor=debug ,").unwrap();
        let level_of = |module| {
            let levels = [
                LevelFilter::TRACE,
                LevelFilter::DEBUG,
                LevelFilter::INFO,
                LevelFilter::WARN,
            ];
            let mut levels = levels.into_iter().filter_map(LevelFilter::into_level);
            levels.find(|level| asked.would_enable(module, level))
        };
        assert_eq!(level_of("hyper::client"), LevelFilter::INFO.into_level());
        let ours = "claimlake_extractor::page";
        assert_eq!(level_of(ours), LevelFilter::DEBUG.into_level());
        assert!(targets("claimlake=loud").is_err());
    }
}
