//! A pace for all requests: given, or learned when the server throttles all grants.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Of the requests admitted in a second, so much is asked for at first.
const FIRST_CUT: f64 = 0.97;
/// And so much of the pace, where it proves too fast again.
const LATER_CUT: f64 = 0.93;
const SOON_AGAIN_CUT: f64 = 0.85;
/// Growth a second: fast up to near the pace that was too fast, slow beyond.
const FAST_GROWTH: f64 = 0.05;
const SLOW_GROWTH: f64 = 0.005;
const NEAR: f64 = 0.95;
const LOWEST_RATE: f64 = 1.0;
const REMEMBERED: Duration = Duration::from_secs(3);
const LATENESS: Duration = Duration::from_millis(20);
const PAUSE: Duration = Duration::from_millis(500);
const ONE_SECOND: Duration = Duration::from_secs(1);
/// A burst that comes so soon after another shows that the pace was far off.
const SOON: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct LearnedPace {
    max_rps: Option<f64>,
    rate: Option<f64>,
    too_fast: f64,
    grown_at: Option<Instant>,
    next_slot: Option<Instant>,
    paused_until: Option<Instant>,
    /// When the first request of the burst that is being waited out was admitted.
    burst: Option<Instant>,
    burst_ended: Option<Instant>,
    admitted: VecDeque<(Instant, bool)>,
}

impl LearnedPace {
    pub(super) fn new(max_rps: Option<f64>) -> Self {
        Self {
            max_rps: max_rps.filter(|rate| *rate > 0.0),
            rate: None,
            too_fast: f64::INFINITY,
            grown_at: None,
            next_slot: None,
            paused_until: None,
            burst: None,
            burst_ended: None,
            admitted: VecDeque::new(),
        }
    }

    pub(super) fn rate(&self) -> Option<f64> {
        match (self.rate, self.max_rps) {
            (Some(learned), Some(given)) => Some(learned.min(given)),
            (learned, given) => learned.or(given),
        }
    }

    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }

    /// When the next request may be tried to be sent, or nothing where it may go now: it then
    /// has taken its turn.
    pub(super) fn not_before(&mut self, now: Instant) -> Option<Instant> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Some(until);
        }
        self.end_burst(now);
        self.grow(now);
        let rate = self.rate()?;
        let slot = self.next_slot.unwrap_or(now);
        if slot > now {
            return Some(slot);
        }
        // Timers come a little late; what is lost by that is made up for, idle time is not.
        let begin = match now - slot < LATENESS {
            true => slot,
            false => now,
        };
        self.next_slot = Some(begin + Duration::from_secs_f64(1.0 / rate));
        None
    }

    pub(super) fn admitted(&mut self, at: Instant) {
        while let Some((oldest, _)) = self.admitted.front()
            && at.duration_since(*oldest) > REMEMBERED
        {
            self.admitted.pop_front();
        }
        self.admitted.push_back((at, true));
    }

    /// The request that was admitted then was throttled: it does not count as admitted.
    pub(super) fn throttled(&mut self, admitted_at: Instant) {
        let found = self
            .admitted
            .iter_mut()
            .find(|(at, ok)| *at == admitted_at && *ok);
        if let Some((_, ok)) = found {
            *ok = false;
        }
    }

    pub(super) fn all_throttled(
        &mut self,
        now: Instant,
        admitted_at: Instant,
        wait: Option<Duration>,
    ) {
        let until = now + wait.unwrap_or(PAUSE);
        self.paused_until = Some(self.paused_until.map_or(until, |known| known.max(until)));
        // Requests sent before the last burst ended belong to it.
        let is_old = self.burst_ended.is_some_and(|ended| admitted_at < ended);
        if self.burst.is_none() && !is_old {
            self.burst = Some(admitted_at);
        }
    }

    /// The pause is over: what was admitted around the burst is known by now.
    fn end_burst(&mut self, now: Instant) {
        let Some(first) = self.burst.take() else {
            return;
        };
        let soon_again = self.burst_ended.is_some_and(|ended| first - ended < SOON);
        self.burst_ended = Some(now);
        let (too_fast, cut) = match self.rate {
            Some(rate) if soon_again => (rate, SOON_AGAIN_CUT),
            Some(rate) => (rate, LATER_CUT),
            None => (self.admitted_before(first), FIRST_CUT),
        };
        self.too_fast = too_fast;
        let learned = too_fast * cut;
        self.rate = Some(learned.max(LOWEST_RATE));
        self.grown_at = Some(now);
        self.next_slot = None;
    }

    /// Requests that the server admitted in the second before it first refused one.
    fn admitted_before(&self, first_refused: Instant) -> f64 {
        let in_the_second_before = |(at, ok): &&(Instant, bool)| {
            *ok && *at <= first_refused && first_refused.duration_since(*at) < ONE_SECOND
        };
        self.admitted.iter().filter(in_the_second_before).count() as f64
    }

    fn grow(&mut self, now: Instant) {
        let (Some(rate), Some(grown_at)) = (self.rate, self.grown_at) else {
            return;
        };
        let growth = match rate < NEAR * self.too_fast {
            true => FAST_GROWTH,
            false => SLOW_GROWTH,
        };
        let elapsed = now.saturating_duration_since(grown_at).as_secs_f64();
        self.rate = Some(rate * (1.0 + growth * elapsed.min(1.0)));
        self.grown_at = Some(now);
    }
}
