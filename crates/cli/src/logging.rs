//! The log: `tracing` events to stderr, between the progress bars.

use std::io::{self, Write};
use std::sync::Arc;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::args::LogFormat;
use crate::env;
use crate::invocation::Invocation;
use crate::output::Output;

/// Starts the log as flags and environment ask.
pub(crate) fn start(invocation: &Invocation) {
    let global = invocation.global();
    let default = match global.verbose {
        0 if global.quiet => "error",
        0 => "warn",
        1 => "info,claimlake=debug",
        _ => "debug",
    };
    let filter = std::env::var(env::LOG)
        .ok()
        .and_then(|asked| EnvFilter::try_new(asked).ok())
        .unwrap_or_else(|| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(LogWriter(Arc::clone(invocation.output())))
        .with_ansi(false);
    // A second start within one process would be a mistake of ours, not a reason to stop.
    let _ = match global.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
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
        self.0.warn(String::from_utf8_lossy(line).trim_end());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
