//! Elements of the resource by key: a map is made when it is first needed and discarded after the
//! resource.
//!
//! It is sorted by key and position, so that equal keys are in the order of the resource. An
//! element without a key is not in it, since `{} in …` is unknown and `where` keeps only what is
//! true.

use std::ops::ControlFlow;

use super::lookup::KeyMap;
use super::program::Lookup;
use super::resource_cache::KeyedElements;
use super::tape::{Kind, Position};
use super::tape_reader::{Items, TapeReader, Unsupported};

/// With more keys to look for than this, the plain steps are used.
const MAX_WANTED: usize = 16;

impl TapeReader<'_> {
    /// The elements that a lookup finds, in the order of the resource: by the map, or by the plain
    /// steps if a key is not a small integer.
    #[inline(never)]
    pub(super) fn looked_up<'s>(
        &self,
        lookup: &'s Lookup,
        from: Position,
    ) -> Result<Items<'s>, Unsupported> {
        let mut wanted = [0; MAX_WANTED];
        let mut count = 0;
        let mut is_usual = true;
        self.each(&lookup.wanted, self.context, &mut |item| {
            match (self.small_integer(item), wanted.get_mut(count)) {
                (Some(key), Some(place)) => *place = key,
                _ => is_usual = false,
            }
            count += 1;
            ControlFlow::Continue(())
        })?;
        let (Some(definition), Some(map)) = (
            self.shared.maps.get(lookup.map),
            self.cache.maps.get(lookup.map),
        ) else {
            return Err(Unsupported);
        };
        let pairs = match map.get_or_init(|| self.pairs(definition)) {
            Some(pairs) if is_usual => pairs,
            _ => return Ok(Items::Several(self.items(&lookup.steps, from)?)),
        };
        if count == 0 || lookup.one_only && count > 1 {
            return Ok(Items::None);
        }
        let with_key = |key: u64| {
            let first = pairs.partition_point(|(known, _)| *known < key);
            let same = pairs.iter().skip(first);
            same.take_while(move |(known, _)| *known == key)
                .map(|(_, element)| *element)
        };
        if let (1, [key, ..]) = (count, wanted) {
            let mut same = with_key(key);
            return Ok(match (same.next(), same.next()) {
                (None, _) => Items::None,
                (Some(element), None) => Items::One(element),
                _ => Items::Several(with_key(key).collect()),
            });
        }
        let wanted = wanted.iter().take(count);
        let mut found: Vec<Position> = wanted.flat_map(|key| with_key(*key)).collect();
        found.sort_unstable();
        found.dedup();
        Ok(Items::Several(found))
    }

    /// The keys of an array's elements; an element without one is left out. Nothing where an element
    /// has several, or one that is no small integer.
    fn pairs(&self, map: &KeyMap) -> Option<KeyedElements> {
        let mut pairs = Some(Vec::new());
        let walked = self.each(&map.array, 0, &mut |element| {
            match self.one(&map.key, element) {
                Ok(Ok(None)) => return ControlFlow::Continue(()),
                Ok(Ok(Some(key))) => {
                    if let (Some(key), Some(pairs)) = (self.small_integer(key), &mut pairs) {
                        pairs.push((key, element));
                        return ControlFlow::Continue(());
                    }
                }
                _ => {}
            }
            pairs = None;
            ControlFlow::Break(())
        });
        walked.ok()?;
        let mut pairs = pairs?;
        pairs.sort_unstable();
        Some(pairs)
    }

    /// An integer without sign, point or exponent: equal ones are written alike.
    fn small_integer(&self, item: Position) -> Option<u64> {
        let raw = self.raw(item);
        if self.tape.entry(item).kind != Kind::Number || raw.len() > 18 {
            return None;
        }
        raw.iter().try_fold(0, |value, digit| {
            digit
                .is_ascii_digit()
                .then(|| value * 10 + u64::from(digit - b'0'))
        })
    }
}
