//! What several columns ask of the same element, or of the resource: the last answer is kept.
//!
//! Views repeat parts of expressions (`identifier.where(…)` for the id, whether it is one, and where it is
//! from), and columns of a row are made one after the other, so that the last answer is nearly always the
//! wanted one.

use std::cell::Cell;

use super::lookup::Shared;
use super::program::{Condition, Indexed, Path, Union};
use super::resource_cache::{FoundItem, KnownList, Several};
use super::resource_conditions::ResourceItem;
use super::tape::Position;
use super::tape_reader::{TapeReader, Unsupported};

/// Something that several programs evaluate.
#[derive(Debug, Clone)]
pub(super) struct Repeated<T> {
    pub(super) of: T,
    /// How many programs evaluate it.
    uses: usize,
}

/// The element and `%context` of the last evaluation, with the answer.
pub(super) type LastAnswer<T> = Cell<Option<((Position, Position), T)>>;

impl Shared {
    /// The condition, its last answer kept where evaluating it takes more than one comparison.
    pub(super) fn repeated_condition(&mut self, condition: Condition) -> Condition {
        if !matches!(
            condition,
            Condition::And(..) | Condition::Or(..) | Condition::Matches(..) | Condition::Exists(_)
        ) {
            return condition;
        }
        Condition::Repeated {
            place: use_of(&mut self.conditions, condition.clone()),
            condition: Box::new(condition),
        }
    }

    /// A union, its last answer kept.
    pub(super) fn repeated_union(&mut self, paths: Vec<Path>) -> Union {
        Union {
            place: use_of(&mut self.unions, paths.clone()),
            paths,
        }
    }
}

/// The position of an expression in the list, to which it is added if it is new.
fn use_of<T: PartialEq>(list: &mut Vec<Repeated<T>>, of: T) -> usize {
    let known = list.iter().position(|known| known.of == of);
    let position = known.unwrap_or(list.len());
    match list.get_mut(position) {
        Some(known) => known.uses += 1,
        None => list.push(Repeated { of, uses: 1 }),
    }
    position
}

impl TapeReader<'_> {
    /// The truth of a condition that others ask for as well.
    #[inline(never)]
    pub(super) fn repeated_truth(
        &self,
        place: usize,
        condition: &Condition,
        this: Position,
    ) -> Result<Option<bool>, Unsupported> {
        let (uses, last) = (
            self.shared.conditions.get(place),
            self.cache.conditions.get(place),
        );
        self.last_or(uses, last, this, || self.truth(condition, this))
    }

    /// The first item of the first path of a union that finds one.
    #[inline(never)]
    pub(super) fn first_of_union(
        &self,
        union: &Union,
        this: Position,
    ) -> Result<Option<Position>, Unsupported> {
        let (uses, last) = (
            self.shared.unions.get(union.place),
            self.cache.unions.get(union.place),
        );
        self.last_or(uses, last, this, || self.first_of(&union.paths, this))
    }

    /// The item at a position of a list that several columns look into.
    pub(super) fn item_of_list(
        &self,
        list: usize,
        part: &Indexed,
        from: Position,
    ) -> Result<Option<Position>, Unsupported> {
        let known = self.cache.lists.get(list).ok_or(Unsupported)?;
        let place = Some((from, self.context));
        if known.borrow().of != place {
            let items = self.items(&part.steps, from)?;
            *known.borrow_mut() = KnownList { of: place, items };
        }
        Ok(known.borrow().items.get(part.position).copied())
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

    /// The last answer if it was for this element, otherwise one that is computed now.
    #[inline]
    fn last_or<T, A: Copy>(
        &self,
        uses: Option<&Repeated<T>>,
        last: Option<&LastAnswer<A>>,
        this: Position,
        answer: impl FnOnce() -> Result<A, Unsupported>,
    ) -> Result<A, Unsupported> {
        let (Some(Repeated { uses: 2.., .. }), Some(last)) = (uses, last) else {
            return answer();
        };
        let asked = (this, self.context);
        match last.get() {
            Some((known, answer)) if known == asked => Ok(answer),
            _ => {
                let answer = answer()?;
                last.set(Some((asked, answer)));
                Ok(answer)
            }
        }
    }
}
