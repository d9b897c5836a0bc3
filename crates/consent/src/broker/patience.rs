//! How long a client waits for the broker, what it logs meanwhile, and when it gives up.
//!
//! Time is counted in ticks of this process's own timer, not by the clock: a client that was
//! stopped for an hour (SIGSTOP, a suspended laptop) has waited for one tick only. Giving up never
//! ends the broker, which may be in the middle of a refresh: ending it there can cost a consent.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::process_state::process_state;
use super::protocol::{Activity, Failure, FailureKind};

/// Limits of every call to the broker, in ticks.
#[derive(Debug, Clone, Copy)]
pub struct BrokerPatience {
    /// The length of a tick.
    pub tick: Duration,
    /// The log says what is being waited for after this many ticks, and again each time as many
    /// have passed.
    pub notice_after: u32,
    /// After how many ticks without any message the broker is given up.
    pub silent: u32,
    /// After how many ticks the broker is given up if it is alive, but its work on the vault does
    /// not end.
    pub on_disk: u32,
    /// After how many ticks any call is given up.
    pub total: u32,
}

impl Default for BrokerPatience {
    /// A log message after 10 seconds. A call ends after one minute without a sign of life, five
    /// minutes of a disk that does not answer, or fifteen minutes in all.
    fn default() -> Self {
        Self {
            tick: Duration::from_secs(1),
            notice_after: 10,
            silent: 60,
            on_disk: 300,
            total: 900,
        }
    }
}

/// What was received from the broker during a call.
#[derive(Debug, Default)]
pub(super) struct SignsOfLife {
    lines: AtomicU64,
    activity: Mutex<Activity>,
}

impl SignsOfLife {
    /// A complete line was received.
    pub(super) fn line(&self) {
        self.lines.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn activity(&self, activity: Activity) {
        *self.locked() = activity;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Activity> {
        self.activity
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Makes calls that wait at the same time log one message together.
#[derive(Debug, Default)]
pub(super) struct Notices(Mutex<Option<Instant>>);

impl Notices {
    /// Logs a message, unless another call has just logged one.
    fn say(&self, patience: &BrokerPatience, words: &str) {
        let mut last = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let pause = patience.tick * patience.notice_after;
        if last.is_none_or(|last| last.elapsed() >= pause) {
            *last = Some(Instant::now());
            tracing::warn!("{words}");
        }
    }
}

/// A call that waits.
pub(super) struct Waiting<'a> {
    pub(super) patience: &'a BrokerPatience,
    pub(super) notices: &'a Notices,
    pub(super) signs: &'a SignsOfLife,
    /// The broker's process, where it is known.
    pub(super) pid: Option<u32>,
    /// What was requested, for messages.
    pub(super) asked: &'a str,
}

impl Waiting<'_> {
    /// Waits for `work` within the limits.
    ///
    /// # Errors
    /// [`FailureKind::Unavailable`], naming the broker, what was asked and what to do.
    pub(super) async fn for_it<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::pin!(work);
        let mut lines = self.signs.lines.load(Ordering::SeqCst);
        let (mut ticks, mut silent, mut on_disk) = (0u32, 0u32, 0u32);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = sleep(self.patience.tick) => {}
            }
            ticks += 1;
            let seen = self.signs.lines.load(Ordering::SeqCst);
            silent = if seen == lines { silent + 1 } else { 0 };
            lines = seen;
            let activity = *self.signs.locked();
            let is_on_disk = activity.on_disk_s.is_some_and(|seconds| seconds > 0);
            on_disk = if is_on_disk { on_disk + 1 } else { 0 };
            let reason = if silent >= self.patience.silent {
                self.no_sign_of_life()
            } else if on_disk >= self.patience.on_disk {
                format!(
                    "{} waits for the disk of the data directory and has not answered (asked for: \
                     {}): see whether that disk works, and what else locks vault.db{}, then run \
                     again",
                    self.broker(),
                    self.asked,
                    activity
                        .vault_holder
                        .map_or(String::new(), |pid| format!(" (process {pid} does)")),
                )
            } else if ticks >= self.patience.total {
                format!(
                    "{} has not answered in {} seconds (asked for: {}); it is left to finish: run \
                     again later",
                    self.broker(),
                    self.seconds(ticks),
                    self.asked
                )
            } else {
                if ticks.is_multiple_of(self.patience.notice_after) {
                    let words = self.notice(ticks, silent, activity);
                    self.notices.say(self.patience, &words);
                }
                continue;
            };
            return Err(Failure {
                kind: FailureKind::Unavailable,
                reason,
            });
        }
    }

    /// What is being waited for, as far as the broker or the operating system reports it.
    fn notice(&self, ticks: u32, silent: u32, activity: Activity) -> String {
        let why = match (activity.posting_s, activity.on_disk_s) {
            _ if silent >= self.patience.notice_after => match self.pid {
                Some(pid) => process_state(pid).words().to_owned(),
                None => "it gives no sign of life".to_owned(),
            },
            (_, Some(seconds)) if seconds > 0 => match activity.vault_holder {
                Some(pid) => format!("process {pid} has vault.db locked"),
                None => format!("the vault on its disk has not answered for {seconds} s"),
            },
            _ if activity.lock_holder.is_some() => format!(
                "process {} holds the token lock of this data directory",
                activity.lock_holder.unwrap_or_default()
            ),
            (Some(seconds), _) => format!("the token endpoint has not answered for {seconds} s"),
            _ => "others come first".to_owned(),
        };
        format!(
            "waiting for {} for {} s (asked for: {}): {why}",
            self.broker(),
            self.seconds(ticks),
            self.asked,
        )
    }

    /// Why the broker is given up, and what to do.
    fn no_sign_of_life(&self) -> String {
        let seconds = self.seconds(self.patience.silent);
        let (state, advice) = match self.pid {
            Some(pid) => {
                let state = process_state(pid);
                (format!(": {}", state.words()), state.advice(pid))
            }
            None => (String::new(), "run again".to_owned()),
        };
        format!(
            "{} has given no sign of life for {seconds} seconds (asked for: {}){state}. It was left \
             alone, since it may be in the middle of a refresh, and reads the answer once it goes \
             on. {advice}",
            self.broker(),
            self.asked
        )
    }

    fn seconds(&self, ticks: u32) -> u64 {
        (self.patience.tick * ticks).as_secs().max(1)
    }

    fn broker(&self) -> String {
        match self.pid {
            Some(pid) => format!("the token broker (process {pid})"),
            None => "the token broker".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
