//! What is known of each patient of a run, in little memory: there may be many patients, and most values are
//! the same for all of them.

use std::collections::HashMap;
use std::hash::Hash;

use claimlake_contract::GrantHandle;

/// Values by grant.
#[derive(Debug)]
pub(super) struct ByGrant<T> {
    /// Each grant, ascending, and where its values begin.
    grants: Vec<(GrantHandle, u32)>,
    values: Vec<T>,
}

impl<T> Default for ByGrant<T> {
    fn default() -> Self {
        Self {
            grants: Vec::new(),
            values: Vec::new(),
        }
    }
}

impl<T> ByGrant<T> {
    /// Adds a value. Grants must ascend, as the vault reads them: what comes later is not found.
    pub(super) fn push(&mut self, grant: GrantHandle, value: T) {
        let is_new = self.grants.last().is_none_or(|(last, _)| *last < grant);
        if is_new {
            let first = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
            self.grants.push((grant, first));
        }
        self.values.push(value);
    }

    /// The values of a grant, in the order in which they came.
    pub(super) fn of(&self, grant: &GrantHandle) -> &[T] {
        let found = self.grants.binary_search_by(|(known, _)| known.cmp(grant));
        let Ok(position) = found else {
            return &[];
        };
        let start = |position: usize| self.grants.get(position).map(|(_, first)| *first as usize);
        let first = start(position).unwrap_or(self.values.len());
        let end = start(position + 1).unwrap_or(self.values.len());
        self.values.get(first..end).unwrap_or_default()
    }
}

/// Values that many share, each kept once.
#[derive(Debug)]
pub(super) struct Shared<T> {
    values: Vec<T>,
    numbers: HashMap<T, u32>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Shared<T> {
    /// The number of a value.
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(number) = self.numbers.get(&value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.numbers.insert(value, number);
        number
    }

    /// The value with a number that [`Self::number`] gave.
    pub(super) fn value(&self, number: u32) -> Option<&T> {
        self.values.get(number as usize)
    }
}

#[cfg(test)]
mod tests {
    use claimlake_contract::GrantHandle;

    use super::{ByGrant, Shared};

    #[test]
    fn each_grant_has_its_own_values_and_others_have_none() {
        let grant = |number: u64| GrantHandle::from_random(number.to_be_bytes());
        let mut by_grant = ByGrant::default();
        for number in [2, 4, 6] {
            for value in 0..number {
                by_grant.push(grant(number), (number, value));
            }
        }
        assert_eq!(by_grant.of(&grant(2)), [(2, 0), (2, 1)]);
        assert_eq!(by_grant.of(&grant(4)).len(), 4);
        assert_eq!(by_grant.of(&grant(6)).last(), Some(&(6, 5)));
        for none in [0, 3, 7] {
            assert!(by_grant.of(&grant(none)).is_empty());
        }
    }

    #[test]
    fn a_value_is_kept_once() {
        let mut shared = Shared::default();
        let numbers: Vec<u32> = ["a", "b", "a"].map(|text| shared.number(text)).to_vec();
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(shared.value(1), Some(&"b"));
        assert_eq!(shared.value(2), None);
    }
}
