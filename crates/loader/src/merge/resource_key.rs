//! The key of a resource: API version, resource type and id, as 128 bits that sort nowhere in
//! particular but always the same.

use sha2::{Digest, Sha256};

/// Hash of API version, resource type and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ResourceKey(u128);

impl ResourceKey {
    pub(crate) fn new(api: &str, resource_type: &str, id: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [api, resource_type, id] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self::from_bytes(&hash.finalize()[..16])
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut key = [0; 16];
        let len = bytes.len().min(16);
        key[..len].copy_from_slice(&bytes[..len]);
        Self(u128::from_be_bytes(key))
    }

    pub(crate) fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}
