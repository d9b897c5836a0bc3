//! How long to wait before trying again, how often, and when trying again does more harm.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::lock::lock;

/// Steps double up to this many times the first.
const LONGEST_STEP: u32 = 65;

/// Tries of one request, the first included.
pub(crate) const TRIES: u32 = 12;
/// Tries where each costs a whole time-out.
pub(crate) const TRIES_AFTER_TIMEOUT: u32 = 4;
/// Tries where the server cannot even be reached and never was in this run.
pub(crate) const TRIES_TO_CONNECT: u32 = 4;
/// A longer `Retry-After` ([RFC 9110, section
/// 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3)) parks the patient.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Seeded randomness for jitter.
#[derive(Debug)]
pub(crate) struct Jitter(Mutex<u64>);

impl Jitter {
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// A number from 0 to 1 (splitmix64).
    pub(crate) fn share(&self) -> f64 {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // 53 bits: the precision of a float.
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Full jitter: anything up to a step that doubles with every try.
pub(crate) fn back_off(first_step: Duration, tries: u32, share: f64) -> Duration {
    let factor = (1u32 << tries.min(16)).min(LONGEST_STEP);
    (first_step * factor).mul_f64(share)
}

/// Retries allowed for the whole run: a share of the requests, and some to begin with.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    requests: AtomicU64,
    retries: AtomicU64,
}

const FREE_RETRIES: u64 = 100;
const RETRIES_PER_REQUESTS: u64 = 5;

impl Budget {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(crate) fn retries(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }

    /// Whether one more retry is allowed; it is then counted.
    pub(crate) fn retry(&self) -> bool {
        let allowed = FREE_RETRIES + self.requests() / RETRIES_PER_REQUESTS;
        self.retries.fetch_add(1, Ordering::Relaxed) < allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Budget, Jitter, back_off};

    #[test]
    fn steps_double_up_to_the_longest_and_jitter_covers_all_of_one() {
        let first = Duration::from_millis(200);
        assert_eq!(back_off(first, 0, 1.0), first);
        assert_eq!(back_off(first, 3, 1.0), Duration::from_millis(1600));
        assert_eq!(back_off(first, 30, 1.0), Duration::from_secs(13));
        assert_eq!(back_off(first, 5, 0.0), Duration::ZERO);
    }

    #[test]
    fn jitter_is_the_same_for_the_same_seed_and_stays_within_its_bounds() {
        let (left, right) = (Jitter::seeded(7), Jitter::seeded(7));
        for _ in 0..1000 {
            let share = left.share();
            assert_eq!(share.to_bits(), right.share().to_bits());
            assert!((0.0..1.0).contains(&share));
        }
    }

    #[test]
    fn retries_end_where_they_are_more_than_a_share_of_the_requests() {
        let budget = Budget::default();
        for _ in 0..1000 {
            budget.request();
        }
        let allowed = (0..1000).filter(|_| budget.retry()).count();
        assert_eq!(allowed, 300);
    }
}
