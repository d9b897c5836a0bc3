//! What is found once a resource and used by many cells: positions by key, and which conditions on its
//! codings an element meets. The answers are those of the plain steps, or there is none.
//!
//! Both are made when they are first asked for and are forgotten with the resource. A map is sorted by
//! key and position, so that equal keys come in the order of the resource; an element whose key is
//! missing is in none, since `{} in …` is unknown and `where` keeps only what is true. A mask is made in
//! one pass over an element's codings for all conditions of a group.

use std::ops::ControlFlow;

use super::lookup::KeyMap;
use super::pivots::PivotGroup;
use super::program::{Lookup, Pivot};
use super::resource_cache::{FoundItem, KeyedElements, Several};
use super::resource_conditions::ResourceItem;
use super::tape::{Kind, Position};
use super::tape_reader::{TapeReader, Unsupported};
use crate::json::unescape;

/// So few conditions are evaluated one by one.
const FEW_PIVOTS: usize = 2;

/// More wanted keys than this are looked for by the plain steps.
const MAX_WANTED: usize = 16;

/// Of an element that was not looked at yet.
const UNKNOWN: u64 = u64::MAX;

impl TapeReader<'_> {
    /// The elements that a lookup finds, in the order of the resource; nothing where only the plain
    /// steps can say it.
    pub(super) fn looked_up(&self, lookup: &Lookup) -> Result<Option<Vec<Position>>, Unsupported> {
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
            return Ok(None);
        };
        let Some(pairs) = map.get_or_init(|| self.pairs(definition)) else {
            return Ok(None);
        };
        if !is_usual {
            return Ok(None);
        }
        let mut found = Vec::new();
        if lookup.one_only && count > 1 {
            return Ok(Some(found));
        }
        for key in wanted.iter().take(count) {
            let first = pairs.partition_point(|(known, _)| known < key);
            let same = pairs
                .iter()
                .skip(first)
                .take_while(|(known, _)| known == key);
            found.extend(same.map(|(_, element)| *element));
        }
        if count > 1 {
            found.sort_unstable();
            found.dedup();
        }
        Ok(Some(found))
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

    /// Whether an element meets one of a group's conditions.
    pub(super) fn meets(&self, pivot: &Pivot, element: Position) -> Result<bool, Unsupported> {
        let (Some(group), Some(masks)) = (
            self.shared.pivot_groups.get(pivot.group),
            self.cache.masks.get(pivot.group),
        ) else {
            return Err(Unsupported);
        };
        if group.len() <= FEW_PIVOTS {
            return Ok(self.truth(&pivot.condition, element)? == Some(true));
        }
        let mut masks = masks.borrow_mut();
        if masks.is_empty() {
            masks.resize(self.tape.entries.len(), UNKNOWN);
        }
        let mask = masks.get_mut(element as usize).ok_or(Unsupported)?;
        if *mask == UNKNOWN {
            *mask = self.mask(group, element)?;
        }
        Ok(*mask >> pivot.position & 1 == 1)
    }

    /// A bit for each condition that a coding of the element meets.
    fn mask(&self, group: &PivotGroup, element: Position) -> Result<u64, Unsupported> {
        let mut mask = 0;
        self.each(&group.codings, element, &mut |coding| {
            // Several values of a member equal no text.
            let Some(value) = self.one_member(group.key, coding) else {
                return ControlFlow::Continue(());
            };
            let candidates = match self.tape.entry(value).kind {
                Kind::Text => group.candidates.get(self.raw(value)),
                Kind::EscapedText => group.candidates.get(unescape(self.raw(value)).as_slice()),
                _ => None,
            };
            for candidate in candidates.into_iter().flatten() {
                let mut others = candidate.others.iter();
                let is_met = others.all(|(key, text)| {
                    let value = self.one_member(*key, coding);
                    value.is_some_and(|value| self.is_text(value, text))
                });
                mask |= u64::from(is_met) << candidate.position;
            }
            ControlFlow::Continue(())
        })?;
        Ok(mask)
    }

    /// An item that is the same for all elements of the resource.
    pub(super) fn item_of_resource(&self, position: usize) -> Result<FoundItem, Unsupported> {
        let (Some(item), Some(known)) = (
            self.shared.resource_items.get(position),
            self.cache.items.get(position),
        ) else {
            return Err(Unsupported);
        };
        if let Some(found) = known.get() {
            return Ok(found);
        }
        let found = match item {
            ResourceItem::One(path) => self.one(path, 0)?.map_err(|_| Several),
            ResourceItem::FirstOfUnion(paths) => Ok(self.first_of(paths, 0)?),
        };
        known.set(Some(found));
        Ok(found)
    }

    /// The truth of a condition that is the same for all elements of the resource.
    pub(super) fn truth_of_resource(&self, position: usize) -> Result<Option<bool>, Unsupported> {
        let (Some(condition), Some(known)) = (
            self.shared.resource_conditions.get(position),
            self.cache.truths.get(position),
        ) else {
            return Err(Unsupported);
        };
        if let Some(truth) = known.get() {
            return Ok(truth);
        }
        let truth = self.truth(condition, 0)?;
        known.set(Some(truth));
        Ok(truth)
    }
}
