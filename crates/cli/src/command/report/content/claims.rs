//! Claims by API version, kind and month: how many, of how many people, what was paid.

use std::collections::{BTreeMap, HashSet};

use super::cell::Cell;
use super::counted::{CountedRow, NotCounted, Source};
use super::lake::Lake;
use super::month::Month;

/// The sums over all claims.
#[derive(Debug, Clone, Default)]
pub(crate) struct Claims {
    /// By API version, then by kind of claim. The versions' people and claims are never added up:
    /// the same person and the same claim have other ids in the other version.
    pub(crate) kinds: BTreeMap<(String, String), ClaimsOfType>,
    /// Distinct patients with claims, by API version.
    pub(crate) people: BTreeMap<String, HashSet<u64>>,
}

/// Claims of one kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClaimsOfType {
    /// Distinct people who have one.
    pub(crate) people: HashSet<u64>,
    /// The sum of its claims.
    pub(crate) total: Cell,
    /// The same by the month of the first day of service.
    pub(crate) months: BTreeMap<Month, Cell>,
    /// Claims without a day of service.
    pub(crate) undated: Cell,
}

impl ClaimsOfType {
    /// The cells of total years.
    pub(crate) fn years(&self) -> BTreeMap<Month, Cell> {
        let mut years: BTreeMap<Month, Cell> = BTreeMap::new();
        for (month, cell) in &self.months {
            let year = Month {
                year: month.year,
                month: 1,
            };
            years.entry(year).or_default().add(cell);
        }
        years
    }

    fn merge(&mut self, other: ClaimsOfType) {
        self.people.extend(other.people);
        self.total.add(&other.total);
        self.undated.add(&other.undated);
        for (month, cell) in other.months {
            self.months.entry(month).or_default().add(&cell);
        }
    }
}

impl Claims {
    /// Adds up one amount of one table.
    pub(super) fn read(lake: &mut Lake<'_>, source: Source<'_>, not_counted: &NotCounted) -> Self {
        not_counted.add_up(lake, source, Claims::count, Claims::merge)
    }

    fn count(&mut self, row: CountedRow<'_>) {
        let CountedRow { person, paid, .. } = row;
        let api = row.api.to_owned();
        self.people.entry(api.clone()).or_default().insert(person);
        let of_kind = self.kinds.entry((api, row.kind.to_owned())).or_default();
        of_kind.people.insert(person);
        of_kind.total.count(person, paid);
        match row.month {
            Some(month) => of_kind.months.entry(month).or_default().count(person, paid),
            None => of_kind.undated.count(person, paid),
        }
    }

    fn merge(&mut self, other: Claims) {
        for (api, people) in other.people {
            self.people.entry(api).or_default().extend(people);
        }
        for (kind, claims) in other.kinds {
            self.kinds.entry(kind).or_default().merge(claims);
        }
    }
}
