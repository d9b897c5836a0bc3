//! Which conditions of a group an element meets: a bit for each, computed in one pass over its
//! codings.
//!
//! The elements of one member are tested together, for the object that has the member; the columns
//! of one row then look up theirs in a short list. The answers are those of the plain steps, or
//! there is none.

use super::pivots::PivotGroup;
use super::program::{MemberPivot, Pivot, Step};
use super::resource_cache::KnownElements;
use super::tape::{Kind, Position};
use super::tape_reader::{Items, TapeReader, Unsupported};
use crate::json::unescape;

/// Up to this many conditions are evaluated one by one.
const FEW_PIVOTS: usize = 2;

/// The mask of an element that was not looked at yet.
const UNKNOWN: u64 = u64::MAX;

impl TapeReader<'_> {
    /// Whether an element meets one of a group's conditions.
    #[inline(never)]
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

    /// The elements of a member that meet one of a group's conditions.
    #[inline(never)]
    pub(super) fn pivoted<'s>(
        &self,
        pivot: &MemberPivot,
        from: Position,
    ) -> Result<Items<'s>, Unsupported> {
        let (Some(group), Some(known)) = (
            self.shared.pivot_groups.get(pivot.pivot.group),
            self.cache.member_pivots.get(pivot.place),
        ) else {
            return Err(Unsupported);
        };
        let member = Step::Member(pivot.member);
        if group.len() <= FEW_PIVOTS {
            let mut found = None;
            let mut others = Vec::new();
            let mut truths = Ok(());
            self.each_of_members(std::slice::from_ref(&member), from, &mut |element| match (
                self.truth(&pivot.pivot.condition, element),
                found,
            ) {
                (Err(unsupported), _) => truths = Err(unsupported),
                (Ok(Some(true)), None) => found = Some(element),
                (Ok(Some(true)), Some(_)) => others.push(element),
                _ => {}
            })?;
            truths?;
            return Ok(items_of(found, others));
        }
        let mut known = known.borrow_mut();
        if known.from != Some(from) {
            known.from = None;
            known.elements.clear();
            known.all = 0;
            let KnownElements { elements, all, .. } = &mut *known;
            let mut masked = Ok(());
            self.each_of_members(
                std::slice::from_ref(&member),
                from,
                &mut |element| match self.mask(group, element) {
                    Ok(0) => {}
                    Ok(mask) => {
                        elements.push((element, mask));
                        *all |= mask;
                    }
                    Err(unsupported) => masked = Err(unsupported),
                },
            )?;
            masked?;
            known.from = Some(from);
        }
        let bit = 1 << pivot.pivot.position;
        if known.all & bit == 0 {
            return Ok(Items::None);
        }
        let mut meeting = known.elements.iter().filter(|(_, mask)| mask & bit != 0);
        let first = meeting.next().map(|(element, _)| *element);
        Ok(items_of(
            first,
            meeting.map(|(element, _)| *element).collect(),
        ))
    }

    /// A bit for each condition that a coding of the element meets.
    fn mask(&self, group: &PivotGroup, element: Position) -> Result<u64, Unsupported> {
        let mut mask = 0;
        self.each_of_members(&group.codings.tail, element, &mut |coding| {
            mask |= self.mask_of_coding(group, coding);
        })?;
        Ok(mask)
    }

    /// A bit for each condition that a coding meets.
    fn mask_of_coding(&self, group: &PivotGroup, coding: Position) -> u64 {
        // Several values of a member equal no text.
        let Some(value) = self.one_member(group.key, coding) else {
            return 0;
        };
        let candidates = match self.tape.entry(value).kind {
            Kind::Text => group.candidates.get(self.raw(value)),
            Kind::EscapedText => group.candidates.get(unescape(self.raw(value)).as_slice()),
            _ => None,
        };
        let mut mask = 0;
        for candidate in candidates.into_iter().flatten() {
            let mut others = candidate.others.iter();
            let is_met = others.all(|(key, text)| {
                let value = self.one_member(*key, coding);
                value.is_some_and(|value| self.is_text(value, text))
            });
            if is_met {
                mask |= candidate.mask;
            }
        }
        mask
    }
}

/// The first element, and those behind it.
fn items_of<'s>(first: Option<Position>, mut others: Vec<Position>) -> Items<'s> {
    match first {
        None => Items::None,
        Some(first) if others.is_empty() => Items::One(first),
        Some(first) => {
            others.insert(0, first);
            Items::Several(others)
        }
    }
}
