//! Ctrl-C and SIGTERM during a stage that can stop at a border.
//!
//! Stages without such a border end at once: their work shows only when it is sealed or published,
//! so that an end at any moment leaves nothing half-visible.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use claimlake_contract::ExitCode;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::Output;

/// A stage that stops at a border, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Raised by the first signal; the second ends the process.
    pub(crate) stop: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Watches for signals, on a thread of its own: once they are caught they are so for as long as
/// the process lives, and the stages that follow must not be deaf to them.
pub(crate) fn watch(output: &Arc<Output>) -> io::Result<Watch> {
    let watch = Watch {
        stop: Arc::default(),
        over: Arc::default(),
    };
    let (stop, over) = (Arc::clone(&watch.stop), Arc::clone(&watch.over));
    let output = Arc::clone(output);
    let (tell, told) = mpsc::channel();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let caught = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .and_then(|runtime| {
                    let _within = runtime.enter();
                    let interrupt = signal(SignalKind::interrupt())?;
                    let terminate = signal(SignalKind::terminate())?;
                    Ok((runtime, interrupt, terminate))
                });
            match caught {
                Ok((runtime, interrupt, terminate)) => {
                    let _ = tell.send(Ok(()));
                    runtime.block_on(heed(interrupt, terminate, &stop, &over, &output));
                }
                Err(error) => {
                    let _ = tell.send(Err(error));
                }
            }
        })?;
    told.recv()
        .map_err(|_| io::Error::other("the thread that watches for signals ended"))??;
    Ok(watch)
}

async fn heed(
    mut interrupt: Signal,
    mut terminate: Signal,
    stop: &AtomicBool,
    over: &AtomicBool,
    output: &Output,
) {
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if over.load(Ordering::Relaxed) || stop.swap(true, Ordering::Relaxed) {
            output.warn(
                "interrupted: what was sealed or published stands, and the same command goes on",
            );
            std::process::exit(ExitCode::Failed.code().into());
        }
        output.warn("stopping at the next border; once more to stop at once");
    }
}
