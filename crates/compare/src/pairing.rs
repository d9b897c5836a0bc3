//! Pairs the claims of one person, one of each lake, by rules that are tried in order. A pair is made
//! only where both claims have no other candidate; whatever still has one at the end is ambiguous, and
//! is not paired. Pure: knows no tables.

use std::collections::BTreeMap;

use crate::rules::Confidence;

/// More combinations than this of claims that are all alike are not looked at one by one.
const MOST_COMBINATIONS: usize = 1 << 20;

/// In which order claims are paired: each turn takes those that the one before has left, too.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    /// The current version of a claim.
    #[default]
    Current,
    /// Another version.
    Earlier,
    /// One that may be there beside another version of the same claim.
    Last,
}

/// What is known of a claim.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidate {
    /// When it is paired.
    pub(crate) turn: Turn,
    /// The values that rules speak of, by number; `None` where the source says nothing.
    pub(crate) facts: Vec<Option<String>>,
}

/// A rule, with its columns as numbers of facts.
#[derive(Debug, Clone)]
pub(crate) struct FactRule {
    pub(crate) confidence: Confidence,
    pub(crate) same: Vec<usize>,
    pub(crate) one_of: Vec<usize>,
    pub(crate) not_different: Vec<usize>,
    pub(crate) at_most_one_different: Vec<usize>,
}

/// Two claims that are taken for the same one: their places, and the rule that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) rule: usize,
}

/// What became of the claims of one person. Claims that are in no list have no candidate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pairing {
    pub(crate) pairs: Vec<Pair>,
    /// Places of claims with several candidates, or whose only candidate has several.
    pub(crate) ambiguous_left: Vec<usize>,
    pub(crate) ambiguous_right: Vec<usize>,
}

/// Which claims are still without a pair.
struct Free {
    left: Vec<bool>,
    right: Vec<bool>,
}

/// Pairs the claims: current ones with current ones first, by all rules, then whatever is left.
pub(crate) fn pair(left: &[Candidate], right: &[Candidate], rules: &[FactRule]) -> Pairing {
    let mut free = Free {
        left: vec![true; left.len()],
        right: vec![true; right.len()],
    };
    let mut found = Pairing::default();
    for turn in [Turn::Current, Turn::Earlier, Turn::Last] {
        for (number, rule) in rules.iter().enumerate() {
            let takes = |one: &Candidate| one.turn <= turn;
            for group in groups(left, right, rule, &free, takes) {
                for (one, other) in group.unique(left, right, rule) {
                    free.left[one] = false;
                    free.right[other] = false;
                    found.pairs.push(Pair {
                        left: one,
                        right: other,
                        rule: number,
                    });
                }
            }
        }
    }
    let mut ambiguous = (vec![false; left.len()], vec![false; right.len()]);
    for rule in rules {
        for group in groups(left, right, rule, &free, |_| true) {
            group.mark(left, right, rule, &mut ambiguous);
        }
    }
    found.pairs.sort_by_key(|pair| (pair.left, pair.right));
    found.ambiguous_left = places(&ambiguous.0);
    found.ambiguous_right = places(&ambiguous.1);
    found
}

fn places(marks: &[bool]) -> Vec<usize> {
    let marked = marks
        .iter()
        .enumerate()
        .filter(|(_, is_marked)| **is_marked);
    marked.map(|(place, _)| place).collect()
}

/// Claims with the same values in all columns that a rule wants to be the same.
#[derive(Default)]
struct Group {
    left: Vec<usize>,
    right: Vec<usize>,
}

fn groups(
    left: &[Candidate],
    right: &[Candidate],
    rule: &FactRule,
    free: &Free,
    takes: impl Fn(&Candidate) -> bool,
) -> Vec<Group> {
    let mut groups: BTreeMap<Vec<&str>, Group> = BTreeMap::new();
    for (place, one) in left.iter().enumerate() {
        if let (true, true, Some(key)) = (free.left[place], takes(one), key(one, rule)) {
            groups.entry(key).or_default().left.push(place);
        }
    }
    for (place, one) in right.iter().enumerate() {
        if let (true, true, Some(key)) = (free.right[place], takes(one), key(one, rule)) {
            // Nobody is there whom it could be paired with.
            if let Some(group) = groups.get_mut(&key) {
                group.right.push(place);
            }
        }
    }
    let both = |group: &Group| !group.left.is_empty() && !group.right.is_empty();
    groups.into_values().filter(both).collect()
}

fn key<'c>(one: &'c Candidate, rule: &FactRule) -> Option<Vec<&'c str>> {
    let known = |fact: &usize| one.facts.get(*fact).and_then(Option::as_deref);
    rule.same.iter().map(known).collect()
}

impl Group {
    fn is_too_large(&self) -> bool {
        self.left.len().saturating_mul(self.right.len()) > MOST_COMBINATIONS
    }

    /// The pairs in which both have no other candidate.
    fn unique(
        &self,
        left: &[Candidate],
        right: &[Candidate],
        rule: &FactRule,
    ) -> Vec<(usize, usize)> {
        if self.is_too_large() {
            return Vec::new();
        }
        let fits = |one: usize, other: usize| fits(&left[one], &right[other], rule);
        let mut pairs = Vec::new();
        for &one in &self.left {
            let mut candidates = self.right.iter().filter(|other| fits(one, **other));
            let (Some(&other), None) = (candidates.next(), candidates.next()) else {
                continue;
            };
            if self.left.iter().filter(|one| fits(**one, other)).count() == 1 {
                pairs.push((one, other));
            }
        }
        pairs
    }

    /// Marks whoever has a candidate.
    fn mark(
        &self,
        left: &[Candidate],
        right: &[Candidate],
        rule: &FactRule,
        ambiguous: &mut (Vec<bool>, Vec<bool>),
    ) {
        let all = self.is_too_large();
        for &one in &self.left {
            for &other in &self.right {
                if all || fits(&left[one], &right[other], rule) {
                    ambiguous.0[one] = true;
                    ambiguous.1[other] = true;
                }
            }
        }
    }
}

/// Whether two claims with the same key are alike as a rule says.
fn fits(left: &Candidate, right: &Candidate, rule: &FactRule) -> bool {
    let both = |fact: &usize| {
        let left = left.facts.get(*fact).and_then(Option::as_deref);
        left.zip(right.facts.get(*fact).and_then(Option::as_deref))
    };
    let is_same = |fact: &usize| both(fact).is_some_and(|(left, right)| left == right);
    let differs = |fact: &usize| both(fact).is_some_and(|(left, right)| left != right);
    (rule.one_of.is_empty() || rule.one_of.iter().any(is_same))
        && !rule.not_different.iter().any(differs)
        && rule
            .at_most_one_different
            .iter()
            .filter(|fact| differs(fact))
            .count()
            <= 1
}

#[cfg(test)]
mod tests;
