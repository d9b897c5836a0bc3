//! Conditions on the codings of an element, answered together.
//!
//! Views turn the elements of one array into columns: `adjudication.where(category.coding.exists(…))`, once
//! for each column. Conditions that compare members of a coding with texts are grouped by where the codings
//! are; [`super::pivot_masks`] answers a group for an element in one pass over its codings.

use std::collections::HashMap;

use super::keys::KeyCode;
use super::lookup::{Shared, conjuncts, position_of};
use super::program::{Condition, Failure, MemberPivot, Path, Pivot, Start, Step};

/// Conditions of one group; a mask has a bit for each.
const MAX_PIVOTS: usize = 63;

/// Alternatives of one condition; with more it is evaluated as it is written.
const MAX_ALTERNATIVES: usize = 16;

/// Comparisons of members of one coding, all of which must be true.
pub(super) type Comparisons = Vec<(KeyCode, Box<[u8]>)>;

/// Conditions on the codings of an element. One is met where a coding meets all comparisons of one of its
/// alternatives.
#[derive(Debug, Clone)]
pub(super) struct PivotGroup {
    /// The codings of an element, `category.coding`.
    pub(super) codings: Path,
    /// If the conditions are about all elements of one member: the path of these elements.
    of: Option<Path>,
    /// The member that every alternative compares, `code`.
    pub(super) key: KeyCode,
    /// The alternatives of each condition.
    conditions: Vec<Vec<Comparisons>>,
    /// The alternatives to compare a coding with, by the text of its `key`.
    pub(super) candidates: HashMap<Box<[u8]>, Vec<Candidate>, foldhash::fast::RandomState>,
}

/// An alternative of a condition, where a coding has its text.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// The bits of the conditions that have it.
    pub(super) mask: u64,
    /// The further members that are compared.
    pub(super) others: Comparisons,
}

impl PivotGroup {
    /// How many conditions it has.
    pub(super) fn len(&self) -> usize {
        self.conditions.len()
    }

    /// The position of a condition, which is added where it is new.
    fn position(&mut self, alternatives: Vec<Comparisons>) -> Option<u32> {
        let known = self
            .conditions
            .iter()
            .position(|known| *known == alternatives);
        let position = u32::try_from(known.unwrap_or(self.conditions.len())).ok()?;
        if known.is_some() {
            return Some(position);
        }
        for alternative in &alternatives {
            let mut others = alternative.clone();
            let at = others.iter().position(|(key, _)| *key == self.key)?;
            let (_, text) = others.remove(at);
            let candidates = self.candidates.entry(text).or_default();
            let mask = 1 << position;
            match candidates.iter_mut().find(|known| known.others == others) {
                Some(known) => known.mask |= mask,
                None => candidates.push(Candidate { mask, others }),
            }
        }
        self.conditions.push(alternatives);
        Some(position)
    }
}

impl Shared {
    /// The items of a path for which a condition is true. If the condition, or a part that must be
    /// true, is a pivot, it is evaluated as one.
    pub(super) fn pivoted(&mut self, path: Path, condition: Condition) -> Path {
        if condition.failure() != Failure::Never {
            let condition = self.repeated_condition(condition);
            return path.filtered(condition);
        }
        if let Some(pivot) = self.pivot(&path, &condition) {
            return self.with_pivot(path, pivot);
        }
        let mut conditions = Vec::new();
        conjuncts(&condition, &mut conditions);
        let mut path = path;
        for condition in conditions {
            path = match self.pivot(&path, condition) {
                Some(pivot) => self.with_pivot(path, pivot),
                None => {
                    let condition = self.repeated_condition(condition.clone());
                    path.filtered(condition)
                }
            };
        }
        path
    }

    /// The items of a path that meet a pivot.
    fn with_pivot(&mut self, mut path: Path, pivot: Pivot) -> Path {
        let Some(Step::Member(member)) = path.tail.last() else {
            path.tail.push(Step::Pivot(Box::new(pivot)));
            return path;
        };
        let member = *member;
        let place = position_of(&mut self.member_pivots, (place_of(&path), pivot.group));
        path.tail.pop();
        path.tail.push(Step::MemberPivot(Box::new(MemberPivot {
            member,
            pivot,
            place,
        })));
        path
    }

    /// The pivot of a condition on the items of a path, in a group with others on the same codings.
    fn pivot(&mut self, path: &Path, condition: &Condition) -> Option<Pivot> {
        let is_member = matches!(path.tail.last(), Some(Step::Member(_)));
        let of = is_member.then(|| place_of(path));
        let (codings, alternatives) = match codings_and_test(condition) {
            Some((codings, test)) => (codings, alternatives(test)?),
            // The items are the codings.
            None if is_member => (Path::from(Start::This), alternatives(condition)?),
            None => return None,
        };
        let is_in_all = |key: KeyCode| {
            let has_key =
                |comparisons: &Comparisons| comparisons.iter().any(|(other, _)| *other == key);
            alternatives.iter().all(has_key)
        };
        let known = self.pivot_groups.iter().position(|group| {
            group.codings == codings
                && group.of == of
                && is_in_all(group.key)
                && group.len() < MAX_PIVOTS
        });
        let group = match known {
            Some(group) => group,
            None => {
                // The member that is named last tells the most: `system = … and code = …`.
                let mut keys = alternatives.first()?.iter().rev().map(|(key, _)| *key);
                let key = keys.find(|key| is_in_all(*key))?;
                self.pivot_groups.push(PivotGroup {
                    codings,
                    of,
                    key,
                    conditions: Vec::new(),
                    candidates: HashMap::default(),
                });
                self.pivot_groups.len() - 1
            }
        };
        let position = self.pivot_groups.get_mut(group)?.position(alternatives)?;
        Some(Pivot {
            group,
            position,
            condition: condition.clone(),
        })
    }
}

/// Where the elements of a path are, whichever of them pass its filters.
fn place_of(path: &Path) -> Path {
    let mut place = path.clone();
    place.failure = Failure::Never;
    place
        .tail
        .retain(|step| !matches!(step, Step::Filter(_) | Step::Pivot(_)));
    place
}

/// The codings of an element, and what one of them must meet: `category.coding.where(test).exists()`.
fn codings_and_test(condition: &Condition) -> Option<(Path, &Condition)> {
    let Condition::Exists(path) = condition else {
        return None;
    };
    let (last, steps) = path.tail.split_last()?;
    let (member, test) = match last {
        Step::Filter(test) => (None, test.as_ref()),
        Step::MemberPivot(pivot) => (Some(Step::Member(pivot.member)), &pivot.pivot.condition),
        _ => return None,
    };
    let members: Vec<Step> = steps.iter().cloned().chain(member).collect();
    let has_plain_members = members.iter().all(|step| matches!(step, Step::Member(_)));
    let is_plain = path.start == Start::This && path.indexed.is_empty() && has_plain_members;
    let codings = Path {
        tail: members,
        ..Path::from(Start::This)
    };
    is_plain.then_some((codings, test))
}

/// What may be true of a coding for a condition of comparisons with texts to be true: `or` of `and`.
fn alternatives(condition: &Condition) -> Option<Vec<Comparisons>> {
    let alternatives = match condition {
        Condition::EqualsText(path, text) => {
            let (Start::This, [], [Step::Member(key)]) =
                (path.start, path.indexed.as_slice(), path.tail.as_slice())
            else {
                return None;
            };
            vec![vec![(*key, text.clone())]]
        }
        Condition::Or(left, right) => {
            let mut all = alternatives(left)?;
            all.extend(alternatives(right)?);
            all
        }
        Condition::And(left, right) => {
            let (left, right) = (alternatives(left)?, alternatives(right)?);
            let both = left.iter().flat_map(|left| {
                let joined = |right: &Comparisons| [left.as_slice(), right.as_slice()].concat();
                right.iter().map(joined).collect::<Vec<_>>()
            });
            both.take(MAX_ALTERNATIVES + 1).collect()
        }
        Condition::Repeated { condition, .. } => alternatives(condition)?,
        _ => return None,
    };
    (alternatives.len() <= MAX_ALTERNATIVES).then_some(alternatives)
}
