//! Randomness: seeded where a run must be repeatable, from the system where two runs must differ.

use std::hash::{BuildHasher, Hasher};

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A splitmix64 generator.
#[derive(Debug, Clone)]
pub(crate) struct Noise(u64);

impl Noise {
    /// The generator of `seed`: the same numbers on any machine.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator that no other process repeats: a token must not be valid in a later sandbox for
    /// somebody else.
    pub(crate) fn from_system() -> Self {
        let mut hasher = std::collections::hash_map::RandomState::new().build_hasher();
        hasher.write_u64(0x5eed);
        Self(hasher.finish())
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Letters and digits, as tokens, codes and client ids have them.
    pub(crate) fn alphanumeric(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.next() % 62).unwrap_or_default();
                char::from(ALPHANUMERIC[index])
            })
            .collect()
    }

    /// Decimal digits.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + u8::try_from(self.next() % 10).unwrap_or_default()))
            .collect()
    }

    /// A random (version 4) UUID.
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

/// A number between 0 and 1 that depends on nothing but its arguments, so that a seeded fault
/// strikes the same requests whatever their timing.
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

fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Noise, share};

    #[test]
    fn a_seed_gives_the_same_text_again() {
        let first = Noise::seeded(7).alphanumeric(40);
        assert_eq!(first, Noise::seeded(7).alphanumeric(40));
        assert_ne!(first, Noise::seeded(8).alphanumeric(40));
        assert_eq!(first.len(), 40);
    }

    #[test]
    fn a_share_is_spread_evenly_over_its_range() {
        let struck = (0..1000_u32)
            .filter(|attempt| share(1, &[b"/v2/fhir/Patient", &attempt.to_be_bytes()]) < 0.25)
            .count();
        assert!((200..300).contains(&struck), "{struck}");
    }
}
