//! The requests of the last seconds, and which of them were refused.

use std::collections::VecDeque;
use std::time::Duration;

use super::learned_rate::WINDOW;

const REMEMBERED: Duration = Duration::from_secs(3);

/// When requests were sent, oldest first. A request without an answer counts as admitted.
#[derive(Debug, Default)]
pub(super) struct SentLog {
    requests: VecDeque<(Duration, bool)>,
}

/// What was sent in one second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) admitted: f64,
    pub(super) refused: f64,
    /// When the first of them was sent.
    pub(super) began: Option<Duration>,
    /// Whether one was admitted after another was refused: a server that counts in windows refuses all
    /// to the end of the window.
    pub(super) is_mixed: bool,
}

impl SentLog {
    pub(super) fn sent(&mut self, at: Duration) {
        let is_old = |oldest: &(Duration, bool)| oldest.0 + REMEMBERED < at;
        while self.requests.front().is_some_and(is_old) {
            self.requests.pop_front();
        }
        self.requests.push_back((at, false));
    }

    pub(super) fn refused(&mut self, sent_at: Duration) {
        let mut requests = self.requests.iter_mut().rev();
        if let Some(found) = requests.find(|(at, refused)| *at == sent_at && !refused) {
            found.1 = true;
        }
    }

    /// How many of those that are remembered were admitted.
    pub(super) fn admitted(&self) -> u32 {
        let admitted = self.requests.iter().filter(|(_, refused)| !refused);
        admitted.count().try_into().unwrap_or(u32::MAX)
    }

    pub(super) fn last(&self) -> Option<Duration> {
        self.requests.back().map(|(at, _)| *at)
    }

    /// What was sent in the second up to `end`, and not before `from`.
    pub(super) fn second(&self, from: Duration, end: Duration) -> Counts {
        let mut counts = Counts::default();
        let newest_first = self.requests.iter().rev();
        for (at, refused) in newest_first.skip_while(|(at, _)| *at > end) {
            if *at + WINDOW <= end || *at < from {
                break;
            }
            counts.began = Some(*at);
            match refused {
                true => {
                    counts.refused += 1.0;
                    counts.is_mixed |= counts.admitted > 0.0;
                }
                false => counts.admitted += 1.0,
            }
        }
        counts
    }
}

impl Counts {
    pub(super) fn share_refused(self) -> f64 {
        self.refused / (self.refused + self.admitted).max(1.0)
    }
}
