//! Randomness: seeded where a run must be repeatable, from the system where two runs must differ.

use std::hash::{BuildHasher, Hasher};

use claimlake_contract::splitmix64::{SplitMix64, mix};

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A generator of whatever is drawn by lot.
#[derive(Debug, Clone)]
pub(crate) struct Random(SplitMix64);

impl Random {
    /// The generator of `seed`: the same numbers on any machine.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(SplitMix64::new(seed))
    }

    /// The generator of these parts, whatever was drawn from others before.
    pub(crate) fn of(parts: &[u64]) -> Self {
        let start = 0x6a09_e667_f3bc_c908;
        let step = |state: u64, part: &u64| mix(state ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Self::seeded(parts.iter().fold(start, step))
    }

    /// A generator that no other process repeats: a token must not be valid in another sandbox for
    /// another patient.
    pub(crate) fn from_system() -> Self {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u64(0x5eed);
        Self::seeded(hasher.finish())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number from 0 to `bound` - 1 (0 where `bound` is 0).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let product = (self.next() >> 32) * u64::from(bound);
        u32::try_from(product >> 32).unwrap_or_default()
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in `per_mille` of a thousand cases.
    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1000) < per_mille
    }

    /// One of `choices`; the default where there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let bound = u32::try_from(choices.len()).unwrap_or(u32::MAX);
        let index = usize::try_from(self.below(bound)).unwrap_or_default();
        choices.get(index).copied().unwrap_or_default()
    }

    /// One of `choices`, drawn by the weight beside it.
    pub(crate) fn weighted<T: Copy + Default>(&mut self, choices: &[(u32, T)]) -> T {
        let drawn = self.below(choices.iter().map(|(weight, _)| weight).sum());
        at_weight(choices, drawn)
    }

    /// Letters and digits, as tokens, codes and client ids have them.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        self.text(ALPHANUMERIC, length)
    }

    /// Decimal digits.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        self.text(b"0123456789", length)
    }

    fn text<const N: usize>(&mut self, letters: &[u8; N], length: usize) -> String {
        let index = |drawn: u64| usize::try_from(drawn % (N as u64)).unwrap_or_default();
        (0..length)
            .map(|_| char::from(letters[index(self.next())]))
            .collect()
    }

    /// A random (version 4) UUID (RFC 9562, section 5.4).
    pub(crate) fn uuid(&mut self) -> String {
        let (high, low) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | ((low >> 48) & 0x3fff),
            low & 0xffff_ffff_ffff
        )
    }
}

/// The choice at a position between 0 and the sum of all weights.
pub(crate) fn at_weight<T: Copy + Default>(choices: &[(u32, T)], mut position: u32) -> T {
    for (weight, choice) in choices {
        if position < *weight {
            return *choice;
        }
        position -= weight;
    }
    T::default()
}

/// A number between 0 and 1 that depends on nothing but its arguments, so that a seeded fault
/// hits the same requests whatever their timing.
pub(crate) fn share(seed: u64, parts: &[&[u8]]) -> f64 {
    let mut state = mix(seed ^ 0x0123_4567_89ab_cdef);
    for part in parts {
        for byte in *part {
            state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        state = mix(state);
    }
    let top = u32::try_from(state >> 32).unwrap_or_default();
    f64::from(top) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Random, share};

    #[test]
    fn equal_seeds_give_equal_numbers_and_others_do_not() {
        let text = |seed| Random::seeded(seed).alphanumeric(40);
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
        assert_eq!(text(7).len(), 40);
        let number = |parts: &[u64]| Random::of(parts).next();
        assert_eq!(number(&[1, 2]), number(&[1, 2]));
        assert_ne!(number(&[1, 2]), number(&[2, 1]));
    }

    #[test]
    fn weights_and_rates_decide_how_often_something_is_drawn() {
        let mut random = Random::of(&[3]);
        let drawn = (0..10_000).filter(|_| random.weighted(&[(1, false), (3, true)]));
        let drawn = drawn.count();
        assert!((7_300..7_700).contains(&drawn), "{drawn}");
        assert_eq!(random.below(0), 0);
        let injected = (0..1000_u32)
            .filter(|attempt| share(1, &[b"/v2/fhir/Patient", &attempt.to_be_bytes()]) < 0.25)
            .count();
        assert!((200..300).contains(&injected), "{injected}");
    }
}
