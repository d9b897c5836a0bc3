//! Two claims that are taken for the same one: what differs between their rows.

use std::borrow::Cow;

use super::claims::{PersonClaims, row_keys};
use super::{Comparing, Counts, KindColumns};
use crate::cell::Cell;
use crate::class::Class;
use crate::error::Result;
use crate::output::{OutputTable, Value};
use crate::pairing::Pair;
use crate::persons::Person;
use crate::plan::{Plan, TablePlan};
use crate::row_pairing::{RowPairs, pair_rows};
use crate::rules::CoreColumns;
use crate::side::Which;

/// A difference between two rows, or a row without a counterpart.
struct Difference<'c> {
    table: &'c str,
    /// None: the whole row.
    column: Option<&'c str>,
    class: Class,
    left: Cell<'c>,
    right: Cell<'c>,
}

impl Comparing<'_> {
    pub(super) fn pair(
        &mut self,
        person: Person,
        claims: &[PersonClaims; 2],
        pair: Pair,
    ) -> Result<()> {
        let core = &self.rules.columns;
        let [left, right] = claims;
        let kind = left.text(&core.kind, pair.left);
        let names = [
            left.text(&core.claim, pair.left),
            right.text(&core.claim, pair.right),
        ];
        let confidence = self.plan.rules[pair.rule].confidence;
        self.found
            .kinds
            .entry(kind.clone())
            .or_default()
            .add_pair(confidence);
        let of_claims = |more: Vec<Value>| {
            let texts = [&kind, &names[0], &names[1]].map(|text| Value::Text(Some(text.clone())));
            let mut row = vec![Value::Number(person)];
            row.extend(texts);
            row.extend(more);
            row
        };
        let is_kept = self.output.is_kept();
        if is_kept {
            let rule = self.rules.pairings.get(pair.rule);
            let rule = Value::Text(rule.map(|rule| rule.name.clone()));
            let row = of_claims(vec![confidence.as_str().into(), rule]);
            self.output.push(OutputTable::Pair, row)?;
        }
        let counts = self.columns.entry(kind.clone()).or_insert_with(|| {
            let of = |table: &TablePlan| vec![Counts::default(); table.compared.len() + 1];
            self.plan.tables.iter().map(of).collect()
        });
        for found in differences(&self.plan, core, claims, pair, counts) {
            // Ids are in the table of pairs.
            if !is_kept || found.class == Class::IdMoved {
                continue;
            }
            let owned = |cell: Cell<'_>| Value::Text(cell.text().map(Cow::into_owned));
            let row = of_claims(vec![
                found.table.into(),
                Value::Text(found.column.map(str::to_owned)),
                found.class.as_str().into(),
                owned(found.left),
                owned(found.right),
            ]);
            self.output.push(OutputTable::Difference, row)?;
        }
        Ok(())
    }
}

/// What differs, which is counted, too.
fn differences<'c>(
    plan: &'c Plan,
    core: &CoreColumns,
    claims: &'c [PersonClaims; 2],
    pair: Pair,
    counts: &mut KindColumns,
) -> Vec<Difference<'c>> {
    let [left, right] = claims;
    let keys = (left.key(core, pair.left), right.key(core, pair.right));
    let mut found = Vec::new();
    for (number, (table, counts)) in plan.tables.iter().zip(counts).enumerate() {
        // In the table of claims, each is its own row.
        let (of_left, of_right, rows) = match number {
            0 => (vec![pair.left], vec![pair.right], one_pair()),
            _ => {
                let of_left = left.rows_of(number, keys.0.as_deref()).to_vec();
                let of_right = right.rows_of(number, keys.1.as_deref()).to_vec();
                let lists = &table.pair_rows_by;
                let keys = |side: &PersonClaims, which: Which, rows: &[usize]| {
                    let key = |row: &usize| row_keys(side, number, which, *row, lists);
                    rows.iter().map(key).collect::<Vec<_>>()
                };
                let keys = (
                    keys(left, Which::Left, &of_left),
                    keys(right, Which::Right, &of_right),
                );
                let rows = pair_rows(&keys.0, &keys.1, lists.len());
                (of_left, of_right, rows)
            }
        };
        for (one, other) in rows.pairs {
            let (Some(one), Some(other)) = (of_left.get(one), of_right.get(other)) else {
                continue;
            };
            for (column, counts) in table.compared.iter().zip(counts.iter_mut().skip(1)) {
                let cell = |side: &'c PersonClaims, place: usize, row: usize| {
                    let column = side.column(number, Some(place));
                    column.map_or(Cell::None, |column| Cell::of(column, row))
                };
                let one = cell(left, column.places[0], *one);
                let other = cell(right, column.places[1], *other);
                counts.compared += 1;
                if let Some(class) = column.class.difference(one, other) {
                    counts.add(class, one, other);
                    found.push(Difference {
                        table: &table.name,
                        column: Some(&column.name),
                        class,
                        left: one,
                        right: other,
                    });
                }
            }
        }
        for (places, class) in [
            (rows.only_left, Class::OnlyLeft),
            (rows.only_right, Class::OnlyRight),
        ] {
            counts[0].classes[class.place()] += places.len() as u64;
            found.extend(places.iter().map(|_| Difference {
                table: &table.name,
                column: None,
                class,
                left: Cell::None,
                right: Cell::None,
            }));
        }
    }
    found
}

fn one_pair() -> RowPairs {
    RowPairs {
        pairs: vec![(0, 0)],
        ..RowPairs::default()
    }
}

impl Counts {
    fn add(&mut self, class: Class, left: Cell<'_>, right: Cell<'_>) {
        self.classes[class.place()] += 1;
        if class == Class::Money {
            self.cents[0] += cents(left);
            self.cents[1] += cents(right);
        }
    }
}

/// In hundredths.
fn cents(cell: Cell<'_>) -> i128 {
    match cell {
        Cell::Decimal(value, scale) if scale >= 2 => {
            value / 10_i128.pow(u32::from((scale - 2).unsigned_abs()))
        }
        Cell::Decimal(value, scale) => value * 10_i128.pow(u32::from((2 - scale).unsigned_abs())),
        _ => 0,
    }
}
