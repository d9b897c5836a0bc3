//! Filters that one pass answers for many: lookups by `sequence`, and pivots by coding.
//!
//! Claims point from their lines to arrays of the resource by number
//! (`%resource.careTeam.where(sequence in %context.careTeamSequence)`), and views turn the elements
//! of one array into columns by their coding
//! (`adjudication.where(category.coding.exists(system = … and code = …))`). Both are recognised here
//! when a `where` is compiled; [`super::cached_filters`] evaluates them.

use super::keys::KeyCode;
use super::program::{Condition, Failure, Lookup, Path, Pivot, Start, Step};

/// Conditions of one group; a mask has a bit for each.
const MAX_PIVOTS: usize = 63;

/// What the programs of all views of a resource type share.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    /// One for each array and key that some path looks into.
    pub(super) maps: Vec<KeyMap>,
    /// One for each place of codings and set of keys.
    pub(super) pivot_groups: Vec<PivotGroup>,
}

/// A map from the keys of an array's elements to their positions; it is made when it is first used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyMap {
    /// The elements, from the resource.
    pub(super) array: Path,
    /// The key of an element.
    pub(super) key: Path,
}

/// Conditions `codings.exists(key = 'text' and …)` that differ in their texts only.
#[derive(Debug, Clone)]
pub(super) struct PivotGroup {
    /// The codings of an element, `category.coding`.
    pub(super) codings: Path,
    /// What is compared of a coding, such as its `code` and its `system`.
    pub(super) keys: Vec<KeyCode>,
    /// The texts of each condition, in the order of the keys.
    pub(super) pivots: Vec<Vec<Box<[u8]>>>,
}

impl Shared {
    /// The items of a path for which a condition is true.
    pub(super) fn filtered(&mut self, path: Path, condition: Condition) -> Path {
        if condition.failure() == Failure::Never
            && let Some(pivot) = self.pivot(&condition)
        {
            let mut path = path;
            path.tail.push(Step::Pivot(pivot));
            return path;
        }
        let [Step::Member(_)] = path.tail.as_slice() else {
            return path.filtered(condition);
        };
        if path.start != Start::Resource || !path.indexed.is_empty() {
            return path.filtered(condition);
        }
        let mut conditions = Vec::new();
        conjuncts(&condition, &mut conditions);
        let found = conditions
            .iter()
            .position(|one| key_and_wanted(one).is_some());
        let Some(position) = found else {
            return path.filtered(condition);
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
            found = found.filtered(condition.clone());
        }
        found
    }

    /// The lookup of a condition, its map shared with others on the same array and key.
    fn lookup(&mut self, array: &Path, condition: &Condition) -> Option<Lookup> {
        let (key, wanted) = key_and_wanted(condition)?;
        let map = KeyMap {
            array: array.clone(),
            key: key.clone(),
        };
        let known = self.maps.iter().position(|known| *known == map);
        let position = known.unwrap_or(self.maps.len());
        if known.is_none() {
            self.maps.push(map);
        }
        Some(Lookup {
            map: position,
            wanted: wanted.clone(),
            one_only: matches!(condition, Condition::EqualsPath(..)),
            steps: array.clone().filtered(condition.clone()).tail,
        })
    }

    /// The pivot of a condition, in a group with those that differ in their texts only.
    fn pivot(&mut self, condition: &Condition) -> Option<Pivot> {
        let Condition::Exists(path) = condition else {
            return None;
        };
        let (Step::Filter(test), members) = path.tail.split_last()? else {
            return None;
        };
        let has_plain_members = members.iter().all(|step| matches!(step, Step::Member(_)));
        if path.start != Start::This || !path.indexed.is_empty() || !has_plain_members {
            return None;
        }
        let mut tests = Vec::new();
        conjuncts(test, &mut tests);
        let mut tests = tests
            .into_iter()
            .map(key_and_text)
            .collect::<Option<Vec<_>>>()?;
        tests.sort_by_key(|(key, _)| *key);
        let (keys, texts): (Vec<KeyCode>, Vec<Box<[u8]>>) = tests.into_iter().unzip();
        let codings = Path {
            tail: members.to_vec(),
            ..Path::from(Start::This)
        };
        let known = self.pivot_groups.iter().position(|group| {
            group.codings == codings && group.keys == keys && group.pivots.len() < MAX_PIVOTS
        });
        let group = known.unwrap_or(self.pivot_groups.len());
        if known.is_none() {
            self.pivot_groups.push(PivotGroup {
                codings,
                keys,
                pivots: Vec::new(),
            });
        }
        let pivots = &mut self.pivot_groups.get_mut(group)?.pivots;
        let position = pivots.iter().position(|known| *known == texts);
        if position.is_none() {
            pivots.push(texts);
        }
        Some(Pivot {
            group,
            position: u32::try_from(position.unwrap_or(pivots.len() - 1)).ok()?,
            condition: condition.clone(),
        })
    }
}

/// The conditions that are all true where one is.
fn conjuncts<'c>(condition: &'c Condition, found: &mut Vec<&'c Condition>) {
    match condition {
        Condition::And(left, right) => {
            conjuncts(left, found);
            conjuncts(right, found);
        }
        other => found.push(other),
    }
}

/// The key of an element, and what is looked for by it, where the latter is the same for all
/// elements.
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

/// The key and the text of a comparison within a coding.
fn key_and_text(condition: &Condition) -> Option<(KeyCode, Box<[u8]>)> {
    let Condition::EqualsText(path, text) = condition else {
        return None;
    };
    match (path.start, path.indexed.as_slice(), path.tail.as_slice()) {
        (Start::This, [], [Step::Member(key)]) => Some((*key, text.clone())),
        _ => None,
    }
}
