//! What is made of a view's rows when the rows of a resource are complete: what one row of a
//! ViewDefinition cannot say, such as a sum over its siblings.
//!
//! A derivation works on batches of Arrow rows; the rows of a resource follow each other and share
//! the number in [`LANDING_ORDER_COLUMN`]. It knows columns by the names its data gives it, and
//! nothing of FHIR.

mod allocate;
mod month;
mod months;
mod rank;
mod rows;
#[cfg(test)]
mod tests;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use serde::Deserialize;

pub use allocate::Allocate;
pub use months::{Enrolled, Months, Series};
pub use rank::Rank;
use rows::Columns;

/// What is derived for a table. As data: `[<table>.allocate]`, `[<table>.rank]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    /// An amount of the resource, given to its rows.
    pub allocate: Option<Allocate>,
    /// The place of each row among those of its resource.
    pub rank: Option<Rank>,
    /// A row for each month.
    pub months: Option<Months>,
}

impl Derivation {
    /// The columns of a table after the derivation, from those its view makes.
    ///
    /// # Errors
    /// When a column that the derivation names is not there or has another type.
    pub fn schema(&self, made: &SchemaRef) -> Result<SchemaRef, ArrowError> {
        self.apply(&RecordBatch::new_empty(made.clone()))
            .map(|batch| batch.schema())
    }

    /// The rows after the derivation. No resource's rows may lie in two batches.
    ///
    /// # Errors
    /// When a column that the derivation names is not there or has another type, or a sum does not
    /// fit the column.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut columns = Columns::of(batch)?;
        if let Some(allocate) = &self.allocate {
            allocate.apply(&mut columns)?;
        }
        if let Some(rank) = &self.rank {
            rank.apply(&mut columns)?;
        }
        if let Some(months) = &self.months {
            months.apply(&mut columns)?;
        }
        columns.finish()
    }
}
