//! The key of a group of rows, as 128 bits whose order means nothing but is always the same.

use sha2::{Digest, Sha256};

/// What all rows of one origin share: the first 128 bits of a SHA-256 over three texts.
///
/// The length of each text is hashed before it, so that texts which are cut elsewhere have another
/// key. Two origins have one key with a chance of 2⁻¹²⁸.
///
/// ```
/// use claimlake_columnar::GroupKey;
///
/// let key = GroupKey::new("v3", "Coverage", "part-a-1");
/// assert_eq!(GroupKey::from_bytes(&key.to_bytes()), key);
/// assert_ne!(GroupKey::new("v3", "Coveragep", "art-a-1"), key);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GroupKey(u128);

impl GroupKey {
    /// The key of what these three texts name together.
    #[must_use]
    pub fn new(first: &str, second: &str, third: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [first, second, third] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self::from_bytes(&hash.finalize()[..16])
    }

    /// The key with these bytes; missing ones are 0.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut key = [0; 16];
        let len = bytes.len().min(16);
        key[..len].copy_from_slice(&bytes[..len]);
        Self(u128::from_be_bytes(key))
    }

    /// The 16 bytes, most significant first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}
