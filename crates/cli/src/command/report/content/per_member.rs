//! Amounts per member per month: what was paid in member months, divided by their number.

use std::collections::BTreeMap;

use super::cell::Cell;
use super::counted::{CountedRow, NotCounted, Source};
use super::lake::Lake;
use super::members::{Members, Parts};
use crate::pipeline::PerMemberColumns;

/// An amount per member and month, by API version.
#[derive(Debug, Clone)]
pub(crate) struct PerMember {
    /// The columns with the amounts and the months to divide them by.
    pub(crate) columns: PerMemberColumns,
    /// By API version of the claims.
    pub(crate) apis: BTreeMap<String, MemberYears>,
}

/// The amounts of one API version.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemberYears {
    /// By calendar year; empty where no enrolment is known.
    pub(crate) years: BTreeMap<i32, MemberYear>,
    /// All of them.
    pub(crate) total: MemberYear,
    /// Claims outside of member months, which are not included in the above.
    pub(crate) outside: Cell,
}

/// Months and what was paid in them.
#[derive(Debug, Clone, Default)]
pub(crate) struct MemberYear {
    /// Distinct members.
    pub(crate) members: u64,
    /// Their months.
    pub(crate) months: Cell,
    /// The claims of these months.
    pub(crate) claims: Cell,
}

impl PerMember {
    /// Counts the months of members, and what was paid in them, for the API versions `apis`; none
    /// where the lake is without the table of the amount.
    pub(super) fn read<'a>(
        lake: &mut Lake<'_>,
        per_member: &PerMemberColumns,
        members: &Members,
        apis: impl Iterator<Item = &'a String>,
        not_counted: &NotCounted,
    ) -> Option<Self> {
        let mut payments = lake.columns.payments.iter();
        let payments = payments.find(|payments| payments.table == per_member.table);
        let source = Source {
            table: lake.table(&per_member.table)?,
            day: payments.map_or(&lake.columns.day, |payments| &payments.day),
            amount: &per_member.amount,
        };
        let parts = Parts::of(per_member.parts.iter().copied());
        let not_parts = Parts::of(per_member.not_parts.iter().copied());
        let is_member = |found: Parts| found.meets(parts) && !found.meets(not_parts);
        let months = |api: &String| (api.clone(), months(members, api, is_member));
        let mut apis: BTreeMap<String, MemberYears> = apis.map(months).collect();
        let add = |spent: &mut Spent, row: CountedRow<'_>| {
            if !per_member.kinds.is_empty() && !per_member.kinds.iter().any(|kind| kind == row.kind)
            {
                return;
            }
            let month = row
                .month
                .filter(|month| is_member(members.parts(row.api, row.person, *month)));
            let key = (row.api.to_owned(), month.map(|month| month.year));
            spent.entry(key).or_default().count(row.person, row.paid);
        };
        let spent = not_counted.add_up(lake, source, add, |all: &mut Spent, found| {
            for (key, cell) in found {
                all.entry(key).or_default().add(&cell);
            }
        });
        for ((api, year), cell) in spent {
            let of_api = apis.entry(api).or_default();
            match year {
                None => of_api.outside.add(&cell),
                Some(year) => {
                    of_api.total.claims.add(&cell);
                    of_api.years.entry(year).or_default().claims.add(&cell);
                }
            }
        }
        Some(Self {
            columns: per_member.clone(),
            apis,
        })
    }
}

/// What was paid by API version and year; without a year outside of members' months.
type Spent = BTreeMap<(String, Option<i32>), Cell>;

fn months(members: &Members, api: &str, is_member: impl Fn(Parts) -> bool) -> MemberYears {
    let mut found = MemberYears::default();
    for (person, months) in members.of_api(api) {
        let mut years = Vec::new();
        for (month, _) in months.iter().filter(|(_, parts)| is_member(*parts)) {
            years.push(month.year);
            found.total.months.count(person, None);
            let of_year = found.years.entry(month.year).or_default();
            of_year.months.count(person, None);
        }
        found.total.members += u64::from(!years.is_empty());
        years.dedup();
        for year in years {
            found.years.entry(year).or_default().members += 1;
        }
    }
    found
}
