//! Simulated servers with a rate limit, and clients that read from them at the pace under test. Time is
//! tokio's paused clock: nothing here takes real time, and every run is the same.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use claimlake_contract::GrantHandle;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Ended, Pace, Throttled};

/// How a server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// In windows of a second, the next of which begins with the first request after the last.
    FixedWindow,
    /// In windows that begin with each second of the clock.
    ClockWindow,
    /// What it admitted within the last second.
    SlidingWindow,
    /// Tokens that are refilled all the time, up to those of so many seconds.
    TokenBucket(f64),
}

/// What the server counts of one token, or of all.
struct Counter {
    kind: Kind,
    window: Option<f64>,
    seen: u32,
    admitted: VecDeque<f64>,
    tokens: f64,
    refilled: f64,
}

impl Counter {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            window: None,
            seen: 0,
            admitted: VecDeque::new(),
            tokens: f64::INFINITY,
            refilled: 0.0,
        }
    }

    fn admits(&mut self, now: f64, limit: u32) -> bool {
        match self.kind {
            Kind::FixedWindow | Kind::ClockWindow => {
                // The clock's seconds are not those of the test.
                let begin = match self.kind {
                    Kind::ClockWindow => (now + 0.37).floor() - 0.37,
                    _ => now,
                };
                if self.window.is_none_or(|began| now - began >= 1.0) {
                    (self.window, self.seen) = (Some(begin), 0);
                }
                self.seen += 1;
                self.seen <= limit
            }
            Kind::SlidingWindow => {
                while self.admitted.front().is_some_and(|at| now - at >= 1.0) {
                    self.admitted.pop_front();
                }
                let admits = self.admitted.len() < limit as usize;
                if admits {
                    self.admitted.push_back(now);
                }
                admits
            }
            Kind::TokenBucket(seconds) => {
                let limit = f64::from(limit);
                let refill = (now - self.refilled) * limit;
                self.tokens = (self.tokens + refill).min((seconds * limit).max(1.0));
                self.refilled = now;
                let admits = self.tokens >= 1.0;
                self.tokens -= f64::from(u8::from(admits));
                admits
            }
        }
    }
}

/// Whom a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitOf {
    AllTogether,
    /// Each token alone, and the server's headers say so.
    EachToken,
    /// The token of the first patient, and no header says so; the others have no limit.
    FirstToken,
}

/// A server, and how it is read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scenario<'a> {
    pub(super) kind: Kind,
    pub(super) of: LimitOf,
    /// From which second on which limit applies.
    pub(super) limits: &'a [(u64, u32)],
    /// From the request to the answer; the server counts after a third of it.
    pub(super) latency: Duration,
    pub(super) patients: u8,
    pub(super) seconds: u64,
}

impl Scenario<'_> {
    fn limit(&self, now: f64) -> u32 {
        let begun = |(from, _): &&(u64, u32)| *from as f64 <= now;
        self.limits.iter().rfind(begun).unwrap().1
    }

    /// What the headers of a 429 say. Of a limit for all they name the token's all the same.
    fn spent_limit(&self, now: f64) -> Option<u32> {
        match self.of {
            LimitOf::AllTogether => Some(100_000),
            LimitOf::EachToken => Some(self.limit(now)),
            LimitOf::FirstToken => None,
        }
    }
}

/// What the server answered to one patient or to all, by the second in which it counted.
#[derive(Debug, Default, Clone)]
pub(super) struct Answers {
    admitted: Vec<u32>,
    refused: Vec<u32>,
}

impl Answers {
    fn add(&mut self, now: f64, is_admitted: bool) {
        let list = match is_admitted {
            true => &mut self.admitted,
            false => &mut self.refused,
        };
        let second = now as usize;
        if list.len() <= second {
            list.resize(second + 1, 0);
        }
        list[second] += 1;
    }

    fn sum(list: &[u32], from: u64, to: u64) -> f64 {
        let counted = list.iter().take(to as usize).skip(from as usize);
        f64::from(counted.sum::<u32>())
    }

    /// Requests that were admitted per second.
    pub(super) fn per_second(&self, from: u64, to: u64) -> f64 {
        Self::sum(&self.admitted, from, to) / (to - from) as f64
    }

    pub(super) fn share_refused(&self, from: u64, to: u64) -> f64 {
        let refused = Self::sum(&self.refused, from, to);
        refused / (refused + Self::sum(&self.admitted, from, to)).max(1.0)
    }
}

/// Reads for so long, six requests of each patient at once; the answers to each patient.
pub(super) async fn read(scenario: Scenario<'_>) -> Vec<Answers> {
    let pace = Pace::new(128, None);
    let began = Instant::now();
    let counters = Mutex::new(HashMap::new());
    let admits = |patient: u8| {
        let key = match scenario.of {
            LimitOf::AllTogether => 0,
            LimitOf::EachToken => patient,
            LimitOf::FirstToken if patient == 0 => 0,
            LimitOf::FirstToken => return true,
        };
        let now = began.elapsed().as_secs_f64();
        let mut counters = counters.lock().unwrap();
        let counter = counters
            .entry(key)
            .or_insert_with(|| Counter::new(scenario.kind));
        counter.admits(now, scenario.limit(now))
    };
    let answers = Mutex::new(vec![Answers::default(); usize::from(scenario.patients)]);
    let one_request_after_another = |number: u16| {
        let (pace, answers, admits) = (&pace, &answers, &admits);
        async move {
            let patient = (number % u16::from(scenario.patients)) as u8;
            let grant = GrantHandle::from_random([patient; 8]);
            while began.elapsed().as_secs() < scenario.seconds {
                let permit = pace.admit(&grant).await.unwrap();
                sleep(scenario.latency / 3).await;
                let is_admitted = admits(patient);
                let now = began.elapsed().as_secs_f64();
                answers.lock().unwrap()[usize::from(patient)].add(now, is_admitted);
                sleep(scenario.latency * 2 / 3).await;
                let ended = match is_admitted {
                    true => Ended::Well,
                    false => Ended::Throttled(Throttled {
                        wait: Some(Duration::from_secs(1)),
                        spent_limit: scenario.spent_limit(began.elapsed().as_secs_f64()),
                    }),
                };
                permit.ended(&grant, ended);
            }
        }
    };
    join_all((0..6 * u16::from(scenario.patients)).map(one_request_after_another)).await;
    answers.into_inner().unwrap()
}

/// The answers to all patients together.
pub(super) fn together(answers: &[Answers]) -> Answers {
    let mut all = Answers::default();
    for one in answers {
        for (list, more) in [
            (&mut all.admitted, &one.admitted),
            (&mut all.refused, &one.refused),
        ] {
            list.resize(list.len().max(more.len()), 0);
            list.iter_mut().zip(more).for_each(|(sum, one)| *sum += one);
        }
    }
    all
}
