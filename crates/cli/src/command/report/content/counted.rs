//! Which rows of a table count in the report: those of current claims, without claims that are left
//! out by a flag.

use std::collections::HashSet;

use claimlake_contract::LakeTable;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::lake::Lake;
use super::month::Month;
use super::rows::{Rows, add_up};

/// Claims that are in no figure.
#[derive(Debug, Default)]
pub(super) struct NotCounted {
    /// Versions of claims that are superseded or cancelled.
    pub(super) not_current: u64,
    /// Current claims that are left out by a flag.
    pub(super) left_out: u64,
    /// Both, as hashes.
    claims: HashSet<u64>,
}

/// A row that counts.
pub(super) struct CountedRow<'r> {
    pub(super) api: &'r str,
    pub(super) kind: &'r str,
    /// The patient as a hash. Rows without a patient count as one patient: if in doubt, a count is
    /// masked.
    pub(super) person: u64,
    pub(super) month: Option<Month>,
    /// The amount, in cents.
    pub(super) paid: Option<i128>,
}

/// The columns of a table that are added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'c> {
    pub(super) table: &'c LakeTable,
    pub(super) day: &'c str,
    pub(super) amount: &'c str,
}

/// A patient, as everything that counts people knows them.
pub(super) fn person(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

fn claim(api: &str, id: &str) -> Option<u64> {
    let mut hash = Xxh3::new();
    hash.update(api.as_bytes());
    hash.update(b"\n");
    hash.update(id.as_bytes());
    (!id.is_empty()).then(|| hash.digest())
}

impl NotCounted {
    /// Reads which claims do not count: those that the table of claims marks as not current, and
    /// those that a flag in another table marks as left out.
    pub(super) fn read(lake: &mut Lake<'_>, claims: &LakeTable) -> Self {
        let columns = lake.columns;
        let wanted = [
            columns.api.as_str(),
            &columns.claim,
            &columns.left_out.column,
        ];
        let flagged = lake.table(&columns.left_out.table).map(|table| {
            add_up(
                lake,
                table,
                &wanted,
                |found: &mut HashSet<u64>, rows| {
                    let (apis, ids) = (rows.texts(&columns.api), rows.texts(&columns.claim));
                    let flags = rows.flags(&columns.left_out.column);
                    let flagged = (0..rows.len()).filter(|row| flags.at(*row) == Some(true));
                    found.extend(flagged.filter_map(|row| claim(apis.at(row), ids.at(row))));
                },
                |all, found| all.extend(found),
            )
        });
        let flagged = flagged.unwrap_or_default();
        let wanted = [columns.api.as_str(), &columns.claim, &columns.current];
        let add = |found: &mut Self, rows: &Rows<'_>| {
            let (apis, ids) = (rows.texts(&columns.api), rows.texts(&columns.claim));
            let current = rows.flags(&columns.current);
            for row in 0..rows.len() {
                let id = claim(apis.at(row), ids.at(row));
                let is_flagged = id.is_some_and(|id| flagged.contains(&id));
                match (current.at(row), is_flagged) {
                    (Some(false), _) => found.not_current += 1,
                    (_, true) => found.left_out += 1,
                    // Null leaves open which version is current, and it counts.
                    _ => continue,
                }
                found.claims.extend(id);
            }
        };
        add_up(lake, claims, &wanted, add, |all: &mut Self, found| {
            all.not_current += found.not_current;
            all.left_out += found.left_out;
            all.claims.extend(found.claims);
        })
    }

    /// Adds up the rows of a table that count.
    pub(super) fn add_up<T: Default + Send>(
        &self,
        lake: &mut Lake<'_>,
        source: Source<'_>,
        add: impl Fn(&mut T, CountedRow<'_>) + Sync,
        merge: impl Fn(&mut T, T),
    ) -> T {
        let columns = lake.columns;
        let wanted = [
            columns.api.as_str(),
            &columns.claim,
            &columns.patient,
            &columns.kind,
            &columns.current,
            source.day,
            source.amount,
        ];
        let of_rows = |sum: &mut T, rows: &Rows<'_>| {
            let (apis, ids) = (rows.texts(&columns.api), rows.texts(&columns.claim));
            let (patients, kinds) = (rows.texts(&columns.patient), rows.texts(&columns.kind));
            let current = rows.flags(&columns.current);
            let (days, amounts) = (rows.days(source.day), rows.amounts(source.amount));
            for row in 0..rows.len() {
                let id = claim(apis.at(row), ids.at(row));
                if current.at(row) == Some(false) || id.is_some_and(|id| self.claims.contains(&id))
                {
                    continue;
                }
                let counted = CountedRow {
                    api: apis.at(row),
                    kind: kinds.at(row),
                    person: person(patients.at(row)),
                    month: days.month(row),
                    paid: amounts.cents(row),
                };
                add(sum, counted);
            }
        };
        add_up(lake, source.table, &wanted, of_rows, merge)
    }
}
