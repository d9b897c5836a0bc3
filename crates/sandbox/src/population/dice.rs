//! Seeded randomness of the population: the same numbers for the same parts, on any machine and in
//! any order of asking.

/// A splitmix64 generator named by what it decides.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The generator of these parts; equal parts throw equal dice.
    pub(crate) fn of(parts: &[u64]) -> Self {
        let mut state = 0x6a09_e667_f3bc_c908;
        for part in parts {
            state = mix(state ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        Self(state)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 to `bound` - 1 (0 where `bound` is 0).
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let product = u64::from(self.top()) * u64::from(bound);
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

    /// An index drawn by weight.
    pub(crate) fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if left < *weight {
                return index;
            }
            left -= weight;
        }
        0
    }

    fn top(&mut self) -> u32 {
        u32::try_from(self.next() >> 32).unwrap_or_default()
    }
}

/// The finisher of splitmix64.
pub(crate) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn equal_parts_throw_equal_dice_and_other_parts_others() {
        assert_eq!(Dice::of(&[1, 2]).next(), Dice::of(&[1, 2]).next());
        assert_ne!(Dice::of(&[1, 2]).next(), Dice::of(&[2, 1]).next());
    }

    #[test]
    fn weights_decide_how_often_an_index_is_drawn() {
        let mut dice = Dice::of(&[3]);
        let drawn = (0..10_000).filter(|_| dice.weighted(&[1, 3]) == 1).count();
        assert!((7_300..7_700).contains(&drawn), "{drawn}");
        assert_eq!(dice.below(0), 0);
    }
}
