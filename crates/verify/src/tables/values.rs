//! Values that a column should not have.

use super::cells::{Column, Conditions};
use super::pattern::fits;
use super::rules::ValueRule;
use super::{TableRead, finished, place};
use crate::lake::Snapshot;
use crate::report::Check;

/// `None` if the lake has no such table or column.
pub(super) fn check(snapshot: &Snapshot, rule: &ValueRule) -> Option<Check> {
    let columns = rule.when.keys().chain([&rule.column]);
    let read = TableRead::new(snapshot, &rule.table, columns)?;
    if !read.has(&rule.column) {
        return None;
    }
    let empty = Check::warning(rule.name.clone(), rule.what.clone());
    let found = read.files(|found: &mut Found, (batch, file, before)| {
        let table_place = (read.table, file);
        let conditions = Conditions::new(batch, table_place, &rule.when);
        let column = Column::new(batch, table_place, &rule.column);
        for row in 0..batch.num_rows() {
            let Some(value) = column.text(row).filter(|_| conditions.are_met(row)) else {
                continue;
            };
            let check = found.0.get_or_insert_with(|| empty.clone());
            check.expect(rule.allows(&value), || place(file, before, row));
        }
    });
    let found = found.map(|files| files.into_iter().filter_map(|(_, found)| found.0).collect());
    Some(finished(empty.clone(), found))
}

#[derive(Default)]
struct Found(Option<Check>);

impl ValueRule {
    fn allows(&self, value: &str) -> bool {
        let is_among = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, value));
        let is_after = self
            .refused_from
            .as_deref()
            .is_some_and(|from| value >= from);
        let is_before = self
            .refused_before
            .as_deref()
            .is_some_and(|before| value < before);
        (self.allowed.is_empty() || is_among(&self.allowed))
            && !is_among(&self.refused)
            && !is_after
            && !is_before
    }
}
