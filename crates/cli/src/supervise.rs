//! PID 1 of a container: when it ends, the kernel kills every other process, refreshes in progress
//! included. So PID 1 only starts a worker, forwards signals, reaps orphans, and ends after the
//! last process, brokers included.

use std::process::{Command, ExitCode};

use rustix::io::Errno;
use rustix::process::{Pid, Signal as KillSignal, WaitOptions, getpid, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// Must be called first in `main`. `None` if this process is not PID 1 and should continue;
/// otherwise a child has done the work, and this is its exit code.
#[must_use]
pub(crate) fn supervise() -> Option<ExitCode> {
    if !getpid().is_init() {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    // Where no worker can be started, the work is done here: unsupervised is better than not at all.
    let code = runtime.block_on(watch()).ok()?;
    Some(ExitCode::from(code))
}

async fn watch() -> std::io::Result<u8> {
    let mut child_ended = signal(SignalKind::child())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut quit = signal(SignalKind::quit())?;
    let worker = start_worker()?;
    let mut code = None;
    loop {
        if reap(worker, &mut code) == Remaining::Nothing {
            return Ok(code.unwrap_or(1));
        }
        let forwarded = tokio::select! {
            _ = child_ended.recv() => None,
            _ = terminate.recv() => Some(KillSignal::TERM),
            _ = interrupt.recv() => Some(KillSignal::INT),
            _ = hangup.recv() => Some(KillSignal::HUP),
            _ = quit.recv() => Some(KillSignal::QUIT),
        };
        // Only the worker gets the signal; a broker ends by itself once its clients have gone.
        if let Some(signal) = forwarded
            && code.is_none()
        {
            let _ = kill_process(worker, signal);
        }
    }
}

fn start_worker() -> std::io::Result<Pid> {
    // Not waited for here: `reap` takes in every process that ends.
    let child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .spawn()?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("a process without a number"))
}

#[derive(PartialEq)]
enum Remaining {
    Children,
    Nothing,
}

/// Reaps every process that has ended; notes the worker's exit code.
fn reap(worker: Pid, code: &mut Option<u8>) -> Remaining {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == worker => {
                let status = status
                    .exit_status()
                    .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
                *code = Some(
                    status
                        .and_then(|status| u8::try_from(status).ok())
                        .unwrap_or(1),
                );
            }
            Ok(Some(_)) | Err(Errno::INTR) => {}
            Ok(None) => return Remaining::Children,
            Err(_) => return Remaining::Nothing,
        }
    }
}
