//! What was found within landed resources, where threads come upon them in any order.

use std::collections::BTreeMap;

use crate::orders::Orders;
use crate::report::Check;

/// How many places are kept: the first in landing order. Some may be taken away again.
const KEPT: usize = 16;

/// A check in the making.
#[derive(Debug, Clone)]
pub(crate) struct Findings<O = u64> {
    checked: u64,
    failed: u64,
    /// By their place in landing, or in the lake.
    places: BTreeMap<O, String>,
}

impl<O> Default for Findings<O> {
    fn default() -> Self {
        Self {
            checked: 0,
            failed: 0,
            places: BTreeMap::new(),
        }
    }
}

impl<O: Ord> Findings<O> {
    /// Counts what was looked at in the resource at `order`.
    pub(crate) fn add(
        &mut self,
        order: O,
        checked: u64,
        failed: u64,
        place: impl FnOnce() -> String,
    ) {
        self.checked += checked;
        self.failed += failed;
        let is_early = self.places.len() < KEPT
            || self
                .places
                .last_key_value()
                .is_some_and(|(last, _)| order < *last);
        if failed > 0 && is_early {
            self.places.insert(order, place());
            self.shorten();
        }
    }

    /// Counts one comparison; unless `holds`, it is wrong at `place`.
    pub(crate) fn expect(&mut self, order: O, holds: bool, place: impl FnOnce() -> String) {
        self.add(order, 1, u64::from(!holds), place);
    }

    fn shorten(&mut self) {
        while self.places.len() > KEPT {
            self.places.pop_last();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.checked += other.checked;
        self.failed += other.failed;
        self.places.extend(other.places);
        self.shorten();
    }

    /// The finished check, of the kind of `empty`.
    pub(crate) fn check(self, empty: Check) -> Check {
        let mut check = empty;
        check.checked += self.checked;
        check.failed += self.failed;
        check.name_places(self.places.into_values());
        check
    }
}

impl Findings {
    /// Takes away what was found in resources that do not count.
    pub(crate) fn remove(&mut self, other: &Findings, orders: &Orders) {
        self.checked = self.checked.saturating_sub(other.checked);
        self.failed = self.failed.saturating_sub(other.failed);
        self.places.retain(|order, _| !orders.contains(*order));
    }
}

#[cfg(test)]
mod tests {
    use super::Findings;
    use crate::report::Check;

    #[test]
    fn the_first_places_are_named_whatever_order_they_come_in() {
        let (mut even, mut odd) = (Findings::default(), Findings::default());
        for order in (0..40).rev() {
            let findings = if order % 2 == 0 { &mut even } else { &mut odd };
            findings.add(order, 2, 1, || format!("line {order}"));
        }
        even.merge(odd);
        let mut superseded = Findings::default();
        superseded.add(3, 2, 1, || "line 3".into());
        even.remove(&superseded, &[3].into_iter().collect());
        let check = even.check(Check::hard("x", ""));
        assert_eq!((check.checked, check.failed), (78, 39));
        let expected = [0, 1, 2, 4, 5, 6, 7, 8, 9, 10].map(|order| format!("line {order}"));
        assert_eq!(check.places, expected);
    }
}
