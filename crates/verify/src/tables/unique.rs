//! Repeated rows where every row must be different.
//!
//! Rows that may be equal are adjacent in a file, so that only these are kept in memory. Those at
//! the ends of a file may continue in another file: they are compared at the end.

use std::collections::HashSet;

use super::cells::{Conditions, Keys};
use super::rules::UniqueRule;
use super::{TableRead, finished, place};
use crate::lake::Snapshot;
use crate::report::Check;

/// Rows of one file.
#[derive(Default)]
struct Found {
    check: Option<Check>,
    /// The rows before lie together with the next if they agree in this.
    together: Option<u128>,
    is_first: bool,
    seen: HashSet<u128>,
    /// The hashes of rows at the beginning.
    first: HashSet<u128>,
}

/// `None` if the lake has no such table.
pub(super) fn check(snapshot: &Snapshot, rule: &UniqueRule) -> Option<Check> {
    let columns = rule.when.keys().chain(&rule.sorted_by).chain(&rule.columns);
    let read = TableRead::new(snapshot, &rule.table, columns)?;
    let empty = Check::warning(rule.name.clone(), rule.what.clone());
    let names: Vec<String> = rule
        .sorted_by
        .iter()
        .chain(&rule.columns)
        .cloned()
        .collect();
    let files = read.files(|found: &mut Found, (batch, file, before)| {
        let table_place = (read.table, file);
        let conditions = Conditions::new(batch, table_place, &rule.when);
        let together = Keys::new(batch, table_place, &rule.sorted_by);
        let all = Keys::new(batch, table_place, &names);
        for row in (0..batch.num_rows()).filter(|row| conditions.are_met(*row)) {
            found.move_to(together.hash(row));
            let is_new = found.seen.insert(all.hash(row));
            let check = found.check.get_or_insert_with(|| empty.clone());
            check.expect(is_new, || place(file, before, row));
        }
    });
    let mut ends: HashSet<u128> = HashSet::new();
    let checks = files.map(|files| {
        let found = files.into_iter().filter_map(|(file, found)| {
            let Found {
                check,
                first,
                seen,
                is_first,
                ..
            } = found;
            let mut check = check?;
            let rows = if is_first {
                vec![seen]
            } else {
                vec![first, seen]
            };
            for hash in rows.into_iter().flatten() {
                if !ends.insert(hash) {
                    check.failed += 1;
                    check.name_places([format!("{}, with a row of another file", file.path)]);
                }
            }
            Some(check)
        });
        found.collect()
    });
    Some(finished(empty.clone(), checks))
}

impl Found {
    fn move_to(&mut self, together: u128) {
        match self.together.replace(together) {
            None => self.is_first = true,
            Some(before) if before != together => {
                let seen = std::mem::take(&mut self.seen);
                if std::mem::take(&mut self.is_first) {
                    self.first = seen;
                }
            }
            Some(_) => {}
        }
    }
}
