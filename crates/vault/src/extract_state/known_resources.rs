//! Which resources of a patient have landed, by hashes of their ids and contents.

use std::collections::HashMap;

/// The resources of one patient and type that have landed: 128-bit hashes of the contents by those
/// of the ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownResources(HashMap<[u8; 16], [u8; 16]>);

const PAIR: usize = 32;

/// In place of a content hash: the last full read did not find the resource. No content has this
/// hash.
const DOUBTED: [u8; 16] = [0xff; 16];

impl KnownResources {
    /// The hash of the content that landed under an id.
    #[must_use]
    pub fn content(&self, id: &[u8; 16]) -> Option<&[u8; 16]> {
        self.0.get(id)
    }

    /// Notes that a content has landed under an id.
    pub fn insert(&mut self, id: [u8; 16], content: [u8; 16]) {
        self.0.insert(id, content);
    }

    /// Records that the last full read did not find an id. It is gone if the next full read does
    /// not find it either.
    pub fn doubt(&mut self, id: [u8; 16]) {
        self.0.insert(id, DOUBTED);
    }

    /// Whether the last full read did not find the id.
    #[must_use]
    pub fn is_doubted(&self, id: &[u8; 16]) -> bool {
        self.0.get(id) == Some(&DOUBTED)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids.
    pub fn ids(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.0.keys()
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort_unstable();
        let mut bytes = Vec::with_capacity(pairs.len() * PAIR);
        for (id, content) in pairs {
            bytes.extend_from_slice(id);
            bytes.extend_from_slice(content);
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if !bytes.len().is_multiple_of(PAIR) {
            return None;
        }
        let pair = |pair: &[u8]| Some((pair[..16].try_into().ok()?, pair[16..].try_into().ok()?));
        bytes
            .chunks_exact(PAIR)
            .map(pair)
            .collect::<Option<_>>()
            .map(Self)
    }
}
