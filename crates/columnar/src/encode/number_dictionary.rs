//! Distinct numbers of a column chunk.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

/// Values that lie so close together are numbered by a table instead of a hash.
const NEAR: usize = 1 << 14;

/// Distinct values in the order in which they first come.
#[derive(Default)]
pub(crate) struct NumberDictionary {
    distinct: Vec<i64>,
    numbers: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
}

impl NumberDictionary {
    /// The distinct values, by number.
    pub(crate) fn distinct(&self) -> &[i64] {
        &self.distinct
    }

    /// Forgets all values; their memory is used again.
    pub(crate) fn clear(&mut self) {
        self.distinct.clear();
        self.numbers.clear();
    }

    /// Hands the number of each value to `take`; none is less than `least` or greater than `most`.
    pub(crate) fn number_all(
        &mut self,
        values: impl Iterator<Item = i64>,
        (least, most): (i64, i64),
        near: &mut Vec<u32>,
        mut take: impl FnMut(u32),
    ) {
        let span = most.checked_sub(least);
        let span = span.and_then(|span| usize::try_from(span).ok());
        match span.filter(|span| *span < NEAR) {
            Some(span) => {
                // DictionaryKeys raised by one; 0 is none yet.
                near.clear();
                near.resize(span + 1, 0);
                for value in values {
                    let number = &mut near[(value - least) as usize];
                    if *number == 0 {
                        *number = self.number_of(value) + 1;
                    }
                    take(*number - 1);
                }
            }
            None => {
                let mut last = None;
                for value in values {
                    let number = match last {
                        Some((same, number)) if same == value => number,
                        _ => self.number_of(value),
                    };
                    last = Some((value, number));
                    take(number);
                }
            }
        }
    }

    fn number_of(&mut self, value: i64) -> u32 {
        let (distinct, hasher) = (&self.distinct, &self.hasher);
        let hash = hasher.hash_one(value);
        let is_value = |number: &u32| distinct[*number as usize] == value;
        if let Some(number) = self.numbers.find(hash, is_value) {
            return *number;
        }
        let number = self.distinct.len() as u32;
        self.distinct.push(value);
        let distinct = &self.distinct;
        self.numbers.insert_unique(hash, number, |number| {
            hasher.hash_one(distinct[*number as usize])
        });
        number
    }
}
