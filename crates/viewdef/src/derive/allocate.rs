//! An amount of the resource given to its rows, so that they add up to it.

use std::sync::Arc;

use arrow_array::{Array, Decimal128Array};
use arrow_schema::ArrowError;
use serde::Deserialize;

use super::rows::{Columns, choices};

/// Gives a total to the rows of its resource. Where the rows' own amounts add up to the total, they
/// are it (null counts as 0); else the first row has the total and the others have 0. A resource
/// without a total has null in all rows.
///
/// Inpatient claims say why: their lines carry charges and no payments, yet the payment must be
/// found when lines are summed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocate {
    /// The amounts of the rows, as the source sends them.
    pub amount: String,
    /// The total, the same in all rows of a resource. It is left out of the table.
    pub total: String,
    /// A flag: rows where it is true repeat the others and get 0.
    pub skip: String,
    /// The new column of amounts, behind `amount`.
    pub into: String,
    /// The new column that says which it was, behind `into`: `line` or `header`.
    pub how: String,
}

const LINE: u32 = 0;
const HEADER: u32 = 1;

impl Allocate {
    pub(super) fn apply(&self, columns: &mut Columns) -> Result<(), ArrowError> {
        let amounts = columns.decimal(&self.amount)?;
        let totals = columns.decimal(&self.total)?;
        let skipped = columns.boolean(&self.skip)?;
        if amounts.scale() != totals.scale() {
            return Err(ArrowError::SchemaError(format!(
                "'{}' and '{}' have other scales",
                self.amount, self.total
            )));
        }
        let is_skipped = |row: usize| skipped.is_valid(row) && skipped.value(row);
        let own = |row: usize| match amounts.is_valid(row) && !is_skipped(row) {
            true => Some(amounts.value(row)),
            false => None,
        };
        let mut given: Vec<Option<i128>> = vec![None; totals.len()];
        let mut how: Vec<Option<u32>> = vec![None; totals.len()];
        for rows in &columns.resources {
            if !totals.is_valid(rows.start) {
                continue;
            }
            let total = totals.value(rows.start);
            let sum = rows
                .clone()
                .filter_map(own)
                .try_fold(None, |sum: Option<i128>, amount| {
                    sum.unwrap_or(0).checked_add(amount).map(Some)
                });
            let adds_up = sum == Some(Some(total));
            // A total line may come first.
            let holder = rows
                .clone()
                .find(|row| !is_skipped(*row))
                .unwrap_or(rows.start);
            for row in rows.clone() {
                let amount = match adds_up {
                    true => own(row).unwrap_or(0),
                    false if row == holder => total,
                    false => 0,
                };
                given[row] = Some(amount);
                how[row] = Some(if adds_up { LINE } else { HEADER });
            }
        }
        let given = Decimal128Array::from(given).with_data_type(amounts.data_type().clone());
        columns.insert_behind(&self.amount, &self.into, Arc::new(given))?;
        columns.insert_behind(
            &self.into,
            &self.how,
            choices(&["line", "header"], how.into_iter())?,
        )?;
        columns.remove(&self.total);
        Ok(())
    }
}
