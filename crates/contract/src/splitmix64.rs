//! A small seeded generator of numbers, for jitter and for synthetic or test data; never for secrets.

const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// Sebastiano Vigna's SplitMix64: a seed gives the same numbers on any machine.
///
/// ```
/// use claimlake_contract::splitmix64::SplitMix64;
///
/// let mut numbers = SplitMix64::new(7);
/// assert!(numbers.below(6) < 6);
/// assert_eq!(SplitMix64::new(7).next_u64(), SplitMix64::new(7).next_u64());
/// ```
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator of a seed; any seed is good.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GAMMA);
        mix(self.0)
    }

    /// A number from 0 to `end - 1`; 0 where `end` is 0. Slightly uneven where `end` is large.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end.max(1)
    }

    /// A number from 0 to just below 1.
    pub fn share(&mut self) -> f64 {
        // 53 bits: as many as a float between 0 and 1 has.
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The finisher of SplitMix64: spreads the bits of a number, one to one.
#[must_use]
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A random number that depends only on the row and the purpose, not on the order of calls.
#[must_use]
pub fn at(row: u64, purpose: u64) -> u64 {
    mix((row.wrapping_add(1)).wrapping_mul(GAMMA) ^ (purpose << 32))
}

#[cfg(test)]
mod tests {
    use super::SplitMix64;

    /// From the reference implementation, <https://prng.di.unimi.it/splitmix64.c>.
    #[test]
    fn the_numbers_of_a_seed_are_those_of_the_reference_implementation() {
        let mut numbers = SplitMix64::new(1_234_567);
        let drawn = [(); 3].map(|()| numbers.next_u64());
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        assert_eq!(drawn, expected);
    }
}
