//! A cache bounded by size: recently used entries stay, the others are dropped together.

use std::collections::HashMap;
use std::hash::Hash;

/// Two halves: the younger is filled, and becomes the older when full; the older is dropped then.
/// An entry of the older half that is used moves to the younger.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_size: usize,
    half: usize,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// A cache of at most about `limit`, in whatever unit sizes are given.
    pub(crate) fn of_size(limit: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_size: 0,
            half: limit / 2,
        }
    }

    pub(crate) fn get(&mut self, key: &K) -> Option<V> {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, size)) = self.old.remove_entry(key)?;
        self.insert(key, value.clone(), size);
        Some(value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V, size: usize) {
        if self.young_size + size > self.half {
            self.old = std::mem::take(&mut self.young);
            self.young_size = 0;
        }
        self.young_size += size;
        if let Some((_, replaced)) = self.young.insert(key, (value, size)) {
            self.young_size -= replaced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    #[test]
    fn what_is_asked_for_stays_and_the_size_is_bounded() {
        let mut cache = Cache::of_size(100);
        for key in 0..1_000 {
            cache.insert(key, key, 10);
            assert_eq!(cache.get(&0), Some(0), "asked for each time");
            assert!(cache.young.len() + cache.old.len() <= 10);
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&999), Some(999));
    }

    #[test]
    fn a_replaced_entry_counts_once() {
        let mut cache = Cache::of_size(100);
        for _ in 0..50 {
            cache.insert(1, 1, 30);
        }
        cache.insert(2, 2, 20);
        assert_eq!((cache.get(&1), cache.get(&2)), (Some(1), Some(2)));
    }
}
