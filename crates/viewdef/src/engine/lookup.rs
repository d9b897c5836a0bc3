//! Filters that one pass answers for many: lookups by `sequence`, and pivots by coding.
//!
//! Claims point from their lines to arrays of the resource by number
//! (`%resource.careTeam.where(sequence in %context.careTeamSequence)`), and views turn the elements
//! of one array into columns by their coding
//! (`adjudication.where(category.coding.exists(system = … and code = …))`). Lookups are recognised here
//! when a `where` is compiled, pivots in [`super::pivots`]; [`super::cached_lookups`] and
//! [`super::pivot_masks`] evaluate them.

use super::known_answers::Repeated;
use super::pivots::PivotGroup;
use super::program::{Condition, Failure, Lookup, Path, Start, Step};
use super::resource_conditions::ResourceItem;

/// What the programs of all views of a resource type share.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// One for each array and key that some path looks into.
    pub(super) maps: Vec<KeyMap>,
    /// Groups of conditions on codings: one for each path of codings, or more if a group is full.
    pub(super) pivot_groups: Vec<PivotGroup>,
    /// Members whose elements are tested by a group of conditions: the path of the member, and the
    /// group.
    pub(super) member_pivots: Vec<(Path, usize)>,
    /// Steps of which columns take items by their positions.
    pub(super) lists: Vec<Path>,
    /// Conditions that programs ask for, and how many do.
    pub(super) conditions: Vec<Repeated<Condition>>,
    /// The same for unions.
    pub(super) unions: Vec<Repeated<Vec<Path>>>,
    /// Conditions that are the same for all elements of a resource.
    pub(super) resource_conditions: Vec<Condition>,
    /// Items that are the same for all elements of a resource.
    pub(super) resource_items: Vec<ResourceItem>,
}

/// A map from the keys of an array's elements to their positions; it is made when it is first used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyMap {
    /// The elements, from the resource.
    pub(super) array: Path,
    /// The key of an element.
    pub(super) key: Path,
}

impl Shared {
    /// The items of a path for which a condition is true.
    pub(super) fn filtered(&mut self, path: Path, condition: Condition) -> Path {
        let is_array = matches!(path.tail.as_slice(), [Step::Member(_)]);
        if !is_array || path.start != Start::Resource || !path.indexed.is_empty() {
            return self.pivoted(path, condition);
        }
        let mut conditions = Vec::new();
        conjuncts(&condition, &mut conditions);
        let found = conditions
            .iter()
            .position(|one| key_and_wanted(one).is_some());
        let Some(position) = found else {
            return self.pivoted(path, condition);
        };
        let key = conditions.remove(position);
        if conditions.iter().any(|one| one.failure() != Failure::Never) {
            return path.filtered(condition);
        }
        let Some(lookup) = self.lookup(&path, key) else {
            return path.filtered(condition);
        };
        let mut found = Path {
            tail: vec![Step::Lookup(Box::new(lookup))],
            failure: Failure::InLookup,
            ..path
        };
        for condition in conditions {
            found = self.pivoted(found, condition.clone());
        }
        found
    }

    /// The item at a position of what the path finds, remembered with the others where finding it takes
    /// more than members.
    pub(super) fn item(&mut self, path: Path, position: usize) -> Path {
        let is_plain = path.tail.iter().all(|step| matches!(step, Step::Member(_)));
        let steps = path.clone();
        let mut path = path.at(position);
        if !is_plain && let Some(part) = path.indexed.last_mut() {
            part.list = Some(position_of(&mut self.lists, steps));
        }
        path
    }

    /// The lookup of a condition, its map shared with others on the same array and key.
    fn lookup(&mut self, array: &Path, condition: &Condition) -> Option<Lookup> {
        let (key, wanted) = key_and_wanted(condition)?;
        let map = KeyMap {
            array: array.clone(),
            key: key.clone(),
        };
        Some(Lookup {
            map: position_of(&mut self.maps, map),
            wanted: wanted.clone(),
            one_only: matches!(condition, Condition::EqualsPath(..)),
            steps: array.clone().filtered(condition.clone()).tail,
        })
    }
}

/// The position of one of a list, which is added where it is new.
pub(super) fn position_of<T: PartialEq>(list: &mut Vec<T>, one: T) -> usize {
    let known = list.iter().position(|known| *known == one);
    known.unwrap_or_else(|| {
        list.push(one);
        list.len() - 1
    })
}

/// The conditions that are all true where one is.
pub(super) fn conjuncts<'c>(condition: &'c Condition, found: &mut Vec<&'c Condition>) {
    match condition {
        Condition::And(left, right) => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        other => found.push(other),
    }
}

/// The key of an element and the values to compare it with, if these are the same for all elements.
fn key_and_wanted(condition: &Condition) -> Option<(&Path, &Path)> {
    let is_key = |path: &Path| {
        path.start == Start::This
            && path.indexed.is_empty()
            && !path.tail.is_empty()
            && path.tail.iter().all(|step| matches!(step, Step::Member(_)))
    };
    let is_wanted = |path: &Path| path.start == Start::Context && path.failure == Failure::Never;
    match condition {
        Condition::In(key, wanted) if is_key(key) && is_wanted(wanted) => Some((key, wanted)),
        Condition::EqualsPath(key, wanted) | Condition::EqualsPath(wanted, key)
            if is_key(key) && is_wanted(wanted) =>
        {
            Some((key, wanted))
        }
        _ => None,
    }
}
