//! Texts and the keys they get when they first come: the values of a dictionary column.
//!
//! Kept per batch, so that a batch can be written and read alone. The bytes of all texts lie one after
//! the other as Arrow stores them; the hash table has only keys.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// Gives equal texts equal numbers, 0, 1, 2 and so on in the order in which they first come.
#[derive(Debug, Default)]
pub(super) struct StringInterner {
    /// Keys by the hash of their texts.
    numbers: HashTable<u32>,
    /// Seeded at random, so that no input can choose texts that collide.
    hasher: RandomState,
    /// Where each text ends in `bytes`.
    ends: Vec<u32>,
    /// All texts, by their keys.
    bytes: Vec<u8>,
    /// The key that was given last.
    last: u32,
}

impl StringInterner {
    /// The number of a text.
    #[inline]
    pub(super) fn intern(&mut self, text: &[u8]) -> u32 {
        // Neighbouring rows often have the same text.
        if text_of(&self.ends, &self.bytes, self.last) == Some(text) {
            return self.last;
        }
        let hash = self.hasher.hash_one(text);
        let is_text = |number: &u32| text_of(&self.ends, &self.bytes, *number) == Some(text);
        self.last = match self.numbers.find(hash, is_text) {
            Some(number) => *number,
            None => self.add(text, hash),
        };
        self.last
    }

    /// Stores a text that is new. Positions beyond 4 GiB are all the same; a column that has as many
    /// bytes is refused when it is finished.
    fn add(&mut self, text: &[u8], hash: u64) -> u32 {
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(text);
        self.ends
            .push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        let (hasher, ends, bytes) = (&self.hasher, &self.ends, &self.bytes);
        let rehash = |number: &u32| hasher.hash_one(text_of(ends, bytes, *number).unwrap_or(&[]));
        self.numbers.insert_unique(hash, number, rehash);
        number
    }

    /// Bytes of the texts alone.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes of all texts and of their ends.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + 4 * self.ends.len()
    }

    /// The offsets and bytes of all texts, by number; the interner is empty again.
    pub(super) fn take(&mut self) -> (Vec<i32>, Vec<u8>) {
        self.numbers.clear();
        self.last = 0;
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.extend(
            self.ends
                .iter()
                .map(|end| i32::try_from(*end).unwrap_or(i32::MAX)),
        );
        self.ends.clear();
        // Texts vary little between chunks, so the next chunk gets the same capacity.
        let room = self.bytes.len();
        (
            offsets,
            std::mem::replace(&mut self.bytes, Vec::with_capacity(room)),
        )
    }
}

/// The text of a key.
#[inline]
fn text_of<'t>(ends: &[u32], bytes: &'t [u8], number: u32) -> Option<&'t [u8]> {
    let number = number as usize;
    let end = *ends.get(number)? as usize;
    let start = match number {
        0 => 0,
        _ => *ends.get(number - 1)? as usize,
    };
    bytes.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_get_one_number_in_the_order_they_come() {
        let mut interner = StringInterner::default();
        let texts: [&[u8]; 7] = [b"b", b"a", b"b", b"", b"", b"a", b"ab"];
        let numbers: Vec<u32> = texts.iter().map(|text| interner.intern(text)).collect();
        assert_eq!(numbers, [0, 1, 0, 2, 2, 1, 3]);
        assert_eq!(interner.take(), (vec![0, 1, 2, 2, 4], b"baab".to_vec()));
        assert_eq!(interner.intern(b"a"), 0);
        assert_eq!(interner.take(), (vec![0, 1], b"a".to_vec()));
    }

    #[test]
    fn many_texts_keep_their_numbers_while_the_table_grows() {
        let mut interner = StringInterner::default();
        for round in 0..2 {
            for number in 0..10_000_u32 {
                let text = format!("text {number}");
                assert_eq!(interner.intern(text.as_bytes()), number, "round {round}");
            }
        }
    }
}
