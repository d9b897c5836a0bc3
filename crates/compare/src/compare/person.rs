//! The claims of one person in both lakes: who is whom, and who is alone.

use super::Comparing;
use super::claims::PersonClaims;
use crate::cell::Cell;
use crate::error::Result;
use crate::output::{OutputTable, Value};
use crate::pairing::{Pair, pair};
use crate::persons::Person;
use crate::side::Which;

impl Comparing<'_> {
    pub(super) fn person(&mut self, person: Person, claims: &[PersonClaims; 2]) -> Result<()> {
        let core = self.rules.columns.clone();
        let [left, right] = claims;
        for (which, side) in [(Which::Left, left), (Which::Right, right)] {
            for row in 0..side.claims() {
                let kind = side.text(&core.kind, row);
                self.counts(&kind).add_claims(which, 1);
            }
            let total = match which {
                Which::Left => &mut self.found.left.claims,
                Which::Right => &mut self.found.right.claims,
            };
            *total += side.claims() as u64;
        }
        let candidates = (
            left.candidates(Which::Left, &self.plan, self.rules),
            right.candidates(Which::Right, &self.plan, self.rules),
        );
        let pairing = pair(&candidates.0, &candidates.1, &self.plan.rules);
        for found in &pairing.pairs {
            self.pair(person, claims, *found)?;
        }
        let places = |pairs: &[Pair], of: fn(&Pair) -> usize, ambiguous: &[usize], all: usize| {
            let mut states = vec![None; all];
            for pair in pairs {
                states[of(pair)] = Some(false);
            }
            for place in ambiguous {
                states[*place] = Some(true);
            }
            states
        };
        let of_left = places(
            &pairing.pairs,
            |pair| pair.left,
            &pairing.ambiguous_left,
            left.claims(),
        );
        let of_right = places(
            &pairing.pairs,
            |pair| pair.right,
            &pairing.ambiguous_right,
            right.claims(),
        );
        for (which, side, states) in [
            (Which::Left, left, of_left),
            (Which::Right, right, of_right),
        ] {
            for (row, state) in states.into_iter().enumerate() {
                if state != Some(false) {
                    self.unpaired(person, which, side, row, state.is_some())?;
                }
            }
        }
        self.others(person, claims)
    }

    /// A claim without a pair.
    fn unpaired(
        &mut self,
        person: Person,
        which: Which,
        side: &PersonClaims,
        row: usize,
        is_ambiguous: bool,
    ) -> Result<()> {
        let core = self.rules.columns.clone();
        let kind = side.text(&core.kind, row);
        let reason = match is_ambiguous {
            true => {
                self.counts(&kind).add_ambiguous(which);
                None
            }
            false => {
                let reason = self.reason(person, which, side, row);
                self.counts(&kind).add_only(which, &reason);
                Some(reason)
            }
        };
        if !self.output.is_kept() {
            return Ok(());
        }
        let is_current = match side.cell(&core.current, row) {
            Cell::Flag(flag) => Some(flag),
            _ => None,
        };
        let row = vec![
            Value::Number(person),
            which.as_str().into(),
            Value::Text(Some(kind)),
            Value::Text(Some(side.text(&core.claim, row))),
            Value::Flag(is_current),
            Value::Flag(Some(is_ambiguous)),
            Value::Text(reason),
        ];
        self.output.push(OutputTable::Unpaired, row)
    }

    /// Why a claim is in one lake only.
    fn reason(&self, person: Person, which: Which, side: &PersonClaims, row: usize) -> String {
        let presence = self.persons.presence(person);
        let (is_there, withheld, newest) = match which {
            Which::Left => (presence.right, presence.withheld[1], self.newest[1]),
            Which::Right => (presence.left, presence.withheld[0], self.newest[0]),
        };
        if !is_there {
            return "person not in the other lake".into();
        }
        for reason in &self.rules.reasons {
            let text = side.cell(&reason.column, row).text();
            if text.as_deref() == Some(reason.value.as_str()) {
                return reason.name.clone();
            }
        }
        if withheld {
            return "consent scope".into();
        }
        match side.cell(&self.rules.columns.loaded, row) {
            Cell::Time(time) if time > newest && newest > i64::MIN => {
                "loaded after the other lake".into()
            }
            _ => "unknown".into(),
        }
    }

    /// Claims without a row in the table of claims: the same id in the same API version, or none.
    fn others(&mut self, person: Person, claims: &[PersonClaims; 2]) -> Result<()> {
        for (which, side, other) in [
            (Which::Left, &claims[0], &claims[1]),
            (Which::Right, &claims[1], &claims[0]),
        ] {
            for (name, (id, is_current)) in &side.others {
                let Some(rule) = self.rules.other_claims.get(name.0) else {
                    continue;
                };
                let (kind, reason) = (rule.kind.clone(), rule.reason.clone());
                let is_in_both = other.others.contains_key(name);
                let counts = self.counts(&kind);
                counts.add_claims(which, 1);
                if is_in_both {
                    counts.certain += u64::from(which == Which::Left);
                    continue;
                }
                counts.add_only(which, &reason);
                if self.output.is_kept() {
                    let row = vec![
                        Value::Number(person),
                        which.as_str().into(),
                        Value::Text(Some(kind)),
                        Value::Text(Some(id.clone())),
                        Value::Flag(*is_current),
                        Value::Flag(Some(false)),
                        Value::Text(Some(reason)),
                    ];
                    self.output.push(OutputTable::Unpaired, row)?;
                }
            }
        }
        Ok(())
    }
}
