//! Distinct texts in one piece of memory, so that a text costs its bytes and not an allocation.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::sort::dictionary_keys::NULL;

/// Interns texts: 0, 1, 2 and so on in the order in which they first occur.
#[derive(Debug)]
pub(crate) struct StringInterner {
    /// The most bytes that all texts may have together.
    most_bytes: u32,
    bytes: String,
    /// Where each text ends.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl StringInterner {
    /// An interner of at most so many bytes of text.
    pub(crate) fn new(most_bytes: u32) -> Self {
        Self {
            most_bytes,
            bytes: String::new(),
            ends: Vec::new(),
            numbers: HashTable::new(),
            hasher: foldhash::fast::RandomState::default(),
        }
    }

    /// Changes the limit for texts that come from now on.
    pub(crate) fn set_limit(&mut self, most_bytes: u32) {
        self.most_bytes = most_bytes;
    }

    /// The number of a text; a new one where it has none. `None` if there is no room for it: it
    /// and everything before it stay as they are.
    pub(crate) fn intern(&mut self, text: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(text);
        let is_text = |number: &u32| text_at(&self.bytes, &self.ends, *number) == Some(text);
        if let Some(number) = self.numbers.find(hash, is_text) {
            return Some(*number);
        }
        let number = u32::try_from(self.len()).ok()?;
        let end = u32::try_from(self.bytes.len().checked_add(text.len())?).ok()?;
        if end > self.most_bytes || number == NULL {
            return None;
        }
        self.bytes.push_str(text);
        self.ends.push(end);
        let (bytes, ends, hasher) = (&self.bytes, &self.ends, &self.hasher);
        self.numbers.insert_unique(hash, number, |number| {
            hasher.hash_one(text_at(bytes, ends, *number).unwrap_or_default())
        });
        Some(number)
    }

    /// Frees the memory that is needed only to find texts again. A text that is interned afterwards
    /// always gets a new number.
    pub(crate) fn seal(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.numbers = HashTable::new();
    }

    /// The text with this number.
    pub(crate) fn get(&self, number: u32) -> Option<&str> {
        text_at(&self.bytes, &self.ends, number)
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Forgets all texts; their memory is used again.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.numbers.clear();
    }

    /// Bytes of all texts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All texts, by number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..=NULL).map_while(|number| self.get(number))
    }
}

/// The text with this number, given where each text ends.
fn text_at<'t>(bytes: &'t str, ends: &[u32], number: u32) -> Option<&'t str> {
    let number = number as usize;
    let end = *ends.get(number)? as usize;
    let start = number
        .checked_sub(1)
        .map_or(0, |before| ends[before] as usize);
    bytes.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_number_in_the_order_they_come() {
        let mut texts = StringInterner::new(u32::MAX);
        let numbers = ["b", "é", "b", "", "é", "a", ""].map(|text| texts.intern(text));
        assert_eq!(numbers, [0, 1, 0, 2, 1, 3, 2].map(Some));
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["b", "é", "", "a"]);
        assert_eq!((texts.len(), texts.bytes(), texts.get(4)), (4, 4, None));
    }

    #[test]
    fn many_texts_keep_their_numbers_while_the_table_grows() {
        let mut texts = StringInterner::new(u32::MAX);
        for _ in 0..2 {
            for number in 0..10_000_u32 {
                assert_eq!(texts.intern(&format!("text {number}")), Some(number));
            }
        }
    }

    #[test]
    fn a_text_without_room_gets_no_number_and_changes_nothing() {
        let mut texts = StringInterner::new(5);
        let numbers = ["abc", "def", "de", "", "f", "abc"].map(|text| texts.intern(text));
        let expected = [Some(0), None, Some(1), Some(2), None, Some(0)];
        assert_eq!(numbers, expected);
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["abc", "de", ""]);
        texts.clear();
        assert_eq!(texts.intern("def"), Some(0));
    }
}
