//! Ctrl-C and SIGTERM during a stage that can stop at a border.
//!
//! Stages without such a border leave signals alone: their work shows only when it is sealed or
//! published, so that an end at any moment leaves nothing half-visible.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claimlake_contract::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

use crate::output::Output;

/// A flag that the first signal raises; the second ends the process. Call within a tokio runtime.
pub(crate) fn watch(output: &Arc<Output>) -> std::io::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    let output = Arc::clone(output);
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if raised.swap(true, Ordering::Relaxed) {
                std::process::exit(ExitCode::Failed.code().into());
            }
            output.warn("stopping at the next border; once more to stop at once");
        }
    });
    Ok(flag)
}
