//! A pace for all requests: given, or learned when the server throttles everybody.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Of the requests admitted in a second, so much is asked for at first.
const FIRST_CUT: f64 = 0.97;
/// And so much of the pace, where it proves too fast again.
const LATER_CUT: f64 = 0.93;
/// Growth a second: fast up to near the pace that was too fast, slow beyond.
const FAST_GROWTH: f64 = 0.05;
const SLOW_GROWTH: f64 = 0.005;
const NEAR: f64 = 0.95;
const LOWEST_RATE: f64 = 1.0;
const REMEMBERED: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(500);
const ONE_BURST: Duration = Duration::from_secs(1);

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

    /// When the next request may be sent; the slot is then taken.
    pub(super) fn next_slot(&mut self, now: Instant) -> Instant {
        let earliest = self.paused_until.map_or(now, |until| until.max(now));
        if earliest <= now {
            self.end_burst(now);
        }
        self.grow(now);
        let Some(rate) = self.rate() else {
            return earliest;
        };
        let slot = self.next_slot.map_or(earliest, |slot| slot.max(earliest));
        self.next_slot = Some(slot + Duration::from_secs_f64(1.0 / rate));
        slot
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

    pub(super) fn everybody_throttled(
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
        self.burst_ended = Some(now);
        let learned = match self.rate {
            Some(rate) => {
                self.too_fast = rate;
                rate * LATER_CUT
            }
            None => {
                let counted = self.most_in_a_second(first);
                self.too_fast = counted;
                counted * FIRST_CUT
            }
        };
        self.rate = Some(learned.max(LOWEST_RATE));
        self.grown_at = Some(now);
        self.next_slot = None;
    }

    /// Requests admitted by the server in the second around the burst's first refusal.
    fn most_in_a_second(&self, first_refused: Instant) -> f64 {
        let begin = first_refused
            .checked_sub(ONE_BURST)
            .unwrap_or(first_refused);
        let ok: Vec<Instant> = self
            .admitted
            .iter()
            .filter(|(at, ok)| *ok && *at >= begin)
            .map(|(at, _)| *at)
            .collect();
        let in_second_from = |start: &Instant| {
            let end = *start + ONE_BURST;
            ok.iter().filter(|at| *at >= start && **at < end).count()
        };
        ok.iter().map(in_second_from).max().unwrap_or(0) as f64
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
