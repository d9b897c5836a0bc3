//! Ctrl-C and SIGTERM.
//!
//! A stage that has safe points stops at the next one. All others end at once: their results become
//! visible only when a run is sealed or a snapshot is published, so that an end at any moment
//! leaves nothing half visible. In both cases the process prints one line about it, nothing after
//! it, and exits with 1.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use anyhow::anyhow;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::alarms;
use crate::failure::Failure;
use crate::output::Output;

/// How long writing the last messages may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Said until a stage says what it is at.
const AT_ONCE: &str = "interrupted: nothing of it is half done; the same command goes on";

/// The signals of this process.
#[derive(Debug)]
pub(crate) struct Interrupts(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    command: &'static str,
    output: Arc<Output>,
    /// Raised by the first signal.
    asked: Arc<AtomicBool>,
    /// The message while a stage continues to its next safe point; `None` if it has none.
    until_safe_point: Mutex<Option<&'static str>>,
    /// The message if the process ends immediately.
    at_once: Mutex<String>,
}

/// A stage that stops at a safe point, until this is dropped.
#[derive(Debug)]
pub(crate) struct SafePoints<'a> {
    /// Raised by the first signal; the second ends the process.
    pub(crate) stop: Arc<AtomicBool>,
    shared: &'a Shared,
    at_once_before: String,
}

impl Drop for SafePoints<'_> {
    fn drop(&mut self) {
        *locked(&self.shared.until_safe_point) = None;
        *locked(&self.shared.at_once) = std::mem::take(&mut self.at_once_before);
    }
}

impl Interrupts {
    /// Catches signals, on a thread of its own: once they are caught they are so for as long as the
    /// process lives.
    pub(crate) fn catch(command: &'static str, output: &Arc<Output>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            command,
            output: Arc::clone(output),
            asked: Arc::default(),
            until_safe_point: Mutex::default(),
            at_once: Mutex::new(AT_ONCE.to_owned()),
        });
        let of_thread = Arc::clone(&shared);
        let (started, is_started) = mpsc::channel();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                let caught = crate::runtime::on_this_thread().and_then(|runtime| {
                    let _within = runtime.enter();
                    let interrupt = signal(SignalKind::interrupt())?;
                    let terminate = signal(SignalKind::terminate())?;
                    Ok((runtime, interrupt, terminate))
                });
                match caught {
                    Ok((runtime, interrupt, terminate)) => {
                        let _ = started.send(Ok(()));
                        runtime.block_on(of_thread.wait(interrupt, terminate));
                    }
                    Err(error) => {
                        let _ = started.send(Err(error));
                    }
                }
            })?;
        is_started
            .recv()
            .map_err(|_| io::Error::other("the thread that waits for signals ended"))??;
        Ok(Self(shared))
    }

    /// Whether a signal was received.
    pub(crate) fn are_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    /// The message from now on if a signal ends the process at once: what is done, and how to
    /// continue.
    pub(crate) fn say_at_once(&self, words: String) {
        *locked(&self.0.at_once) = words;
    }

    /// From now on the first signal asks for a stop and prints `words`; the second prints `at_once`
    /// and ends the process.
    pub(crate) fn until_safe_point(&self, words: &'static str, at_once: String) -> SafePoints<'_> {
        *locked(&self.0.until_safe_point) = Some(words);
        SafePoints {
            stop: Arc::clone(&self.0.asked),
            shared: &self.0,
            at_once_before: std::mem::replace(&mut locked(&self.0.at_once), at_once),
        }
    }
}

impl Shared {
    async fn wait(&self, mut interrupt: Signal, mut terminate: Signal) {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let until_safe_point = *locked(&self.until_safe_point);
            let is_first = !self.asked.swap(true, Ordering::Relaxed);
            match until_safe_point.filter(|_| is_first) {
                Some(words) => self.output.warn(words),
                None => self.end(),
            }
        }
    }

    /// Reports that the stage did not stop in time, and ends the process even if nobody reads the
    /// report.
    fn end(&self) {
        let failure = Failure::from(anyhow!(locked(&self.at_once).clone()));
        let code = failure.exit.code().into();
        let (command, output) = (self.command, Arc::clone(&self.output));
        let said = std::thread::Builder::new().spawn(move || {
            // The stage continues meanwhile; nothing of it may be printed after this.
            let _last_event = io::stdout().lock();
            let _last_words = io::stderr().lock();
            alarms::failed(command, &failure, &output);
            std::process::exit(code);
        });
        if said.is_ok() {
            // A reader that reads no more does not keep it alive.
            std::thread::sleep(PATIENCE);
        }
        std::process::exit(code);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
