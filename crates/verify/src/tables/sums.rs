//! Amounts of rows that add up to an amount of another table.
//!
//! Two numbers say first whether all sums hold: the amounts of each table, each multiplied by a hash of
//! what its row belongs to, added up. They are equal where every sum holds, and, but for a chance of
//! one in 2^64, only there. Sums are kept in memory where one does not hold.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use claimlake_contract::LakeFile;

use super::cells::{Column, Conditions, Keys};
use super::rules::{AmountRows, SumRule};
use super::{TableRead, finished, place};
use crate::error::Error;
use crate::lake::Snapshot;
use crate::report::Check;

/// None where the lake is without one of the tables or columns.
pub(super) fn check(snapshot: &Snapshot, rule: &SumRule) -> Option<Check> {
    let parts = reader(snapshot, rule, &rule.parts)?;
    let whole = reader(snapshot, rule, &rule.whole)?;
    let (name, what) = (rule.name.clone(), rule.what.clone());
    let empty = match rule.is_error {
        true => Check::hard(name, what),
        false => Check::warning(name, what),
    };
    let found = compared(&parts, &whole, rule, &empty).map(|check| vec![check]);
    Some(finished(empty, found))
}

fn reader<'r>(
    snapshot: &'r Snapshot,
    rule: &'r SumRule,
    rows: &'r AmountRows,
) -> Option<TableRead<'r>> {
    let columns = rows.when.keys().chain(&rule.by).chain([&rows.column]);
    TableRead::new(snapshot, &rows.table, columns).filter(|read| read.has(&rows.column))
}

/// Calls `visit` with what each row with an amount belongs to, its amount, and its position.
fn each(
    (read, rule, rows): (&TableRead<'_>, &SumRule, &AmountRows),
    (batch, file): (&RecordBatch, &LakeFile),
    mut visit: impl FnMut(u128, i128, usize),
) {
    let table_place = (read.table, file);
    let conditions = Conditions::new(batch, table_place, &rows.when);
    let amounts = Column::new(batch, table_place, &rows.column);
    let keys = Keys::new(batch, table_place, &rule.by);
    for row in (0..batch.num_rows()).filter(|row| conditions.are_met(*row)) {
        if let Some(amount) = amounts.amount(row) {
            visit(keys.hash(row), amount, row);
        }
    }
}

/// How many rows have an amount, and these multiplied by hashes and added up.
fn fingerprint(
    read: &TableRead<'_>,
    rule: &SumRule,
    rows: &AmountRows,
) -> Result<(u64, u128), Error> {
    let files = read.files(|sum: &mut (u64, u128), (batch, file, _)| {
        each((read, rule, rows), (batch, file), |key, amount, _| {
            sum.0 += 1;
            sum.1 = sum.1.wrapping_add(key.wrapping_mul(amount.cast_unsigned()));
        });
    })?;
    Ok(files.into_iter().fold((0, 0), |all, (_, sum)| {
        (all.0 + sum.0, all.1.wrapping_add(sum.1))
    }))
}

fn compared(
    parts: &TableRead<'_>,
    whole: &TableRead<'_>,
    rule: &SumRule,
    empty: &Check,
) -> Result<Check, Error> {
    let mut check = empty.clone();
    let (_, of_parts) = fingerprint(parts, rule, &rule.parts)?;
    let (wholes, of_whole) = fingerprint(whole, rule, &rule.whole)?;
    if of_parts == of_whole {
        check.checked = wholes;
        return Ok(check);
    }
    let sums = parts.files(|sums: &mut HashMap<u128, i128>, (batch, file, _)| {
        each(
            (parts, rule, &rule.parts),
            (batch, file),
            |key, amount, _| {
                let sum = sums.entry(key).or_default();
                *sum = sum.wrapping_add(amount);
            },
        );
    })?;
    let mut sums: HashMap<u128, i128> =
        sums.into_iter().fold(HashMap::new(), |mut all, (_, sums)| {
            for (key, amount) in sums {
                let sum = all.entry(key).or_default();
                *sum = sum.wrapping_add(amount);
            }
            all
        });
    let files = whole.files(
        |found: &mut Vec<(u128, bool, String)>, (batch, file, before)| {
            each(
                (whole, rule, &rule.whole),
                (batch, file),
                |key, amount, row| {
                    let holds = sums.get(&key).copied().unwrap_or(0) == amount;
                    let place = if holds {
                        String::new()
                    } else {
                        place(file, before, row)
                    };
                    found.push((key, holds, place));
                },
            );
        },
    )?;
    for (key, holds, place) in files.into_iter().flat_map(|(_, found)| found) {
        sums.remove(&key);
        check.expect(holds, || place);
    }
    // Parts of what has no amount.
    for _ in sums.into_values().filter(|sum| *sum != 0) {
        check.fail(|| {
            format!(
                "{}: amounts of what has none in {}",
                rule.parts.table, rule.whole.table
            )
        });
    }
    Ok(check)
}
