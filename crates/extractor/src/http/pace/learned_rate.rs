//! A rate learned from what a server refuses: held, tried a little higher, lowered.
//!
//! A rate is *proven* once it was kept up for longer than a window of one second without a refusal.
//! From there a little more is tried, in steps that grow while they succeed: the limit has risen
//! then. What is refused in trials puts the next one off, so that it stays a small share of all
//! requests whatever kind of limit the server has.

use std::time::Duration;

use super::sent_log::Counts;

/// How long a rate has to be kept up: longer than the window in which most servers count.
const LOOK: Duration = Duration::from_millis(1100);
pub(super) const WINDOW: Duration = Duration::from_secs(1);
/// The steps of a trial: the first by so many requests per second at least.
const MORE: f64 = 1.0;
const STEPS: [f64; 3] = [1.04, 1.5, 2.0];
/// A rate so far above a proven one leaves room for another between them.
const LONG_STEP: f64 = 1.15;
/// Below a rate that is far too high.
const LARGEST_CUT: f64 = 0.7;
const SMALLEST_CUT: f64 = 0.96;
/// Refusals in trials, as a share of all requests.
const TRIAL_REFUSALS: f64 = 0.025;
/// So long after a trial, refusals still belong to it.
const AFTERMATH: Duration = Duration::from_secs(2);
const LONGEST_DELAY: Duration = Duration::from_secs(6);
const LOWEST_RATE: f64 = 1.0;

/// Whose requests are controlled, which decides what a refusal costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All grants: one that is refused waits alone, unless the rate is far off.
    AllGrants,
    /// One grant: all its requests wait.
    OneGrant,
}

#[derive(Debug)]
pub(super) struct LearnedRate {
    scope: Scope,
    rate: f64,
    /// Since when the rate applies.
    since: Duration,
    stage: Stage,
    proven: f64,
    /// The lowest rate that was refused, or infinity.
    refused: f64,
    /// The next step of a trial.
    step: usize,
    /// To the end of its window, a server goes on to refuse whatever comes: requests sent before
    /// this belong to a refusal that is known.
    same_window_until: Duration,
    trial_ended: Duration,
    /// When the next trial may begin.
    next_trial: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Hold,
    Trial,
}

/// What the server admitted before it refused much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Estimate {
    /// Requests in a second.
    pub(super) rate: f64,
    /// Whether some were admitted after others were refused.
    pub(super) is_mixed: bool,
    /// Whether requests were sent for so short a time that the limit may well be higher.
    pub(super) is_short: bool,
}

impl LearnedRate {
    /// The first rate.
    pub(super) fn new(scope: Scope, estimate: Estimate, now: Duration) -> Self {
        let rate = estimate.rate.max(LOWEST_RATE);
        Self {
            scope,
            rate,
            since: now,
            stage: Stage::Trial,
            proven: rate * SMALLEST_CUT,
            // Of a window that was filled, the limit is known.
            refused: match estimate.is_mixed {
                true => f64::INFINITY,
                false => rate * STEPS[0] * STEPS[0],
            },
            step: 0,
            same_window_until: now,
            trial_ended: now,
            next_trial: now,
        }
    }

    /// Requests per second.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether a refusal of a request sent then is news.
    pub(super) fn is_news(&self, sent_at: Duration) -> bool {
        sent_at >= self.since && sent_at >= self.same_window_until
    }

    /// Goes on after a pause in which nothing was sent.
    pub(super) fn resume(&mut self, now: Duration) {
        self.since = now;
    }

    /// Goes on after a pause, since much was refused.
    pub(super) fn restart(&mut self, estimate: Estimate, now: Duration) {
        let before = self.rate;
        let cut = match self.stage {
            Stage::Hold => before * LARGEST_CUT,
            Stage::Trial => (self.proven * before).sqrt().min(before * SMALLEST_CUT),
        };
        // A step that was too long does not call in question what was proven before it.
        let least = match before > self.proven * LONG_STEP {
            true => self.proven * 0.9,
            false => 0.0,
        };
        let rate = estimate.rate.min(cut).max(least);
        if estimate.is_short || !self.is_aftermath(now) {
            // What was refused says nothing of the new rate.
            self.next_trial = now;
        }
        self.refused = before;
        self.proven = self.proven.min(rate * SMALLEST_CUT);
        self.step = 0;
        self.change(rate, Stage::Trial, now);
    }

    /// Begins a trial where one is due.
    pub(super) fn advance(&mut self, now: Duration) {
        if self.stage == Stage::Hold && now >= self.next_trial {
            self.step = 1;
            self.change(self.short_step(), Stage::Trial, now);
        }
    }

    /// A request was admitted; in the second up to it, so many were.
    pub(super) fn admitted(&mut self, sent_at: Duration, in_a_second: impl FnOnce() -> f64) {
        if self.stage != Stage::Trial || sent_at < self.since + LOOK {
            return;
        }
        // Only a rate that was used is proven.
        if in_a_second() + 1.0 >= 0.8 * self.rate {
            self.prove(sent_at);
        }
    }

    /// A little more, and enough for a refusal within a window where the limit is reached.
    fn short_step(&self) -> f64 {
        (self.rate * STEPS[0]).max(self.rate + MORE)
    }

    fn prove(&mut self, now: Duration) {
        self.proven = self.rate;
        if self.rate >= self.refused {
            (self.refused, self.step) = (f64::INFINITY, 1);
        }
        if now < self.next_trial {
            return self.change(self.rate, Stage::Hold, now);
        }
        let mut next = self.rate * STEPS[self.step.min(STEPS.len() - 1)];
        if self.refused.is_finite() {
            next = next.min((self.rate * self.refused).sqrt());
        }
        let next = next.max(self.short_step());
        self.step += 1;
        self.change(next, Stage::Trial, now);
    }

    /// A small share of the requests was refused, which is news; the server asks to `wait`.
    pub(super) fn lower(&mut self, counts: Counts, wait: Duration, now: Duration) {
        // A trial costs what the refused requests wait: the longer, the rarer are trials, and the
        // farther must a refused rate be above a proven one for another to be tried between them.
        let (least_hold, far_above) = match self.scope {
            Scope::AllGrants => (wait * 2, LONG_STEP),
            Scope::OneGrant => (wait * 12, 1.6),
        };
        let has_room = self.rate > self.proven * far_above;
        self.refused = self.rate;
        self.same_window_until = now + WINDOW;
        self.next_trial = self.next_trial.max(now + least_hold);
        self.step = 0;
        match self.stage {
            Stage::Trial if has_room => {
                let between = match self.scope {
                    Scope::AllGrants => (self.proven * self.rate).sqrt(),
                    // What was admitted in a second is hardly below the limit.
                    Scope::OneGrant => counts.admitted * SMALLEST_CUT,
                };
                let between = between.clamp(self.proven, self.rate * SMALLEST_CUT);
                self.change(between, Stage::Trial, now);
            }
            Stage::Trial => self.change(self.proven, Stage::Hold, now),
            Stage::Hold => {
                let all = (counts.refused + counts.admitted).max(self.rate);
                let share = counts.refused / all;
                let cut = (1.0 - 1.25 * share).clamp(LARGEST_CUT, SMALLEST_CUT);
                self.change(self.rate * cut, Stage::Hold, now);
                self.proven = self.rate;
            }
        }
    }

    /// Puts the next trial off by a refusal that this one, or the last, brought about.
    pub(super) fn charge(&mut self, now: Duration) {
        if self.stage == Stage::Trial {
            self.trial_ended = now;
        }
        if self.is_aftermath(now) {
            let delay = Duration::from_secs_f64(1.0 / (TRIAL_REFUSALS * self.rate));
            let next = (self.next_trial.max(now) + delay).min(now + LONGEST_DELAY);
            self.next_trial = self.next_trial.max(next);
        }
    }

    fn is_aftermath(&self, now: Duration) -> bool {
        self.stage == Stage::Trial || now < self.trial_ended + AFTERMATH
    }

    fn change(&mut self, rate: f64, stage: Stage, now: Duration) {
        if self.stage == Stage::Trial {
            self.trial_ended = now;
        }
        self.rate = rate.max(LOWEST_RATE);
        self.stage = stage;
        self.since = now;
    }
}
