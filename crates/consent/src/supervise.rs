//! Being PID 1 of a container: when it ends, the kernel kills everything else, refreshes under
//! way included. So PID 1 does no work of its own: it starts a worker, hands signals on, reaps
//! what is orphaned, and ends when nothing is left, brokers included.

use std::process::{Command, ExitCode};

use rustix::io::Errno;
use rustix::process::{Pid, Signal as KillSignal, WaitOptions, getpid, kill_process, wait};
use tokio::signal::unix::{SignalKind, signal};

/// To be called first in `main`: none where this process is not PID 1 and should go on; otherwise
/// the work is done in a child, and this is how it ended.
#[must_use]
pub fn supervise() -> Option<ExitCode> {
    if !getpid().is_init() {
        return None;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    // Without a worker, the work is done here: unsupervised is better than not at all.
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
        if reap(worker, &mut code) == Left::Nothing {
            return Ok(code.unwrap_or(1));
        }
        let hand_on = tokio::select! {
            _ = child_ended.recv() => None,
            _ = terminate.recv() => Some(KillSignal::TERM),
            _ = interrupt.recv() => Some(KillSignal::INT),
            _ = hangup.recv() => Some(KillSignal::HUP),
            _ = quit.recv() => Some(KillSignal::QUIT),
        };
        // Only the worker gets the signal; a broker ends by itself once the worker has gone.
        if let Some(signal) = hand_on
            && code.is_none()
        {
            let _ = kill_process(worker, signal);
        }
    }
}

fn start_worker() -> std::io::Result<Pid> {
    // Not waited for here: everything that ends is reaped in one place.
    let child = Command::new(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .spawn()?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| std::io::Error::other("a process without a number"))
}

#[derive(PartialEq)]
enum Left {
    Children,
    Nothing,
}

/// Takes in all that has ended; notes how the worker did.
fn reap(worker: Pid, code: &mut Option<u8>) -> Left {
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
            Ok(None) => return Left::Children,
            Err(_) => return Left::Nothing,
        }
    }
}
