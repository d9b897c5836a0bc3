//! Which resources of a person have landed, by hashes of their ids and of what they say.

use std::collections::HashMap;

/// Ids and contents held of one person in one resource type, as 128-bit hashes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held(HashMap<[u8; 16], [u8; 16]>);

const PAIR: usize = 32;

/// The content of what is held and was not found when everything was read; no other content has
/// this hash.
const DOUBTED: [u8; 16] = [0xff; 16];

impl Held {
    /// The hash of the content that is held under an id.
    #[must_use]
    pub fn content(&self, id: &[u8; 16]) -> Option<&[u8; 16]> {
        self.0.get(id)
    }

    /// Holds a content under an id from now on.
    pub fn hold(&mut self, id: [u8; 16], content: [u8; 16]) {
        self.0.insert(id, content);
    }

    /// Holds an id that the last full read did not find: one more has to miss it.
    pub fn doubt(&mut self, id: [u8; 16]) {
        self.0.insert(id, DOUBTED);
    }

    /// Whether the last full read did not find the id.
    #[must_use]
    pub fn is_doubted(&self, id: &[u8; 16]) -> bool {
        self.0.get(id) == Some(&DOUBTED)
    }

    /// Ids that are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is held.
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
