//! When a request may be sent: the pauses that a server asks for, and the rate between them.

use std::time::Duration;

use super::learned_rate::{Estimate, LearnedRate, Scope, WINDOW};
use super::sent_log::SentLog;

/// Of what a server admitted in a second, so much is asked for.
const SHARE_OF_ADMITTED: f64 = 0.96;
/// A larger share of refused requests in one second means that the rate is far off.
const FAR_OFF: f64 = 0.2;
/// And that they are at least so large a share of the rate.
const MANY: f64 = 0.1;
/// Timers are late by so much at most; what is lost by that is made up for, idle time is not.
const LATENESS: Duration = Duration::from_millis(20);
/// Where a server does not say how long to wait.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(1);
/// Seconds between two requests, however low the given rate is.
const LONGEST_APART: f64 = 86_400.0;
/// Until anything is known, requests do not leave all at once: the fewer are refused where there is a
/// limit. Requests per second, more with each that is admitted.
const OPENING_RATE: f64 = 500.0;
const OPENING_GROWTH: f64 = 5.0;
const OPENING: u32 = 500;

#[derive(Debug)]
pub(super) struct RateControl {
    scope: Scope,
    given: Option<f64>,
    learned: Option<LearnedRate>,
    log: SentLog,
    admitted: u32,
    next_slot: Option<Duration>,
    pause: Option<Pause>,
    /// When the last pause ended.
    resumed: Duration,
}

/// A time without requests. All times are since the beginning.
#[derive(Debug)]
struct Pause {
    from: Duration,
    until: Duration,
    /// Whether the rate is to be estimated from what was admitted before it.
    is_far_off: bool,
}

impl RateControl {
    pub(super) fn new(scope: Scope, given: Option<f64>) -> Self {
        Self {
            scope,
            given: given.filter(|rate| *rate > 0.0),
            learned: None,
            log: SentLog::default(),
            admitted: 0,
            next_slot: None,
            pause: None,
            resumed: Duration::ZERO,
        }
    }

    /// Requests per second that are allowed at the moment, where there is a limit.
    pub(super) fn rate(&self) -> Option<f64> {
        let learned = self.learned.as_ref().map(LearnedRate::rate);
        match (learned, self.given) {
            (Some(learned), Some(given)) => Some(learned.min(given)),
            (learned, given) => learned.or(given),
        }
    }

    pub(super) fn is_learned(&self) -> bool {
        self.learned.is_some()
    }

    pub(super) fn is_paused(&self, now: Duration) -> bool {
        self.pause.as_ref().is_some_and(|pause| pause.until > now)
    }

    pub(super) fn last_sent(&self) -> Option<Duration> {
        self.log.last()
    }

    /// Requests of the last seconds that were admitted.
    pub(super) fn recently_admitted(&self) -> u32 {
        self.log.admitted()
    }

    /// When the next request may be sent, or nothing where it may go now.
    pub(super) fn not_before(&mut self, now: Duration) -> Option<Duration> {
        if let Some(pause) = &self.pause {
            if pause.until > now {
                return Some(pause.until);
            }
            self.end_pause(now);
        }
        if let Some(learned) = &mut self.learned {
            learned.advance(now);
        }
        self.next_slot.filter(|slot| *slot > now)
    }

    /// A request is sent: it takes its turn.
    pub(super) fn sent(&mut self, now: Duration) {
        self.log.sent(now);
        let Some(rate) = self.pace() else {
            self.next_slot = None;
            return;
        };
        let slot = self.next_slot.unwrap_or(now);
        let begin = match now.saturating_sub(slot) < LATENESS {
            true => slot,
            false => now,
        };
        let apart = (1.0 / rate).min(LONGEST_APART);
        self.next_slot = Some(begin + Duration::from_secs_f64(apart));
    }

    fn pace(&self) -> Option<f64> {
        let is_opening = self.scope == Scope::AllGrants && self.admitted < OPENING;
        let opening = OPENING_RATE + OPENING_GROWTH * f64::from(self.admitted);
        self.rate().or(is_opening.then_some(opening))
    }

    pub(super) fn admitted(&mut self, sent_at: Duration) {
        self.admitted = self.admitted.saturating_add(1);
        if let Some(learned) = &mut self.learned {
            let log = &self.log;
            learned.admitted(sent_at, || log.second(Duration::ZERO, sent_at).admitted);
        }
    }

    /// A refusal that says nothing of this rate.
    pub(super) fn note_refused(&mut self, sent_at: Duration) {
        self.log.refused(sent_at);
    }

    /// The server refused a request sent then, and asks to `wait`.
    pub(super) fn refused(&mut self, sent_at: Duration, now: Duration, wait: Option<Duration>) {
        self.log.refused(sent_at);
        let wait = wait.unwrap_or(DEFAULT_WAIT);
        if let Some(pause) = &mut self.pause {
            let until = match self.scope {
                Scope::AllGrants => pause.from + wait,
                Scope::OneGrant => now + wait,
            };
            pause.until = pause.until.max(until);
            return;
        }
        let Some(learned) = &mut self.learned else {
            return self.begin_pause(now, wait, true);
        };
        learned.charge(now);
        if sent_at < self.resumed {
            return;
        }
        let counts = self.log.second(self.resumed, sent_at);
        // One grant pauses at once: there is no share to look at.
        let is_soon = sent_at < self.resumed + WINDOW * 4 / 5;
        // Just after a pause, a few refusals would be a large share.
        let are_many = counts.refused > MANY * learned.rate();
        if (are_many && counts.share_refused() > FAR_OFF)
            || (is_soon && self.scope == Scope::OneGrant)
        {
            self.begin_pause(now, wait, true);
        } else if learned.is_news(sent_at) {
            learned.lower(counts, wait, now);
            if self.scope == Scope::OneGrant {
                self.begin_pause(now, wait, false);
            }
        }
    }

    fn begin_pause(&mut self, from: Duration, wait: Duration, is_far_off: bool) {
        self.pause = Some(Pause {
            from,
            until: from + wait,
            is_far_off,
        });
    }

    /// The pause is over: by now it is known which of the requests before it were refused.
    fn end_pause(&mut self, now: Duration) {
        let Some(pause) = self.pause.take() else {
            return;
        };
        let counts = self.log.second(self.resumed, pause.from);
        self.resumed = now;
        self.next_slot = None;
        let began = counts.began.unwrap_or(pause.from);
        let estimate = Estimate {
            rate: counts.admitted * SHARE_OF_ADMITTED,
            is_mixed: counts.is_mixed,
            is_short: pause.from.saturating_sub(began) < WINDOW / 2,
        };
        match &mut self.learned {
            Some(learned) if pause.is_far_off => learned.restart(estimate, now),
            Some(learned) => learned.resume(now),
            None => self.learned = Some(LearnedRate::new(self.scope, estimate, now)),
        }
    }
}
