//! Allocates an amount of the resource to its rows, so that the rows add up to it exactly.

use std::sync::Arc;

use arrow_array::{Array, Decimal128Array};
use arrow_schema::ArrowError;
use serde::{Deserialize, Serialize};

use super::rows::{Columns, choices};

/// Allocates a total to the rows of its resource. If the rows' own amounts add up to the total,
/// each row gets its own amount (null counts as 0). Otherwise the first row gets the total and all
/// others get 0. Without a total, all rows get null.
///
/// The second case exists because of inpatient claims: their lines have charges but no payments,
/// and yet a sum over lines must include the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocate {
    /// The amounts of the rows, as the source sends them.
    pub amount: String,
    /// The total, equal in all rows of a resource. The column is removed from the table.
    pub total: String,
    /// A Boolean column: rows in which it is true repeat other rows (such as a total line) and get
    /// 0.
    pub skip: String,
    /// The name of the new column of amounts, placed after `amount`.
    pub into: String,
    /// The name of the new column that says which case applied, placed after `into`: `line` or
    /// `header`; null without a total.
    pub how: String,
}

/// Positions in the dictionary of the column `how`.
const LINE: u32 = 0;
const HEADER: u32 = 1;

impl Allocate {
    /// Adds the two columns and removes the column of totals.
    ///
    /// # Errors
    ///
    /// A column is missing or has another type, or the two amounts have different scales. A sum
    /// that overflows counts as not adding up.
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
