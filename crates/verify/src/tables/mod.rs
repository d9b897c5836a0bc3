//! What the rows of tables say of each other and of themselves, by rules of the pipeline's files.
//!
//! Places are a file and a row in it, never a value. Files that are damaged are named by another check
//! and not read here.

mod cells;
mod pattern;
mod rules;
mod sums;
#[cfg(test)]
mod tests;
mod unique;
mod values;
mod years;

use arrow_array::RecordBatch;
use claimlake_contract::{LakeFile, LakeTable};
use rayon::prelude::*;

pub(crate) use self::rules::SumRule;
pub use self::rules::TableRules;
use crate::error::Error;
use crate::lake::Snapshot;
use crate::parquet_rows::for_each_batch;
use crate::report::Check;

/// All checks of the rules, those of one name together.
pub(crate) fn check(snapshot: &Snapshot, rules: &TableRules, sums: &[SumRule]) -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    let mut add = |found: Option<Check>| {
        let Some(found) = found else { return };
        match checks.iter_mut().find(|check| check.name == found.name) {
            Some(check) => check.merge(found),
            None => checks.push(found),
        }
    };
    sums.iter()
        .for_each(|rule| add(sums::check(snapshot, rule)));
    rules
        .values
        .iter()
        .for_each(|rule| add(values::check(snapshot, rule)));
    rules
        .unique
        .iter()
        .for_each(|rule| add(unique::check(snapshot, rule)));
    rules
        .years
        .iter()
        .for_each(|rule| add(years::check(snapshot, rule)));
    checks
}

/// A table and those of its columns that a rule reads.
struct TableRead<'r> {
    snapshot: &'r Snapshot,
    table: &'r LakeTable,
    columns: Vec<&'r str>,
}

impl<'r> TableRead<'r> {
    /// None where the lake has no such table.
    fn new(
        snapshot: &'r Snapshot,
        table: &str,
        columns: impl IntoIterator<Item = &'r String>,
    ) -> Option<Self> {
        Some(Self {
            snapshot,
            table: snapshot.table(table)?,
            columns: columns.into_iter().map(String::as_str).collect(),
        })
    }

    /// Whether the table has a column.
    fn has(&self, column: &str) -> bool {
        let columns = self
            .table
            .columns
            .iter()
            .chain(&self.table.partition_columns);
        columns.map(|(name, _)| name).any(|name| name == column)
    }

    /// What `visit` makes of each file, in the order of the files. It gets the batches of a file in
    /// their order, with the number of rows before them.
    fn files<T: Default + Send>(
        &self,
        visit: impl Fn(&mut T, (&RecordBatch, &LakeFile, u64)) + Sync,
    ) -> Result<Vec<(&'r LakeFile, T)>, Error> {
        let intact = self.table.files.par_iter();
        let intact = intact.filter(|file| !self.snapshot.damaged.contains(&file.path));
        let made = intact.map(|file| {
            let (mut made, mut before) = (T::default(), 0);
            let path = self.snapshot.folder.join(&file.path);
            for_each_batch(&path, self.columns.iter().copied(), |batch| {
                visit(&mut made, (batch, file, before));
                before += batch.num_rows() as u64;
                Ok(())
            })?;
            Ok((file, made))
        });
        made.collect()
    }
}

/// The row `row`, from 0, of the batch behind `before` rows of a file.
fn place(file: &LakeFile, before: u64, row: usize) -> String {
    format!("{}, row {}", file.path, before + row as u64 + 1)
}

/// The check, with what could not be read among its failures.
fn finished(check: Check, found: Result<Vec<Check>, Error>) -> Check {
    let mut check = check;
    match found {
        Ok(found) => found.into_iter().for_each(|found| check.merge(found)),
        Err(error) => check.fail(|| error.to_string()),
    }
    check
}
